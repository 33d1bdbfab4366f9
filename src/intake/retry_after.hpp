#pragma once

#include <chrono>
#include <optional>

#include "http/http_client.hpp"

namespace chouette {

/// How long an intake asks its clients to stay away: the longer of `Retry-After` (RFC 9110,
/// seconds or a date) and `X-RateLimit-Reset` (Datadog's, seconds). 0 or more, unbounded; 0 for a
/// date that has passed. None if neither is there, or what is there cannot be read.
///
/// A date counts from the answer's own `Date`, or else from `wall`, the Unix time in seconds.
std::optional<std::chrono::seconds> retry_after(const HttpResponse& response, double wall);

/// By how many seconds the device's clock, which shows the Unix time `wall`, is behind the answer's
/// `Date` (above 0) or ahead of it (below 0), to about a second and the time the answer took. None
/// if the answer has no `Date` that can be read.
std::optional<double> clock_offset(const HttpResponse& response, double wall);

}  // namespace chouette
