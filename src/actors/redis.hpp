#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/actors.hpp"
#include "logging/fault.hpp"

namespace chouette {

/// Calls that are refused for the same reason: one fault.
struct Refusal {
  Fault fault;
  std::set<std::string> calls;
};

struct RedisState {
  static inline const char* name = "redis";
  std::shared_ptr<Queue> queue;
  Fault unreachable;
  std::map<std::string, Refusal> refused;  ///< By the reason.
};

/// Spawn it detached: its calls block.
redis_actor::behavior_type redis(redis_actor::stateful_pointer<RedisState> self,
                                 std::shared_ptr<Queue> queue);

}  // namespace chouette
