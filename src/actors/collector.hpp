#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <stop_token>
#include <string>
#include <vector>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "actors/plugin_runner.hpp"
#include "logging/fault.hpp"
#include "metrics/losses.hpp"
#include "status/status_board.hpp"

namespace chouette {

struct CollectorSettings {
  std::chrono::seconds interval;
  std::vector<NamedPlugin> plugins;
  bool plugin_metrics = false;  ///< Whether chouette.plugin.* are stored as well.
  std::shared_ptr<LossBook> losses = std::make_shared<LossBook>();
  std::shared_ptr<StatusBoard> board = std::make_shared<StatusBoard>();
  WallClock wall = wall_time;
  bool detached =
      true;  ///< Each plugin on a thread of its own; tests without blocking ones say no.
};

struct CollectorState {
  static inline const char* name = "collector";

  struct Running {
    plugin_actor runner;      ///< Null before the first capture and after it ended.
    std::stop_source stop;    ///< The runner's.
    std::uint64_t round = 0;  ///< Of the capture that is waited for, or of the last.
    bool waiting = false;
    std::int64_t asked = 0;  ///< When the capture that is waited for began: Unix time in seconds.
    std::vector<caf::actor_addr> abandoned;  ///< Runners whose capture hangs.
    Fault fault;
    std::string said_fault;               ///< What was last logged,
    caf::actor_clock::time_point said{};  ///< and when.
  };

  CollectorSettings settings;
  redis_actor redis;
  std::vector<Running> plugins;      ///< As in settings.plugins.
  std::deque<NewRecord> unstored;    ///< Oldest first, bounded.
  std::vector<NewRecord> in_flight;  ///< On their way to Redis.
  Throttle throttle;
};

collector_actor::behavior_type collector(collector_actor::stateful_pointer<CollectorState> self,
                                         redis_actor redis, CollectorSettings settings);

}  // namespace chouette
