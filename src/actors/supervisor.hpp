#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace chouette {

/// An actor without which the agent is of no use.
struct VitalActor {
  std::string name;
  caf::actor handle;
  std::chrono::seconds patience{};  ///< It may be blocked so long, by Redis or by the intake.
};

struct SupervisorState {
  static inline const char* name = "supervisor";
  std::vector<VitalActor> running;  ///< In the order in which they are stopped.
  bool stopping = false;
  bool failed = false;
  std::function<void()> on_failure;
};

/// Watches `actors`, and stops them one after the other, in their order, when it is told to exit or
/// when one of them ends by itself; then it calls `on_failure` first. Ends with `user_shutdown` if
/// all went well, else with an error.
caf::behavior supervisor(caf::stateful_actor<SupervisorState>* self, std::vector<VitalActor> actors,
                         std::function<void()> on_failure);

}  // namespace chouette
