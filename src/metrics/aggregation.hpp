#pragma once

#include <array>
#include <chouette/wrapper.hpp>
#include <cstdint>
#include <string>
#include <string_view>
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
  Dropped unsupported;  ///< Raw metrics that the wrapper does not know, or at which it threw.
  Dropped unsendable;   ///< Points of the wrapper's that cannot be sent, see why_unsendable.
};

/// The points of a bucket and what they were made of.
struct AggregatedBucket {
  std::vector<WrappedMetric> points;
  AggregationReport report;
};

/// Why a point, which may be of a foreign plugin or wrapper, cannot be sent: it has no name, its
/// value is no number, or its time is more than 2^53 s from 1970. Empty if it can be sent.
std::string_view why_unsendable(const WrappedMetric& point);

/// Makes tags of a foreign plugin or wrapper what Tags promise to be: sorted, each once.
void put_in_order(Tags& tags);

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
  void wrap(const MergedMetric& metric, AggregatedBucket& result);

  const Wrapper& wrapper_;
  std::vector<WrappedMetric> points_;  // of one metric, while it is wrapped
  RawMetricParser parser_;
  Merger merger_;
  AggregationReport report_;
};

}  // namespace chouette
