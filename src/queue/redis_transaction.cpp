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

std::vector<TypedKey> typed_keys(QueueName queue) {
  return {{std::string(queue.keys), "zset"}, {std::string(queue.values), "hash"}};
}

QueueResult<void> check_types(RedisConnection& connection, const std::vector<TypedKey>& keys) {
  for (const auto& [key, type] : keys) {
    if (auto sent = connection.send({"TYPE", key}); !sent) {
      return sent;
    }
  }
  QueueResult<void> result;
  for (const auto& [key, type] : keys) {
    const auto reply = connection.receive();
    if (!reply) {
      return tl::unexpected(reply.error());
    }
    if (!result) {
      continue;  // The first fault is told; the other answers are still to be read.
    }
    const auto found = text_of(**reply);
    if (const auto error = error_of(**reply)) {
      result = tl::unexpected(*error);
    } else if (found != "none" && found != type) {
      result =
          tl::unexpected(QueueError{QueueErrc::wrong_type, key + " holds a " + std::string(found) +
                                                               ", not a " + std::string(type)});
    }
  }
  return result;
}

Transaction::Transaction(RedisConnection& connection) : connection_(connection) {
  if (const auto begun = connection.ask({"MULTI"}); !begun) {
    failure_ = begun.error();
  }
}

void Transaction::send(const RedisCommand& command) {
  if (!failure_) {
    if (auto sent = connection_.send(command); !sent) {
      failure_ = sent.error();
    }
    ++sent_;
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

QueueResult<void> Transaction::execute() {
  if (failure_) {
    return tl::unexpected(*failure_);
  }
  send({"EXEC"});
  for (; sent_ > 1 && receive(); --sent_) {
  }
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
  auto reply = connection_.receive();
  const auto error = reply ? error_of(**reply) : reply.error();
  if (error && !failure_) {
    failure_ = error;
  }
  return reply ? std::move(*reply) : nullptr;
}

QueueResult<void> FencedTransactions::execute(RedisConnection& connection,
                                              const std::vector<TypedKey>& keys,
                                              const std::function<void(Transaction&)>& fill) {
  if (auto right = check_types(connection, keys); !right) {
    return right;
  }
  if (auto fenced = fence_off_late_ones(connection); !fenced) {
    return fenced;
  }
  Transaction transaction(connection);
  fill(transaction);
  auto done = transaction.execute();
  fence_needed_ = !done && done.error().code == QueueErrc::unreachable;
  return done;
}

QueueResult<void> FencedTransactions::fence_off_late_ones(RedisConnection& connection) {
  if (fence_needed_) {
    if (const auto changed = connection.ask({"SET", fence_key, make_record_key()}); !changed) {
      return tl::unexpected(changed.error());
    }
    fence_needed_ = false;
  }
  if (const auto watched = connection.ask({"WATCH", fence_key}); !watched) {
    return tl::unexpected(watched.error());
  }
  return {};
}

}  // namespace chouette
