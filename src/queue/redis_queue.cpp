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
#include "queue/lone_values.hpp"
#include "queue/redis_transaction.hpp"
#include "queue/taken_records.hpp"

namespace chouette {

namespace {

/// A name server that does not answer takes far longer than the timeout: not once for each call.
constexpr std::chrono::seconds pause_after_slow_failure{2};

/// Without a transaction, which a Redis that is out of memory refuses even where it would free
/// some. Half of it leaves values without keys, which are removed in time.
QueueResult<void> remove_out_of_memory(RedisConnection& connection, QueueName queue,
                                       const PackedStrings& keys) {
  for (const auto& [command, name] : {std::pair{std::string_view("ZREM"), queue.keys},
                                      std::pair{std::string_view("HDEL"), queue.values}}) {
    for (std::size_t from = 0; from < keys.size(); from += keys_at_once) {
      RedisCommand removal{command, name};
      for (auto i = from; i < std::min(from + keys_at_once, keys.size()); ++i) {
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
  auto done =
      execute_transaction(connection, typed_keys({queue}), {},
                          [&](Transaction& transaction) { transaction.remove(queue, keys); });
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
                                     std::size_t limit, std::size_t skip = 0) {
  constexpr std::size_t no_limit = std::numeric_limits<std::int32_t>::max();
  const auto count = limit < no_limit ? std::to_string(limit) : "-1";
  return connection.ask_list({"ZRANGEBYSCORE", queue.keys, to_score(range.from), range_end(range),
                              "LIMIT", std::to_string(skip), count},
                             "ZRANGEBYSCORE");
}

/// Where what waits in `queue` begins.
QueueResult<double> begin_of(RedisConnection& connection, QueueName queue) {
  return queue == raw_taken ? taken_until(connection) : all_time.from;
}

QueueResult<std::size_t> count_waiting(RedisConnection& connection, QueueName queue) {
  const auto begin = begin_of(connection, queue);
  if (!begin) {
    return tl::unexpected(begin.error());
  }
  return number_of(connection.ask({"ZCOUNT", queue.keys, to_score(*begin), "+inf"}));
}

/// Removes the `limit` oldest of the records that wait before `end`; returns how many there were.
QueueResult<std::size_t> remove_oldest(RedisConnection& connection, QueueName queue, double end,
                                       std::size_t limit) {
  const auto begin = begin_of(connection, queue);
  if (!begin) {
    return tl::unexpected(begin.error());
  }
  const auto keys = list_keys(connection, queue, {*begin, end}, limit);
  if (!keys) {
    return tl::unexpected(keys.error());
  }
  if (!keys->empty()) {
    if (auto done = remove_keys(connection, queue, *keys); !done) {
      return tl::unexpected(done.error());
    }
  }
  return keys->size();
}

}  // namespace

RedisQueue::RedisQueue(RedisSettings settings, std::chrono::milliseconds timeout,
                       std::size_t set_aside_from)
    : settings_(std::move(settings)), timeout_(timeout), set_aside_from_(set_aside_from) {}

template <class Operation>
auto RedisQueue::with_connection(Operation operation)
    -> decltype(operation(std::declval<RedisConnection&>())) {
  if (!connection_ || !connection_->alive()) {
    connection_.reset();
    fetcher_.forget();
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
    connection_->work_meanwhile([this] { return fetcher_.ask_ahead(*connection_); });
  }
  auto result = operation(*connection_);
  if (!result) {
    if (result.error().code == QueueErrc::unreachable || !connection_->settle()) {
      connection_.reset();
    }
    fetcher_.forget();
  }
  return result;
}

QueueResult<std::optional<double>> RedisQueue::oldest(QueueName queue, TimeRange range) {
  return with_connection([&](RedisConnection& connection) -> QueueResult<std::optional<double>> {
    if (range.from == all_time.from) {
      const auto begin = begin_of(connection, queue);
      if (!begin) {
        return tl::unexpected(begin.error());
      }
      range.from = *begin;
    }
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

QueueResult<PackedStrings> RedisQueue::list(QueueName queue, TimeRange range, std::size_t limit,
                                            std::size_t skip) {
  return with_connection([&](RedisConnection& connection) {
    return list_keys(connection, queue, range, limit, skip);
  });
}

QueueResult<PackedStrings> RedisQueue::fetch(QueueName queue, const PackedStrings& keys,
                                             const PackedStrings& next) {
  if (keys.empty()) {
    return PackedStrings{};
  }
  return with_connection(
      [&](RedisConnection& connection) { return fetcher_.fetch(connection, queue, keys, next); });
}

QueueResult<void> RedisQueue::store(QueueName queue, const std::vector<NewRecord>& records) {
  return replace(queue, {}, queue, {records});
}

QueueResult<void> RedisQueue::replace(QueueName from, const PackedStrings& keys, QueueName to,
                                      const Additions& added) {
  if (added.records.empty() && added.seconds.empty() && !added.taken_until) {
    return remove(from, keys);
  }
  return with_connection([&](RedisConnection& connection) {
    auto keys_to_check = from == to ? typed_keys({to}) : typed_keys({from, to});
    for (const auto& taken : added.seconds) {
      keys_to_check.push_back({seconds_key(taken.bucket), "set"});
    }
    return transactions_.execute(connection, keys_to_check, [&](Transaction& transaction) {
      transaction.add(to, added.records);
      transaction.mark(added.seconds);
      transaction.remove(from, keys);
      if (added.taken_until) {
        transaction.send({"SET", taken_until_key, to_score(*added.taken_until)});
      }
    });
  });
}

QueueResult<std::optional<Taken>> RedisQueue::take(double until) {
  return with_connection([&](RedisConnection& connection) {
    return take_raw_records(connection, transactions_, until, set_aside_from_);
  });
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
    const auto numbers =
        connection.ask_numbers({{"ZCOUNT", queue.keys, "-inf", range_end({all_time.from, before})},
                                {"ZCARD", queue.keys},
                                {"HLEN", queue.values}});
    if (!numbers) {
      return tl::unexpected(numbers.error());
    }
    const auto old = (*numbers)[0];
    const auto keys = (*numbers)[1];
    const auto values = (*numbers)[2];
    const auto records = old > 0 ? remove_oldest(connection, queue, before, expire_batch)
                                 : QueueResult<std::size_t>(0);
    if (!records) {
      return tl::unexpected(records.error());
    }
    Expired expired{.records = *records, .left = keys - std::min(keys, *records)};
    if (queue == raw_taken) {
      return expired;  // Its values go all at once.
    }
    return remove_lone_values(connection, queue, keys, values).map([&expired](std::size_t halves) {
      expired.halves = halves;
      return expired;
    });
  });
}

QueueResult<std::size_t> RedisQueue::remove_lone_values(RedisConnection& connection,
                                                        QueueName queue, std::size_t keys,
                                                        std::size_t values) {
  auto& suspects = lone_values_[queue.keys];
  const auto still_lone = without_key(connection, queue, std::exchange(suspects, {}));
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
  if (values > keys + removed) {
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
    const auto size = count_waiting(connection, queue);
    if (!size || *size <= keep) {
      return size ? QueueResult<std::size_t>(0) : size;
    }
    return remove_oldest(connection, queue, all_time.to, std::min(*size - keep, expire_batch));
  });
}

QueueResult<std::size_t> RedisQueue::size(QueueName queue) {
  return with_connection([&](RedisConnection& connection) -> QueueResult<std::size_t> {
    auto size = count_waiting(connection, queue);
    if (!size || queue != raw_metrics) {
      return size;
    }
    auto taken = count_waiting(connection, raw_taken);
    return taken ? QueueResult<std::size_t>(*size + *taken) : taken;
  });
}

QueueResult<HashSizes> RedisQueue::hash_sizes(const std::string& pattern,
                                              const std::string& cursor) {
  return with_connection(
      [&](RedisConnection& connection) { return scan_hash_sizes(connection, pattern, cursor); });
}

}  // namespace chouette
