#include "queue/redis_transaction.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace chouette {

namespace {

/// What transactions are bound to.
constexpr std::string_view fence_key = "chouette:fence";

std::optional<QueueError> wrong_type(const TypedKey& key, std::string_view found) {
  if (found == "none" || found == key.type) {
    return std::nullopt;
  }
  return QueueError{QueueErrc::wrong_type, key.key + " holds a " + std::string(found) + ", not a " +
                                               std::string(key.type)};
}

}  // namespace

std::string to_score(double value) {
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "+inf";
  }
  std::array<char, 32> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::string seconds_key(std::int64_t bucket) {
  return std::string(seconds_prefix) + std::to_string(bucket);
}

std::vector<TypedKey> typed_keys(std::initializer_list<QueueName> queues) {
  std::vector<TypedKey> keys;
  for (const auto& queue : queues) {
    keys.push_back({std::string(queue.keys), "zset"});
    keys.push_back({std::string(queue.values), "hash"});
  }
  return keys;
}

void Transaction::send(const RedisCommand& command) {
  if (!failure_) {
    if (auto sent = connection_.send(command); !sent) {
      failure_ = sent.error();
    }
    ++unanswered_;
  }
}

void Transaction::remove(QueueName queue, const PackedStrings& keys) {
  for (std::size_t from = 0; from < keys.size(); from += keys_at_once) {
    const auto to = std::min(from + keys_at_once, keys.size());
    RedisCommand zrem{"ZREM", queue.keys};
    RedisCommand hdel{"HDEL", queue.values};
    for (auto i = from; i < to; ++i) {
      zrem.add(keys[i]);
      hdel.add(keys[i]);
    }
    send(zrem);
    send(hdel);
  }
}

void Transaction::add(QueueName queue, const std::vector<NewRecord>& records) {
  for (std::size_t from = 0; from < records.size(); from += keys_at_once) {
    const auto to = std::min(from + keys_at_once, records.size());
    RedisCommand zadd{"ZADD", queue.keys};
    RedisCommand hset{"HSET", queue.values};
    for (auto i = from; i < to; ++i) {
      zadd.add(to_score(records[i].timestamp));
      zadd.add(records[i].key);
      hset.add(records[i].key);
      hset.add(records[i].value);
    }
    send(zadd);
    send(hset);
  }
}

void Transaction::mark(const std::vector<SecondsTaken>& seconds) {
  for (const auto& [bucket, marks] : seconds) {
    const auto key = seconds_key(bucket);
    for (std::size_t from = 0; from < marks.size(); from += keys_at_once) {
      const auto to = std::min(from + keys_at_once, marks.size());
      RedisCommand sadd{"SADD", key};
      for (auto i = from; i < to; ++i) {
        sadd.add(std::to_string(marks[i]));
      }
      send(sadd);
    }
    send({"EXPIRE", key, std::to_string(seconds_lifetime.count())});
  }
}

/// All that is to be known before the first command, in one round trip.
QueueResult<void> Transaction::begin(const std::vector<TypedKey>& keys, std::string_view watched) {
  for (const auto& [key, type] : keys) {
    send({"TYPE", key});
  }
  if (!watched.empty()) {
    send({"WATCH", watched});
  }
  send({"MULTI"});
  std::optional<QueueError> wrong;
  for (const auto& key : keys) {
    const auto found = receive();
    if (found && !wrong) {
      wrong = wrong_type(key, text_of(*found));
    }
  }
  receive_all_but(0);
  if (!failure_) {
    failure_ = wrong;
  }
  if (!failure_) {
    return {};
  }
  // Were MULTI refused, what follows would be executed one by one; were it not, DISCARD ends it.
  auto failure = std::exchange(failure_, std::nullopt);
  if (failure->code != QueueErrc::unreachable) {
    send({"DISCARD"});
    send({"UNWATCH"});
    receive_all_but(0);
  }
  return tl::unexpected(std::move(*failure));
}

QueueResult<void> Transaction::execute() {
  send({"EXEC"});
  if (!failure_) {
    if (auto sent = connection_.send_more(); !sent) {
      failure_ = sent.error();
    }
  }
  receive_all_but(1);
  auto result = receive();  // of EXEC
  if (failure_) {
    return tl::unexpected(*failure_);
  }
  if (result && result->type == REDIS_REPLY_NIL) {
    return tl::unexpected(
        QueueError{QueueErrc::refused, "another agent writes into the same queues of this Redis"});
  }
  if (!result || result->type != REDIS_REPLY_ARRAY) {
    return tl::unexpected(unexpected_answer("EXEC"));
  }
  for (std::size_t i = 0; i < result->elements; ++i) {
    if (const auto error = error_of(*result->element[i])) {
      return tl::unexpected(*error);
    }
  }
  return {};
}

/// The first error is the one that tells: what follows is EXECABORT.
RedisReply Transaction::receive() {
  if (failure_ && failure_->code == QueueErrc::unreachable) {
    return nullptr;
  }
  --unanswered_;
  auto reply = connection_.receive();
  const auto error = reply ? error_of(**reply) : reply.error();
  if (error && !failure_) {
    failure_ = error;
  }
  return reply ? std::move(*reply) : nullptr;
}

void Transaction::receive_all_but(std::size_t last) {
  while (unanswered_ > last && receive()) {
  }
}

QueueResult<void> execute_transaction(RedisConnection& connection,
                                      const std::vector<TypedKey>& keys, std::string_view watched,
                                      const std::function<void(Transaction&)>& fill) {
  Transaction transaction(connection);
  if (auto begun = transaction.begin(keys, watched); !begun) {
    return begun;
  }
  fill(transaction);
  return transaction.execute();
}

QueueResult<void> FencedTransactions::execute(RedisConnection& connection,
                                              const std::vector<TypedKey>& keys,
                                              const std::function<void(Transaction&)>& fill) {
  if (fence_needed_) {
    if (const auto changed = connection.ask({"SET", fence_key, make_record_key()}); !changed) {
      return tl::unexpected(changed.error());
    }
    fence_needed_ = false;
  }
  auto done = execute_transaction(connection, keys, fence_key, fill);
  fence_needed_ = !done && done.error().code == QueueErrc::unreachable;
  return done;
}

}  // namespace chouette
