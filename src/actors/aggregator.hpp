#pragma once

#include <chouette/wrapper.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "logging/fault.hpp"
#include "metrics/aggregation.hpp"
#include "metrics/losses.hpp"
#include "metrics/taken_seconds.hpp"
#include "queue/clock_history.hpp"

namespace chouette {

struct AggregatorSettings {
  std::chrono::seconds interval;
  std::shared_ptr<const Wrapper> wrapper;
  std::chrono::seconds time_to_live{14400};  ///< Of records; so long a jump of the clock matters.
  std::shared_ptr<LossBook> losses = std::make_shared<LossBook>();
  WallClock wall = wall_time;
};

/// What one round of aggregation is at. Buckets are listed, their values fetched window by window
/// and merged, and their points stored, each stage ahead of the next, so that Redis and the agent
/// work at the same time.
struct AggregationRound {
  struct Listed {
    Bucket bucket;
    bool whole;  ///< All its records are listed.
    std::size_t requested = 0;
    std::size_t merged = 0;
  };
  struct Merged {
    Bucket bucket;
    bool whole;
    AggregatedBucket aggregated;
    std::optional<TakenSeconds> seconds = {};
  };

  explicit AggregationRound(const Wrapper& wrapper) : aggregation(wrapper) {}

  std::deque<TimeRange> closed;  ///< What is still to be taken,
  bool taking = false;
  std::optional<Taken> source;  ///< and is: its range begins after what is listed.
  bool listing = false;
  bool all_listed = false;  ///< Of the source.
  std::deque<Listed> listed;
  std::size_t fetching = 0;  ///< Windows under way.
  Aggregation aggregation;   ///< Of the first bucket listed.
  std::deque<Merged> merged;
  bool storing = false;     ///< The first one merged.
  std::size_t records = 0;  ///< Aggregated.
};

struct AggregatorState {
  static inline const char* name = "aggregator";
  AggregatorSettings settings;
  redis_actor redis;
  Throttle throttle;
  std::optional<ClockHistory> clocks;
  /// A tick while one is under way starts no second one.
  std::shared_ptr<AggregationRound> round;
};

aggregator_actor::behavior_type aggregator(aggregator_actor::stateful_pointer<AggregatorState> self,
                                           redis_actor redis, AggregatorSettings settings);

}  // namespace chouette
