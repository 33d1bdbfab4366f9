#pragma once

#include <map>
#include <string>
#include <utility>

#include "support/redis_client.hpp"

namespace chouette::test {

/// All that a Redis database holds: by key, its serialised value and when it expires. And under an
/// empty key, how many changes the server has counted.
using RedisState = std::map<std::string, std::pair<std::string, std::string>>;

inline RedisState state_of(RedisClient& redis) {
  RedisState state;
  for (const auto& key : redis.command({"KEYS", "*"})) {
    const auto name = key.get<std::string>();
    state[name] = {redis.command({"DUMP", name}).get<std::string>(),
                   redis.command({"TTL", name}).dump()};
  }
  const auto info = redis.command({"INFO", "persistence"}).get<std::string>();
  const auto changes = info.find("rdb_changes_since_last_save:");
  state[""].first = info.substr(changes, info.find('\r', changes) - changes);
  return state;
}

}  // namespace chouette::test
