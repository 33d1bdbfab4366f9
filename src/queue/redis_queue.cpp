#include "queue/redis_queue.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "queue/hash_sizes.hpp"

namespace chouette {

namespace {

/// What transactions are bound to.
constexpr std::string_view fence_key = "chouette:fence";
/// Keys in one command: beyond a few hundred nothing is gained, and Redis serves others meanwhile.
constexpr std::size_t window = 1000;
/// A name server that does not answer takes far longer than the timeout: not once for each call.
constexpr std::chrono::seconds pause_after_slow_failure{2};
/// How many values without a key are looked for, and remembered, in one call.
constexpr std::size_t lone_values_limit = 1000;

std::string to_score(double value) {
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "+inf";
  }
  std::array<char, 32> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::string_view text_of(const redisReply& reply) {
  return {reply.str, reply.len};
}

std::string seconds_key(std::int64_t bucket) {
  return std::string(seconds_prefix) + std::to_string(bucket);
}

/// Commands that are executed together or not at all.
class Transaction {
public:
  /// Waits for the answer to MULTI: were it refused, what follows would be executed one by one.
  explicit Transaction(RedisConnection& connection) : connection_(connection) {
    if (const auto begun = connection.ask({"MULTI"}); !begun) {
      failure_ = begun.error();
    }
  }

  void send(const RedisCommand& command) {
    if (!failure_) {
      if (auto sent = connection_.send(command); !sent) {
        failure_ = sent.error();
      }
      ++sent_;
    }
  }

