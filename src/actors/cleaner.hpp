#pragma once

#include <chrono>
#include <vector>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "logging/fault.hpp"
#include "queue/retention.hpp"

namespace chouette {

struct CleanerSettings {
  std::chrono::seconds metric_ttl;
  std::chrono::seconds log_ttl;
  std::chrono::seconds period{60};
  WallClock wall = wall_time;
};

struct CleanerState {
  static inline const char* name = "cleaner";

  struct Kept {
    QueueName queue;
    Retention retention;
  };

  CleanerSettings settings;
  redis_actor redis;
  std::vector<Kept> queues;
  Throttle throttle;
};

using cleaner_impl = cleaner_actor::extend<caf::reacts_to<Tick>>;

cleaner_impl::behavior_type cleaner(cleaner_impl::stateful_pointer<CleanerState> self,
                                    redis_actor redis, CleanerSettings settings);

}  // namespace chouette
