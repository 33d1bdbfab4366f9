#pragma once

#include <chouette/metric.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// What the metrics of a command get that it does not say itself.
struct ExecDefaults {
  std::int64_t now = 0;              ///< Unix time in whole seconds.
  std::chrono::seconds interval{1};  ///< Of counts and rates, 1 or more.
};

/// What a command's output says.
struct ExecOutput {
  std::vector<WrappedMetric> metrics;
  std::uint64_t malformed = 0;  ///< Lines that make no sense, and metrics beyond the bound.
  std::string example;          ///< The first of them: number, reason, a printable excerpt.
};

/// Of one capture, over all commands. The collector keeps 10,000 of all plugins.
inline constexpr std::size_t most_exec_metrics = 5000;

/// Reads lines `name value [type] [tag,tag]` and JSON objects, in the format that README.md beside
/// this file describes. At most `most` metrics are kept. Never throws for anything in `text`.
ExecOutput parse_exec_output(std::string_view text, const ExecDefaults& defaults,
                             std::size_t most = most_exec_metrics);

/// Leaves one point for each name, tags and second, since Datadog keeps no more: of a gauge the
/// last, of counts and rates the sum. If their types or intervals differ, the later one counts.
/// Sorts.
void merge_same_points(std::vector<WrappedMetric>& metrics);

/// The last line that is not blank, without blanks around it. Empty if there is none.
std::string_view last_line(std::string_view text);

/// `text` for a message: at most `most` characters, valid UTF-8 without control characters of
/// ASCII.
std::string printable(std::string_view text, std::size_t most);

}  // namespace chouette
