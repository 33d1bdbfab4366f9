#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "status/status.hpp"

namespace chouette {

/// The answers to /live and /ready, with HTTP status 200 and 503.
inline constexpr std::string_view yes_page = "yes\n";
inline constexpr std::string_view no_page = "no\n";

/// The answer to /status: one JSON object. Times are Unix times, durations are in seconds, and what
/// is not known is null. Fields are only ever added.
std::string to_json(const Status& status);

/// What `to_json` wrote, by whatever version of the agent: what is missing is not known. An error
/// is a line that says why the text is none.
tl::expected<Status, std::string> status_from_json(std::string_view json);

/// The answer to /metrics, in Prometheus' text format (version 0.0.4).
std::string to_prometheus(const Status& status);

/// For people at a terminal of 80 columns: what is well in a few lines, what is not in words.
std::string to_text(const Status& status);

}  // namespace chouette
