#pragma once

#include <utility>
#include <vector>

#include "queue/queue.hpp"
#include "queue/redis_settings.hpp"
#include "support/redis_server.hpp"

namespace chouette {

inline RedisSettings by_socket(const test::RedisServer& server) {
  RedisSettings settings;
  settings.socket = server.socket();
  return settings;
}

inline Additions added(std::vector<NewRecord> records, std::vector<SecondsTaken> seconds = {}) {
  Additions additions;
  additions.records = std::move(records);
  additions.seconds = std::move(seconds);
  return additions;
}

}  // namespace chouette
