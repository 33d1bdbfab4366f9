#pragma once

#include <chouette/metric.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_set>
#include <vector>

#include "queue/queue.hpp"

namespace chouette {

/// Remembers for which seconds a series has a point already, so that no second gets two, of which
/// Datadog would keep only the last. Bounded: what was claimed longest ago is forgotten first.
class TakenSeconds {
public:
  explicit TakenSeconds(std::size_t capacity = 65536) : capacity_(capacity) {}

  /// Moves `point` to a free second: the one it has, else another of `bucket`, else the next free
  /// one after it; and takes that second.
  void claim(WrappedMetric& point, TimeRange bucket);

  /// The points claimed since the last call will be stored: their seconds stay taken.
  void keep();

  /// They will not be stored, their seconds are free again.
  void give_back();

private:
  bool take(std::uint64_t series, std::int64_t second);

  std::size_t capacity_;
  std::unordered_set<std::uint64_t> taken_;
  std::deque<std::uint64_t> oldest_first_;
  std::size_t claimed_ = 0;  ///< How many at the end of oldest_first_ are not yet kept.
};

}  // namespace chouette
