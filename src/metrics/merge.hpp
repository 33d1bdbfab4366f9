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
  void clear();

  /// Finite: a sum beyond the largest double is the largest double.
  double value() const;

private:
  std::vector<double> parts_;       ///< Without overlap, the smallest first: their sum is exact.
  std::vector<double> huge_parts_;  ///< Of huge values, scaled down so that none overflows.
};

/// Merges raw metrics of the same name, type and tags, in whatever order they come. Remembers
/// series from one bucket to the next.
class Merger {
public:
  void add(const RawMetric& metric);

  /// The merged metrics, ordered by name, type and tags; the merger is empty afterwards. They live
  /// until the next call of any other function.
  std::vector<const MergedMetric*> take();

  /// How many series are remembered.
  std::size_t size() const { return series_.size(); }

  /// Forgets all series. To be called at the latest when numbers of `RawMetric::spelling` begin
  /// anew.
  void forget();

private:
  struct Series {
    MergedMetric metric;
    ExactSum sum;
    std::unordered_set<std::string> elements;
    bool keeps_values = false;

    void add(const RawMetric& metric);
    void finish();
    void clear();
  };

  Series& series_of(const RawMetric& metric);
  Series& new_or_known_series(const RawMetric& metric);

  void clear();

  std::deque<Series> series_;
  std::vector<Series*> merged_;  ///< Those to which something was added.
  bool taken_ = false;           ///< They are still there for him who took them.
  std::unordered_map<std::string, Series*> by_key_;  ///< By name, type and sorted tags.
  std::vector<Series*> by_spelling_;                 ///< By RawMetric::spelling.
};

}  // namespace chouette
