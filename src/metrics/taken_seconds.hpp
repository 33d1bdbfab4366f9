#pragma once

#include <chouette/metric.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "queue/queue.hpp"

namespace chouette {

/// Gives each point of a bucket a second that its series has no point in yet, for of two points in
/// one second Datadog keeps only the last. What earlier rounds have taken is loaded from the queue,
/// bucket by bucket, as far as it is needed.
class TakenSeconds {
public:
  TakenSeconds(TimeRange bucket, std::chrono::seconds interval);

  /// What was taken in the bucket that begins at `start`.
  void load(std::int64_t start, const std::vector<std::int64_t>& taken);

  /// Moves points to free seconds: the one a point has, else another of the bucket, else the next
  /// free one after it. Returns the start of a bucket that must be loaded first; then call it again
  /// with the same points. Nothing once each point has its second.
  std::optional<std::int64_t> place(std::vector<WrappedMetric>& points);

  /// What was taken here, to be stored along with the points.
  std::vector<SecondsTaken> taken() const;

private:
  /// True if `second` was free, and is the series' now.
  bool take(std::uint64_t series, std::int64_t second, std::int64_t bucket_start);
  std::optional<std::int64_t> place(WrappedMetric& point);

  TimeRange bucket_;
  std::int64_t start_;
  std::int64_t length_;
  std::size_t placed_ = 0;
  std::unordered_set<std::int64_t> loaded_;
  std::unordered_set<std::int64_t> taken_;
  std::map<std::int64_t, std::vector<std::int64_t>> new_;  ///< By the start of a bucket.
};

}  // namespace chouette
