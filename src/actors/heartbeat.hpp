#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "actors/actors.hpp"
#include "actors/supervisor.hpp"
#include "process/service_manager.hpp"
#include "status/status_board.hpp"

namespace chouette {

struct HeartbeatSettings {
  std::vector<VitalActor> actors;
  std::shared_ptr<StatusBoard> board;
  ServiceSettings service;
  std::chrono::seconds period{10};
};

struct HeartbeatState {
  static inline const char* name = "heartbeat";
  HeartbeatSettings settings;
  redis_actor redis;
  std::vector<bool> asked;  ///< By actor: an answer is still to come.
  bool counting = false;    ///< The same of how much waits.
};

/// Asks all vital actors again and again whether they answer, and writes it on the board. Keeps
/// systemd's watchdog as long as all do, and tells systemd how much waits.
using heartbeat_actor = caf::typed_actor<caf::reacts_to<Tick>>;

heartbeat_actor::behavior_type heartbeat(heartbeat_actor::stateful_pointer<HeartbeatState> self,
                                         redis_actor redis, HeartbeatSettings settings);

}  // namespace chouette
