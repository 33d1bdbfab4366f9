#pragma once

#include <string>

#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"

namespace chouette {

/// Queue::hash_sizes over a connection: one SCAN and pipelined HLENs.
QueueResult<HashSizes> scan_hash_sizes(RedisConnection& connection, const std::string& pattern,
                                       const std::string& cursor);

}  // namespace chouette
