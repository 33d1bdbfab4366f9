#pragma once

#include <chouette/metric.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// What a wrapper may be told by its user.
struct WrapperSettings {
  std::chrono::seconds interval{10};              ///< Length of a bucket, 1 s or more.
  std::vector<std::string> histogram_aggregates;  ///< Any of: avg count sum min max median.
  std::vector<double> histogram_percentiles;      ///< Each in (0, 1).
};

/// Turns merged metrics into the points that are sent. One object serves the aggregator alone; it
/// is called from one thread and keeps nothing between calls.
class Wrapper {
public:
  virtual ~Wrapper() = default;

  /// Appends the points of `metric` to `out`. Returns false, and appends nothing, if the wrapper
  /// does not support the metric's type; such metrics are dropped and counted, and so are those at
  /// which it throws.
  virtual bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const = 0;
};

/// A row in the table of wrappers: METRICS_WRAPPER names it.
struct WrapperEntry {
  std::string_view name;
  std::unique_ptr<Wrapper> (*make)(const WrapperSettings& settings);
};

}  // namespace chouette
