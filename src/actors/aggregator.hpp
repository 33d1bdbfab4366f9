#pragma once

#include <chouette/wrapper.hpp>
#include <chrono>
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

struct AggregatorState {
  static inline const char* name = "aggregator";
  AggregatorSettings settings;
  redis_actor redis;
  std::optional<Aggregation> aggregation;
  Throttle throttle;
  std::optional<ClockHistory> clocks;

  bool busy = false;             ///< A round is under way; a tick meanwhile starts no second one.
  std::deque<TimeRange> closed;  ///< What the round is still to take.
  TimeRange bucket{};            ///< Under way.
  PackedStrings keys;            ///< Its raw records.
  std::size_t requested = 0;     ///< How many of their values were asked for,
  std::size_t read = 0;          ///< and how many have come.
  AggregatedBucket aggregated;
  std::optional<TakenSeconds> taken;
};

aggregator_actor::behavior_type aggregator(aggregator_actor::stateful_pointer<AggregatorState> self,
                                           redis_actor redis, AggregatorSettings settings);

}  // namespace chouette
