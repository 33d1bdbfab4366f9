#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace chouette::test {

/// What is wrong with a payload, one line each. Empty: Datadog takes it as it is meant.
using Violations = std::vector<std::string>;

/// The limits of v1/series and v1/input.
constexpr std::size_t most_series_bytes_sent = 3'200'000;
constexpr std::size_t most_series_bytes_raw = 62'914'560;
constexpr std::size_t most_log_bytes_raw = 5'000'000;
constexpr std::size_t most_log_entries = 1000;
constexpr std::size_t most_log_entry_bytes = 1'000'000;

/// Checks the body of a POST to v1/series.
Violations check_series_payload(const nlohmann::json& payload);

/// Checks the body of a POST to v1/input.
Violations check_logs_payload(const nlohmann::json& payload);

/// What `bytes` hold, if they are exactly one whole zlib stream (RFC 1950) and nothing more. What
/// exceeds `most` bytes by far is cut off.
std::optional<std::string> inflate_zlib(const std::string& bytes, std::size_t most);

/// The tags of a series, sorted and joined by commas: what Datadog tells series apart by.
std::string joined_tags(std::vector<std::string> tags);
std::string joined_tags(const nlohmann::json& series);

}  // namespace chouette::test
