#pragma once

#include <cstddef>

#include "support/redis_client.hpp"

namespace chouette::bench {

/// The raw queue that the measurements are made on: records of about 150 bytes of JSON, `series`
/// of five types in random order, spread over 200 s that end a minute ago: 20 buckets at the usual
/// interval. Always the same but for its time.
void fill_raw_queue(test::RedisClient& redis, std::size_t records, std::size_t series = 200);

/// The queue of wrapped metrics after a long time without an intake: points of 1,000 series, one
/// each every 10 s, the last a minute ago.
void fill_wrapped_queue(test::RedisClient& redis, std::size_t records);

}  // namespace chouette::bench
