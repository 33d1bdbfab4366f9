#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "metrics/raw_metric.hpp"

namespace chouette::test {

/// What a raw metric says, in a form that two readers' results can be compared in.
struct RawMetricReading {
  std::string name, type;
  double timestamp = 0, value = 0;
  std::size_t elements = 0, distinct = 0;
  std::vector<std::string> tags;  ///< Sorted, each as often as it was read.

  bool operator==(const RawMetricReading&) const = default;
};
using RawMetricVerdict = std::variant<Malformed, RawMetricReading>;

/// For messages: the reason, or all that was read.
std::string to_text(const RawMetricVerdict& verdict);

/// What the agent makes of `text`.
RawMetricVerdict read_raw_metric(RawMetricParser& parser, std::string_view text);

/// Where the agent means to read otherwise than nlohmann does.
enum class Difference : std::uint8_t {
  /// nlohmann takes a NUL for the end of the text. To the agent, and to Python, it is no JSON.
  nul,
  /// nlohmann nests without end, simdjson to 1,023, Python to about 1,000.
  depth,
  /// With an integer beyond 64 bits a record is read recursively, so only 16 deep.
  big_and_deep,
  /// Of a tag that an object has twice both are kept, for a series may have both. nlohmann and
  /// Python keep the last, and so does the agent beside an integer beyond 64 bits.
  repeated_tag,
};
inline constexpr std::size_t differences = 4;

struct ExpectedRawMetric {
  RawMetricVerdict verdict;
  std::optional<Difference> difference;  ///< Why it is not what nlohmann's document would say.
};

/// What the agent has to make of `text`, by what nlohmann and printf make of it. None where that
/// depends on simdjson's version: after a byte order mark, with one of the last three differences.
std::optional<ExpectedRawMetric> expect_raw_metric(std::string_view text);

}  // namespace chouette::test