  void remove(QueueName queue, const PackedStrings& keys) {
    for (std::size_t from = 0; from < keys.size(); from += window) {
      const auto to = std::min(from + window, keys.size());
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

  void add(QueueName queue, const std::vector<NewRecord>& records) {
    for (std::size_t from = 0; from < records.size(); from += window) {
      const auto to = std::min(from + window, records.size());
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

  void mark(const std::vector<SecondsTaken>& seconds) {
    for (const auto& [bucket, marks] : seconds) {
      const auto key = seconds_key(bucket);
      for (std::size_t from = 0; from < marks.size(); from += window) {
        const auto to = std::min(from + window, marks.size());
        RedisCommand sadd{"SADD", key};
        for (auto i = from; i < to; ++i) {
          sadd.add(std::to_string(marks[i]));
        }
        send(sadd);
      }
      send({"EXPIRE", key, std::to_string(seconds_lifetime.count())});
    }
  }

  QueueResult<void> execute() {
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
      return tl::unexpected(QueueError{QueueErrc::refused,
                                       "another agent writes into the same queues of this Redis"});
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

private:
  /// The first error is the one that tells: what follows is EXECABORT.
  RedisReply receive() {
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

  RedisConnection& connection_;
  std::size_t sent_ = 0;
  std::optional<QueueError> failure_;
};

/// A key and the type that it has if it is there.
struct TypedKey {
  std::string key;
  std::string_view type;
};

std::vector<TypedKey> typed_keys(QueueName queue) {
  return {{std::string(queue.keys), "zset"}, {std::string(queue.values), "hash"}};
}

/// Redis rolls nothing back: were a queue's key of another type, half of a transaction would
/// happen, and records that were to be moved would only be removed. So its type is looked at
/// before.
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

/// Without a transaction, which a Redis that is out of memory refuses even where it would free
/// some. Half of it leaves values without keys, which are removed in time.
QueueResult<void> remove_out_of_memory(RedisConnection& connection, QueueName queue,
                                       const PackedStrings& keys) {
  for (const auto& [command, name] : {std::pair{std::string_view("ZREM"), queue.keys},
                                      std::pair{std::string_view("HDEL"), queue.values}}) {
    for (std::size_t from = 0; from < keys.size(); from += window) {
      RedisCommand removal{command, name};
      for (auto i = from; i < std::min(from + window, keys.size()); ++i) {
        removal.add(keys[i]);
      }
      if (const auto reply = connection.ask(removal); !reply) {
        return tl::unexpected(reply.error());
      }
    }
  }
  return {};
}

QueueResult<void> remove_keys(RedisConnection& connection, QueueName queue,
                              const PackedStrings& keys) {
  if (auto right = check_types(connection, typed_keys(queue)); !right) {
    return right;
  }
  Transaction transaction(connection);
  transaction.remove(queue, keys);
  auto done = transaction.execute();
  if (!done && done.error().message.find(" OOM ") != std::string::npos) {
    return remove_out_of_memory(connection, queue, keys);
  }
  return done;
}

QueueResult<std::size_t> number_of(const QueueResult<RedisReply>& reply) {
  if (!reply) {
    return tl::unexpected(reply.error());
  }
  return static_cast<std::size_t>((*reply)->integer);
}

std::string range_end(TimeRange range) {
  auto to = to_score(range.to);
  if (range.to != INFINITY) {
    to.insert(to.begin(), '(');  // Exclusive.
  }
  return to;
}

QueueResult<PackedStrings> list_keys(RedisConnection& connection, QueueName queue, TimeRange range,
                                     std::size_t limit) {
  constexpr std::size_t no_limit = std::numeric_limits<std::int32_t>::max();
  const auto count = limit < no_limit ? std::to_string(limit) : "-1";
  return connection.ask_list(
      {"ZRANGEBYSCORE", queue.keys, to_score(range.from), range_end(range), "LIMIT", "0", count},
      "ZRANGEBYSCORE");
}

/// Those of `fields` that the sorted set does not know.
QueueResult<PackedStrings> without_key(RedisConnection& connection, QueueName queue,
                                       const PackedStrings& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (auto sent = connection.send({"ZSCORE", queue.keys, fields[i]}); !sent) {
      return tl::unexpected(sent.error());
    }
  }
  PackedStrings result;
  std::optional<QueueError> failure;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto reply = connection.receive();
    if (!reply) {
      return tl::unexpected(reply.error());
    }
    if (const auto error = error_of(**reply)) {
      failure = error;
    } else if ((*reply)->type == REDIS_REPLY_NIL) {
      result.push_back(fields[i]);
    }
  }
  if (failure) {
    return tl::unexpected(*failure);
  }
  return result;
}

/// Values without a key, as far as one round of HSCAN finds them.
QueueResult<std::vector<std::string>> find_lone_values(RedisConnection& connection,
                                                       QueueName queue) {
  std::vector<std::string> found;
  std::string cursor = "0";
  do {
    const auto reply = connection.ask({"HSCAN", queue.values, cursor, "COUNT", "500"});
    if (!reply) {
      return tl::unexpected(reply.error());
    }
    if ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements != 2) {
      return tl::unexpected(unexpected_answer("HSCAN"));
    }
    cursor = text_of(*(*reply)->element[0]);
    const auto& pairs = *(*reply)->element[1];
    PackedStrings fields;
    for (std::size_t i = 0; i + 1 < pairs.elements; i += 2) {
      fields.push_back(text_of(*pairs.element[i]));
    }
    const auto lone = without_key(connection, queue, fields);
    if (!lone) {
      return tl::unexpected(lone.error());
    }
    for (std::size_t i = 0; i < lone->size() && found.size() < lone_values_limit; ++i) {
      found.emplace_back((*lone)[i]);
    }
  } while (cursor != "0" && found.size() < lone_values_limit);
  return found;
}

}  // namespace

RedisQueue::RedisQueue(RedisSettings settings, std::chrono::milliseconds timeout)
    : settings_(std::move(settings)), timeout_(timeout) {}

template <class Operation>
auto RedisQueue::with_connection(Operation operation)
    -> decltype(operation(std::declval<RedisConnection&>())) {
  if (!connection_ || !connection_->alive()) {
    connection_.reset();
    const auto begin = Clock::now();
    if (begin < not_before_) {
      return tl::unexpected(slow_failure_);
    }
    auto opened = RedisConnection::open(settings_, timeout_);
    if (!opened) {
      if (Clock::now() - begin > timeout_) {
        slow_failure_ = opened.error();
        not_before_ = Clock::now() + pause_after_slow_failure;
      }
      return tl::unexpected(opened.error());
    }
    connection_ = std::move(*opened);
  }
  auto result = operation(*connection_);
  if (!result && result.error().code == QueueErrc::unreachable) {
    connection_.reset();
  }
  return result;
}

QueueResult<std::optional<double>> RedisQueue::oldest(QueueName queue, TimeRange range) {
  return with_connection([&](RedisConnection& connection) -> QueueResult<std::optional<double>> {
    const auto reply = connection.ask_list({"ZRANGEBYSCORE", queue.keys, to_score(range.from),
                                            range_end(range), "WITHSCORES", "LIMIT", "0", "1"},
                                           "ZRANGEBYSCORE");
    if (!reply) {
      return tl::unexpected(reply.error());
    }
    if (reply->size() < 2) {
      return std::nullopt;
    }
    const std::string score((*reply)[1]);
    return std::strtod(score.c_str(), nullptr);
  });
}

QueueResult<PackedStrings> RedisQueue::list(QueueName queue, TimeRange range, std::size_t limit) {
  return with_connection(
      [&](RedisConnection& connection) { return list_keys(connection, queue, range, limit); });
}

QueueResult<PackedStrings> RedisQueue::fetch(QueueName queue, const PackedStrings& keys) {
  if (keys.empty()) {
    return PackedStrings{};
  }
  return with_connection([&](RedisConnection& connection) {
    RedisCommand hmget{"HMGET", queue.values};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      hmget.add(keys[i]);
    }
    return connection.ask_list(hmget, "HMGET");
  });
}

QueueResult<void> RedisQueue::store(QueueName queue, const std::vector<NewRecord>& records) {
  return replace(queue, {}, queue, {records});
}

QueueResult<void> RedisQueue::replace(QueueName from, const PackedStrings& keys, QueueName to,
                                      const Additions& added) {
  if (added.records.empty() && added.seconds.empty()) {
    return remove(from, keys);
  }
  return with_connection([&](RedisConnection& connection) -> QueueResult<void> {
    auto keys_to_check = typed_keys(to);
    if (from != to) {
      const auto others = typed_keys(from);
      keys_to_check.insert(keys_to_check.end(), others.begin(), others.end());
    }
    for (const auto& taken : added.seconds) {
      keys_to_check.push_back({seconds_key(taken.bucket), "set"});
    }
    if (auto right = check_types(connection, keys_to_check); !right) {
      return right;
    }
    if (auto fenced = fence_off_late_transactions(connection); !fenced) {
      return fenced;
    }
    Transaction transaction(connection);
    transaction.add(to, added.records);
    transaction.mark(added.seconds);
    transaction.remove(from, keys);
    auto done = transaction.execute();
    fence_needed_ = !done && done.error().code == QueueErrc::unreachable;
    return done;
  });
}

/// A transaction that was given up may still be on its way, and would bring back old points when
/// it arrives. Each is therefore bound to a key that is changed before the next one: then Redis
/// executes nothing of it.
QueueResult<void> RedisQueue::fence_off_late_transactions(RedisConnection& connection) {
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

QueueResult<std::vector<std::int64_t>> RedisQueue::seconds_taken(std::int64_t bucket) {
  return with_connection(
      [&](RedisConnection& connection) -> QueueResult<std::vector<std::int64_t>> {
        const auto members = connection.ask_list({"SMEMBERS", seconds_key(bucket)}, "SMEMBERS");
        if (!members) {
          return tl::unexpected(members.error());
        }
        std::vector<std::int64_t> marks;
        marks.reserve(members->size());
        for (std::size_t i = 0; i < members->size(); ++i) {
          const auto text = (*members)[i];
          std::int64_t mark = 0;
          std::from_chars(text.data(), text.data() + text.size(), mark);
          marks.push_back(mark);
        }
        return marks;
      });
}

QueueResult<void> RedisQueue::remove(QueueName queue, const PackedStrings& keys) {
  if (keys.empty()) {
    return {};
  }
  return with_connection(
      [&](RedisConnection& connection) { return remove_keys(connection, queue, keys); });
}

QueueResult<Expired> RedisQueue::expire(QueueName queue, double before) {
  return with_connection([&](RedisConnection& connection) -> QueueResult<Expired> {
    const auto keys = list_keys(connection, queue, {all_time.from, before}, expire_batch);
    if (!keys) {
      return tl::unexpected(keys.error());
    }
    if (!keys->empty()) {
      if (auto done = remove_keys(connection, queue, *keys); !done) {
        return tl::unexpected(done.error());
      }
    }
    const auto halves = remove_lone_values(connection, queue);
    if (!halves) {
      return tl::unexpected(halves.error());
    }
    return Expired{.records = keys->size(), .halves = *halves};
  });
}

QueueResult<std::size_t> RedisQueue::remove_lone_values(RedisConnection& connection,
                                                        QueueName queue) {
  auto& suspects = lone_values_[queue.keys];
  PackedStrings fields;
  for (const auto& field : suspects) {
    fields.push_back(field);
  }
  suspects.clear();
  const auto still_lone = without_key(connection, queue, fields);
  if (!still_lone) {
    return tl::unexpected(still_lone.error());
  }
  std::size_t removed = 0;
  if (!still_lone->empty()) {
    RedisCommand hdel{"HDEL", queue.values};
    for (std::size_t i = 0; i < still_lone->size(); ++i) {
      hdel.add((*still_lone)[i]);
    }
    auto count = number_of(connection.ask(hdel));
    if (!count) {
      return count;
    }
    removed = *count;
  }
  const auto keys = number_of(connection.ask({"ZCARD", queue.keys}));
  const auto values = number_of(connection.ask({"HLEN", queue.values}));
  if (!keys || !values) {
    return tl::unexpected(keys ? values.error() : keys.error());
  }
  if (*values > *keys) {
    auto found = find_lone_values(connection, queue);
    if (!found) {
      return tl::unexpected(found.error());
    }
    suspects = std::move(*found);
  }
  return removed;
}

QueueResult<std::size_t> RedisQueue::trim(QueueName queue, std::size_t keep) {
  return with_connection([&](RedisConnection& connection) -> QueueResult<std::size_t> {
    const auto size = number_of(connection.ask({"ZCARD", queue.keys}));
    if (!size || *size <= keep) {
      return size ? QueueResult<std::size_t>(0) : size;
    }
    const auto excess = std::min(*size - keep, expire_batch);
    const auto keys = list_keys(connection, queue, all_time, excess);
    if (!keys) {
      return tl::unexpected(keys.error());
    }
    if (auto removed = remove_keys(connection, queue, *keys); !removed) {
      return tl::unexpected(removed.error());
    }
    return keys->size();
  });
}

QueueResult<std::size_t> RedisQueue::size(QueueName queue) {
  return with_connection([&](RedisConnection& connection) {
    return number_of(connection.ask({"ZCARD", queue.keys}));
  });
}

QueueResult<HashSizes> RedisQueue::hash_sizes(const std::string& pattern,
                                              const std::string& cursor) {
  return with_connection(
      [&](RedisConnection& connection) { return scan_hash_sizes(connection, pattern, cursor); });
}

}  // namespace chouette
