#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queue/queue.hpp"
#include "queue/redis_settings.hpp"

namespace chouette {

/// What a Redis server tells about itself.
struct RedisFacts {
  /// The text that INFO answers; none if the server refuses to tell, as some managed ones do.
  std::optional<std::string> info;
  /// What CONFIG GET answers for `save`: when snapshots are made. None if it refuses to tell.
  std::optional<std::string> save;
  /// Of keys that were asked for: `zset`, `hash`, ..., or `none`.
  std::map<std::string, std::string> types;
};

/// Reads them over a connection of its own, and changes nothing. Fails if the server cannot be
/// reached, or refuses what the agent cannot do without; each wait for it ends after `timeout`.
QueueResult<RedisFacts> read_redis_facts(const RedisSettings& settings,
                                         const std::vector<std::string>& keys,
                                         std::chrono::milliseconds timeout);

}  // namespace chouette
