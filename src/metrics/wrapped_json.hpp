#pragma once

#include <chouette/metric.hpp>
#include <cstdint>
#include <string>

namespace chouette {

/// A point's time lies between this and its negative: up to it a double holds all seconds.
inline constexpr std::int64_t latest_second = 9007199254740992;

/// A point as it waits in the queue: one series object of Datadog's v1 API,
/// `{"metric", "points": [[seconds, value]], "tags", "type", "interval"?}`. Bytes that are not
/// UTF-8 are replaced.
std::string to_json(const WrappedMetric& metric);

}  // namespace chouette
