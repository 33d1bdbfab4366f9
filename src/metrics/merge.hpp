#pragma once

#include <chouette/metric.hpp>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "metrics/raw_metric.hpp"
#include "metrics/text_list.hpp"

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
    bool keeps_values = false;
  };

  Series& series_of(const RawMetric& metric);
  Series& series_of(const RawMetric& metric, Tags tags);

  std::deque<Series> series_;
  /// By name, type and sorted tags; and, up to a limit, by the tags as they were written, so that
  /// those of most records are not sorted.
  std::unordered_map<std::string, Series*> by_key_;
  std::size_t spellings_ = 0;  ///< Bytes of the latter's keys.
  TextList key_;               ///< Here for its memory's sake.
};

}  // namespace chouette
