#pragma once

#include <cstddef>

#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"

namespace chouette {

/// How many values without a key are looked for in one call.
inline constexpr std::size_t lone_values_limit = 1000;

/// Those of `fields` that the queue's sorted set does not know.
QueueResult<PackedStrings> without_key(RedisConnection& connection, QueueName queue,
                                       const PackedStrings& fields);

/// Values without a key, by their fields, as far as one round of HSCAN finds them.
QueueResult<PackedStrings> find_lone_values(RedisConnection& connection, QueueName queue);

}  // namespace chouette
