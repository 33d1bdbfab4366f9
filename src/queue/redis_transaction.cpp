#include "queue/redis_transaction.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace chouette {

namespace {

/// A transaction of any size is to take no more memory than that here, and one command's.
constexpr std::size_t most_waiting = 65536;

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

void Transaction::send(RedisCommand command) {
  if (failure_) {
    return;
  }
  if (begun_) {
    send_now(command);
    return;
  }
  waiting_bytes_ += command.bytes();
  waiting_.push_back(std::move(command));
  if (waiting_bytes_ >= most_waiting) {
    begin();
  }
}

void Transaction::send_now(const RedisCommand& command) {
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
    send(std::move(zrem));
    send(std::move(hdel));
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
    send(std::move(zadd));
    send(std::move(hset));
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
      send(std::move(sadd));
    }
    send({"EXPIRE", key, std::to_string(seconds_lifetime.count())});
  }
}

void Transaction::ask_to_begin(const std::vector<TypedKey>& keys, std::string_view watched) {
  keys_ = keys;
  for (const auto& [key, type] : keys) {
    send_now({"TYPE", key});
  }
  if (!watched.empty()) {
    send_now({"WATCH", watched});
  }
  send_now({"MULTI"});
  if (!failure_) {
    if (auto written = connection_.write(); !written) {
      failure_ = written.error();
    }
  }
}

void Transaction::begin() {
  std::optional<QueueError> wrong;
  for (const auto& key : keys_) {
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
    begun_ = true;
    for (const auto& command : std::exchange(waiting_, {})) {
      send_now(command);
    }
    return;
  }
  // Were MULTI refused, what follows would be executed one by one; were it not, DISCARD ends it.
  const auto failure = std::exchange(failure_, std::nullopt);
  if (failure->code != QueueErrc::unreachable) {
    send_now({"DISCARD"});
    send_now({"UNWATCH"});
    receive_all_but(0);
  }
  failure_ = failure;
}

QueueResult<void> Transaction::execute() {
  if (!begun_ && !failure_) {
    begin();
  }
  if (!begun_) {
    return tl::unexpected(*failure_);
  }
  send_now({"EXEC"});
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
  transaction.ask_to_begin(keys, watched);
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
