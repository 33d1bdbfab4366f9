#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/actors.hpp"
#include "logging/fault.hpp"
#include "status/status_board.hpp"

namespace chouette {

/// Calls that are refused for the same reason: one fault.
struct Refusal {
  std::string message;
  Fault fault;
  std::set<std::string> calls;
};

struct RedisState {
  static inline const char* name = "redis";
  std::shared_ptr<Queue> queue;
  std::shared_ptr<StatusBoard> board;
  bool trouble_on_board = true;  ///< At first it says that Redis was not reached yet.
  Fault unreachable;
  std::map<std::string, Refusal> refused;  ///< By the reason.
};

/// Spawn it detached: its calls block.
redis_actor::behavior_type redis(redis_actor::stateful_pointer<RedisState> self,
                                 std::shared_ptr<Queue> queue, std::shared_ptr<StatusBoard> board);

}  // namespace chouette
