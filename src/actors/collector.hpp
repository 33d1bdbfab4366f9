#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "actors/plugin_runner.hpp"
#include "logging/fault.hpp"
#include "metrics/losses.hpp"

namespace chouette {

/// A plugin that is to run.
struct NamedPlugin {
  std::string name;
  PluginFactory make;
};

struct CollectorSettings {
  std::chrono::seconds interval;
  std::vector<NamedPlugin> plugins;
  std::shared_ptr<LossBook> losses = std::make_shared<LossBook>();
  WallClock wall = wall_time;
  bool detached =
      true;  ///< Each plugin on a thread of its own; tests without blocking ones say no.
};

struct CollectorState {
  static inline const char* name = "collector";

  struct Running {
    plugin_actor runner;      ///< Null before the first capture and after it ended.
    std::uint64_t round = 0;  ///< Of the capture that is waited for, or of the last.
    bool waiting = false;
    std::vector<caf::actor_addr> abandoned;  ///< Runners whose capture hangs.
    Fault fault;
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
