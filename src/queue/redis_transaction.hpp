#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
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

/// The two keys of each of `queues`.
std::vector<TypedKey> typed_keys(std::initializer_list<QueueName> queues);

/// The set of marks for the bucket that begins at `bucket`.
std::string seconds_key(std::int64_t bucket);

/// Commands that are executed together or not at all.
class Transaction {
public:
  explicit Transaction(RedisConnection& connection) : connection_(connection) {}

  void send(RedisCommand command);

  void add(QueueName queue, const std::vector<NewRecord>& records);
  void remove(QueueName queue, const PackedStrings& keys);
  void mark(const std::vector<SecondsTaken>& seconds);

private:
  friend QueueResult<void> execute_transaction(RedisConnection&, const std::vector<TypedKey>&,
                                               std::string_view,
                                               const std::function<void(Transaction&)>&);

  /// Asks for all that is to be known before the first command.
  void ask_to_begin(const std::vector<TypedKey>& keys, std::string_view watched);
  /// Reads the answers to that, and sends what waits if nothing stands against it.
  void begin();
  QueueResult<void> execute();

  void send_now(const RedisCommand& command);
  RedisReply receive();
  void receive_all_but(std::size_t last);

  RedisConnection& connection_;
  std::vector<TypedKey> keys_;
  bool begun_ = false;
  /// Put together while Redis works on the beginning.
  std::vector<RedisCommand> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t unanswered_ = 0;  ///< Commands sent.
  std::optional<QueueError> failure_;
};

/// Executes what `fill` adds to a transaction; it asks Redis for nothing itself. Redis rolls
/// nothing back: were one of `keys` of another type, half of a transaction would happen, and
/// records that were to be moved would only be removed. So their types are looked at before. It is
/// not executed either if the key `watched`, which may be empty for none, is changed meanwhile.
QueueResult<void> execute_transaction(RedisConnection& connection,
                                      const std::vector<TypedKey>& keys, std::string_view watched,
                                      const std::function<void(Transaction&)>& fill);

/// Executes transactions of which none happens later than it seems: one that was given up may
/// still be on its way, and would bring back old points when it arrives. Each is therefore bound to
/// a key that is changed before the next one: then Redis executes nothing of it.
class FencedTransactions {
public:
  /// `execute_transaction`, bound to that key.
  QueueResult<void> execute(RedisConnection& connection, const std::vector<TypedKey>& keys,
                            const std::function<void(Transaction&)>& fill);

private:
  bool fence_needed_ = true;  ///< At first, too: a killed agent may have left a transaction.
};

}  // namespace chouette
