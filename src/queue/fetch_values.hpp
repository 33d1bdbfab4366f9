#pragma once

#include "queue/packed_strings.hpp"
#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"

namespace chouette {

/// `Queue::fetch`, of at least one key.
QueueResult<PackedStrings> fetch_values(RedisConnection& connection, QueueName queue,
                                        const PackedStrings& keys);

}  // namespace chouette
