#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "logging/fault.hpp"
#include "metrics/losses.hpp"
#include "queue/retention.hpp"

namespace chouette {

struct CleanerSettings {
  std::chrono::seconds metric_ttl;
  std::chrono::seconds log_ttl;
  std::size_t queue_max = 0;  ///< Records that a queue may hold; 0: any number.
  std::shared_ptr<LossBook> losses = std::make_shared<LossBook>();
  std::chrono::seconds period{60};
  WallClock wall = wall_time;
};

struct CleanerState {
  static inline const char* name = "cleaner";

  struct Kept {
    QueueName queue;
    Retention retention;
    Losses* losses;
  };

  CleanerSettings settings;
  redis_actor redis;
  std::vector<Kept> queues;
  std::size_t cleaning = 0;  ///< The number of the queue that is cleaned.
  using Promises = std::vector<caf::typed_response_promise<CleanedUp>>;
  Promises waiting;   ///< For the cleaning under way.
  Promises too_late;  ///< They asked when a queue was done already: for the one after it.
  Throttle throttle;
};

using cleaner_impl = cleaner_actor::extend<caf::reacts_to<Tick>>;

cleaner_impl::behavior_type cleaner(cleaner_impl::stateful_pointer<CleanerState> self,
                                    redis_actor redis, CleanerSettings settings);

}  // namespace chouette
