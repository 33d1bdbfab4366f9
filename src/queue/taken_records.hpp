#pragma once

#include <cstddef>
#include <optional>

#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"
#include "queue/redis_transaction.hpp"

namespace chouette {

/// Before when the records of `raw_taken` are aggregated already.
QueueResult<double> taken_until(RedisConnection& connection);

/// `Queue::take`. Sets records aside if `set_aside_from` of them or more are to be taken, and few
/// others would have to be put back; else they are read where they are.
QueueResult<std::optional<Taken>> take_raw_records(RedisConnection& connection,
                                                   FencedTransactions& transactions, double until,
                                                   std::size_t set_aside_from);

}  // namespace chouette
