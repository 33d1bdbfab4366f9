#pragma once

#include <array>
#include <chouette/wrapper.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "metrics/merge.hpp"
#include "metrics/raw_metric.hpp"
#include "metrics/taken_seconds.hpp"
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
  std::vector<NewRecord> points;
  AggregationReport report;
};

/// Turns the raw records of one bucket into points. Feed it the bucket's records in pieces of any
/// size and order, then finish; it can then be used for the next bucket.
class Aggregation {
public:
  /// `wrapper` and `taken` must outlive it.
  Aggregation(const Wrapper& wrapper, TakenSeconds& taken) : wrapper_(wrapper), taken_(taken) {}

  /// Reads raw records; those that are malformed, or absent, are counted.
  void add(const PackedStrings& records);

  /// The points of all that was added, each on a second of its own; claims these seconds of
  /// `taken`.
  AggregatedBucket finish(TimeRange bucket);

private:
  const Wrapper& wrapper_;
  TakenSeconds& taken_;
  RawMetricParser parser_;
  Merger merger_;
  AggregationReport report_;
};

}  // namespace chouette
