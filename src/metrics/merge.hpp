#pragma once

#include <chouette/metric.hpp>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "metrics/raw_metric.hpp"

namespace chouette {

/// A sum that is rounded once, at its end, so that it does not depend on the order in which records
/// lie in a queue (Shewchuk's exact summation, as in Python's fsum).
class ExactSum {
public:
  void add(double value);

  /// Finite: a sum beyond the largest double is the largest double.
  double value() const;

private:
  std::vector<double> parts_;       ///< Without overlap, the smallest first: their sum is exact.
  std::vector<double> huge_parts_;  ///< Of huge values, scaled down so that none overflows.
};

/// Merges raw metrics of the same name, type and tags, in whatever order they come.
class Merger {
public:
  void add(const RawMetric& metric);

  /// The merged metrics, ordered by name, type and tags; the merger is empty afterwards.
  std::vector<MergedMetric> take();

private:
  struct Series {
    MergedMetric metric;
    ExactSum sum;
    std::unordered_set<std::string> elements;
  };
  std::unordered_map<std::string, Series> series_;
  std::string key_;
};

}  // namespace chouette
