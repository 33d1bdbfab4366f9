#pragma once

#include <chouette/metric.hpp>
#include <string>

namespace chouette {

/// A point as it waits in the queue: one series object of Datadog's v1 API,
/// `{"metric", "points": [[seconds, value]], "tags", "type", "interval"?}`. Bytes that are not
/// UTF-8 are replaced.
std::string to_json(const WrappedMetric& metric);

}  // namespace chouette
