#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"
#include "queue/redis_transaction.hpp"
#include "queue/value_fetcher.hpp"

namespace chouette {

/// The queues in a Redis server, 4.0 or newer. Connects when it is first used, and anew after each
/// failure. No call takes longer than a few timeouts.
class RedisQueue : public Queue {
public:
  /// `take` sets raw records aside from `set_aside_from` on: fewer are removed by two commands.
  explicit RedisQueue(RedisSettings settings,
                      std::chrono::milliseconds timeout = std::chrono::seconds{2},
                      std::size_t set_aside_from = keys_at_once);

  QueueResult<std::optional<double>> oldest(QueueName queue, TimeRange range = all_time) override;
  QueueResult<PackedStrings> list(QueueName queue, TimeRange range, std::size_t limit,
                                  std::size_t skip = 0) override;
  QueueResult<PackedStrings> fetch(QueueName queue, const PackedStrings& keys,
                                   const PackedStrings& next = {}) override;
  QueueResult<void> store(QueueName queue, const std::vector<NewRecord>& records) override;
  QueueResult<void> replace(QueueName from, const PackedStrings& keys, QueueName to,
                            const Additions& added) override;
  QueueResult<std::optional<Taken>> take(double until) override;
  QueueResult<std::vector<std::int64_t>> seconds_taken(std::int64_t bucket) override;
  QueueResult<void> remove(QueueName queue, const PackedStrings& keys) override;
  QueueResult<Expired> expire(QueueName queue, double before) override;
  QueueResult<std::size_t> trim(QueueName queue, std::size_t keep) override;
  QueueResult<std::size_t> size(QueueName queue) override;
  QueueResult<HashSizes> hash_sizes(const std::string& pattern, const std::string& cursor) override;

private:
  using Clock = std::chrono::steady_clock;

  /// Runs `operation` on a live connection, which is dropped if it breaks meanwhile.
  template <class Operation>
  auto with_connection(Operation operation)
      -> decltype(operation(std::declval<RedisConnection&>()));

  /// Of a queue that has so many `keys` and `values`.
  QueueResult<std::size_t> remove_lone_values(RedisConnection& connection, QueueName queue,
                                              std::size_t keys, std::size_t values);

  RedisSettings settings_;
  std::chrono::milliseconds timeout_;
  std::size_t set_aside_from_;
  FencedTransactions transactions_;
  std::optional<RedisConnection> connection_;
  ValueFetcher fetcher_;
  Clock::time_point not_before_;  ///< No attempt to connect before,
  QueueError slow_failure_{};     ///< for the last one took long, and failed with this.
  std::map<std::string_view, PackedStrings> lone_values_;  ///< By queue: seen once.
};

}  // namespace chouette
