#pragma once

#include <array>
#include <chouette/wrapper.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "metrics/merge.hpp"
#include "metrics/raw_metric.hpp"
#include "queue/packed_strings.hpp"
#include "queue/queue.hpp"

namespace chouette {

/// How many records were dropped for one reason, and one of them, shortened, for the log.
struct Dropped {
  std::uint64_t count = 0;
  std::string example;

  void add(std::string_view record, std::uint64_t how_many = 1);
};

/// What became of the raw records of a bucket.
struct AggregationReport {
  std::uint64_t merged = 0;                        ///< Raw metrics that went into points.
  std::array<Dropped, malformed_kinds> malformed;  ///< By `Malformed`.
  Dropped unsupported;                             ///< Types that the wrapper does not know.
};

/// The points of a bucket and what they were made of.
struct AggregatedBucket {
  std::vector<WrappedMetric> points;
  AggregationReport report;
};

/// Points as records of the queue `wrapped_metrics`.
std::vector<NewRecord> to_records(const std::vector<WrappedMetric>& points);

/// Turns the raw records of one bucket into points. Feed it the bucket's records in pieces of any
/// size and order, then finish; it can then be used for the next bucket.
class Aggregation {
public:
  /// `wrapper` must outlive it.
  explicit Aggregation(const Wrapper& wrapper) : wrapper_(wrapper) {}

  /// Reads raw records; those that are malformed, or absent, are counted.
  void add(const PackedStrings& records);

  /// The points of all that was added. Several of one series may be in one second.
  AggregatedBucket finish();

private:
  const Wrapper& wrapper_;
  RawMetricParser parser_;
  Merger merger_;
  AggregationReport report_;
};

}  // namespace chouette
