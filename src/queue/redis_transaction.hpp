#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"

namespace chouette {

/// Keys in one command: beyond a few hundred nothing is gained, and Redis serves others meanwhile.
inline constexpr std::size_t keys_at_once = 1000;

/// A timestamp as Redis reads and compares it, to the last bit.
std::string to_score(double value);

/// A key and the type that it has if it is there.
struct TypedKey {
  std::string key;
  std::string_view type;
};

/// The two keys of `queue`.
std::vector<TypedKey> typed_keys(QueueName queue);

/// The set of marks for the bucket that begins at `bucket`.
std::string seconds_key(std::int64_t bucket);

/// Redis rolls nothing back: were a queue's key of another type, half of a transaction would
/// happen, and records that were to be moved would only be removed. So its type is looked at
/// before.
QueueResult<void> check_types(RedisConnection& connection, const std::vector<TypedKey>& keys);

/// Commands that are executed together or not at all.
class Transaction {
public:
  /// Waits for the answer to MULTI: were it refused, what follows would be executed one by one.
  explicit Transaction(RedisConnection& connection);

  void send(const RedisCommand& command);

  void add(QueueName queue, const std::vector<NewRecord>& records);
  void remove(QueueName queue, const PackedStrings& keys);
  void mark(const std::vector<SecondsTaken>& seconds);

  QueueResult<void> execute();

private:
  RedisReply receive();

  RedisConnection& connection_;
  std::size_t sent_ = 0;
  std::optional<QueueError> failure_;
};

/// Executes transactions of which none happens later than it seems: one that was given up may
/// still be on its way, and would bring back old points when it arrives. Each is therefore bound to
/// a key that is changed before the next one: then Redis executes nothing of it.
class FencedTransactions {
public:
  /// Executes what `fill` adds to a transaction, if all `keys` have the types that they should.
  QueueResult<void> execute(RedisConnection& connection, const std::vector<TypedKey>& keys,
                            const std::function<void(Transaction&)>& fill);

private:
  QueueResult<void> fence_off_late_ones(RedisConnection& connection);

  bool fence_needed_ = true;  ///< At first, too: a killed agent may have left a transaction.
};

}  // namespace chouette
