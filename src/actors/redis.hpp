#pragma once

#include <map>
#include <memory>
#include <string>

#include "actors/actors.hpp"
#include "logging/fault.hpp"

namespace chouette {

struct RedisState {
  static inline const char* name = "redis";
  std::shared_ptr<Queue> queue;
  Fault unreachable;
  std::map<std::string, Fault> refused;  ///< By what was refused.
};

/// Spawn it detached: its calls block.
redis_actor::behavior_type redis(redis_actor::stateful_pointer<RedisState> self,
                                 std::shared_ptr<Queue> queue);

}  // namespace chouette
