#include "queue/taken_records.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "queue/lone_values.hpp"
#include "queue/value_fetcher.hpp"

namespace chouette {

namespace {

/// One record put back costs Redis as much as the removal of some four by key.
constexpr std::size_t taken_for_one_put_back = 4;
/// How many thousand records one call puts back: no call may take long.
constexpr int put_back_batch = 10;

constexpr Taken call_again{raw_taken, {0, 0}};

std::string before(double until) {
  return "(" + to_score(until);
}

/// Puts back the records of `scored_keys`: keys, each followed by its score.
QueueResult<void> put_back(RedisConnection& connection, FencedTransactions& transactions,
                           const PackedStrings& scored_keys) {
  PackedStrings keys;
  for (std::size_t i = 0; i < scored_keys.size(); i += 2) {
    keys.push_back(scored_keys[i]);
  }
  const auto values = ValueFetcher().fetch(connection, raw_taken, keys);
  if (!values) {
    return tl::unexpected(values.error());
  }
  return transactions.execute(
      connection, typed_keys({raw_metrics, raw_taken}), [&](Transaction& transaction) {
        RedisCommand zadd{"ZADD", raw_metrics.keys};
        RedisCommand hset{"HSET", raw_metrics.values};
        bool any_value = false;
        for (std::size_t i = 0; i < keys.size(); ++i) {
          zadd.add(scored_keys[2 * i + 1]);
          zadd.add(keys[i]);
          if (values->present(i)) {  // A value may still come where half a record was set aside.
            hset.add(keys[i]);
            hset.add((*values)[i]);
            any_value = true;
          }
        }
        transaction.send(std::move(zadd));
        if (any_value) {
          transaction.send(std::move(hset));
        }
        transaction.remove(raw_taken, keys);
      });
}

/// Puts back what was set aside and is not to be taken yet; true if nothing is left of it.
QueueResult<bool> put_back_from(RedisConnection& connection, FencedTransactions& transactions,
                                double until) {
  for (int i = 0; i < put_back_batch; ++i) {
    const auto scored_keys =
        connection.ask_list({"ZRANGEBYSCORE", raw_taken.keys, to_score(until), "+inf", "WITHSCORES",
                             "LIMIT", "0", std::to_string(keys_at_once)},
                            "ZRANGEBYSCORE");
    if (!scored_keys) {
      return tl::unexpected(scored_keys.error());
    }
    if (scored_keys->empty()) {
      return true;
    }
    if (auto done = put_back(connection, transactions, *scored_keys); !done) {
      return tl::unexpected(done.error());
    }
  }
  return false;
}

/// Puts back values whose key is missing, for it may still come; true if none is left.
QueueResult<bool> put_back_lone_values(RedisConnection& connection,
                                       FencedTransactions& transactions) {
  const auto counts = connection.ask_numbers(
      {RedisCommand{"ZCARD", raw_taken.keys}, RedisCommand{"HLEN", raw_taken.values}});
  if (!counts) {
    return tl::unexpected(counts.error());
  }
  if (counts->back() <= counts->front()) {
    return true;
  }
  const auto fields = find_lone_values(connection, raw_taken);
  if (!fields || fields->empty()) {
    return fields.map([](const PackedStrings&) { return true; });
  }
  const auto values = ValueFetcher().fetch(connection, raw_taken, *fields);
  if (!values) {
    return tl::unexpected(values.error());
  }
  const auto done = transactions.execute(connection, typed_keys({raw_metrics, raw_taken}),
                                         [&](Transaction& transaction) {
                                           RedisCommand hset{"HSET", raw_metrics.values};
                                           for (std::size_t i = 0; i < fields->size(); ++i) {
                                             hset.add((*fields)[i]);
                                             hset.add((*values)[i]);
                                           }
                                           transaction.send(std::move(hset));
                                           transaction.remove(raw_taken, *fields);
                                         });
  return done.map([&] { return fields->size() < lone_values_limit; });
}

/// What of `raw_taken` is still to be aggregated.
QueueResult<std::optional<Taken>> go_on(RedisConnection& connection,
                                        FencedTransactions& transactions, double until) {
  const auto begin = taken_until(connection);
  if (!begin) {
    return tl::unexpected(begin.error());
  }
  const auto all_back = put_back_from(connection, transactions, std::max(*begin, until));
  if (!all_back) {
    return tl::unexpected(all_back.error());
  }
  if (!*all_back) {
    return call_again;
  }
  const auto left = connection.ask_numbers(
      {RedisCommand{"ZCOUNT", raw_taken.keys, to_score(*begin), before(until)}});
  if (!left) {
    return tl::unexpected(left.error());
  }
  if (left->front() > 0) {
    return Taken{raw_taken, {*begin, until}};
  }
  const auto no_value_left = put_back_lone_values(connection, transactions);
  if (!no_value_left) {
    return tl::unexpected(no_value_left.error());
  }
  return *no_value_left ? std::nullopt : std::optional(call_again);
}

/// In a transaction that can be fenced off: late, it would delete what was set aside since.
QueueResult<void> drop_taken(RedisConnection& connection, FencedTransactions& transactions) {
  return transactions.execute(connection, {}, [](Transaction& transaction) {
    transaction.send({"UNLINK", raw_taken.keys, raw_taken.values, taken_until_key});
  });
}

QueueResult<void> set_aside(RedisConnection& connection, FencedTransactions& transactions) {
  return transactions.execute(
      connection, typed_keys({raw_metrics, raw_taken}), [](Transaction& transaction) {
        transaction.send({"DEL", taken_until_key});
        transaction.send({"RENAMENX", raw_metrics.keys, raw_taken.keys});
        transaction.send({"RENAMENX", raw_metrics.values, raw_taken.values});
      });
}

}  // namespace

QueueResult<double> taken_until(RedisConnection& connection) {
  const auto reply = connection.ask({"GET", taken_until_key});
  if (!reply) {
    return tl::unexpected(reply.error());
  }
  if ((*reply)->type != REDIS_REPLY_STRING) {
    return all_time.from;
  }
  return std::strtod(std::string(text_of(**reply)).c_str(), nullptr);
}

QueueResult<std::optional<Taken>> take_raw_records(RedisConnection& connection,
                                                   FencedTransactions& transactions, double until,
                                                   std::size_t set_aside_from) {
  const auto counts =
      connection.ask_numbers({RedisCommand{"EXISTS", raw_taken.keys, raw_taken.values},
                              RedisCommand{"ZCOUNT", raw_metrics.keys, "-inf", before(until)},
                              RedisCommand{"ZCOUNT", raw_metrics.keys, to_score(until), "+inf"},
                              RedisCommand{"HLEN", raw_metrics.values}});
  if (!counts) {
    return tl::unexpected(counts.error());
  }
  const bool some_taken = (*counts)[0] > 0;
  const auto closed = (*counts)[1];
  const auto open = (*counts)[2];
  const bool values = (*counts)[3] > 0;
  if (some_taken) {
    auto left = go_on(connection, transactions, until);
    if (!left || *left) {
      return left;
    }
    if (auto dropped = drop_taken(connection, transactions); !dropped) {
      return tl::unexpected(dropped.error());
    }
  }
  if (closed == 0) {
    return std::nullopt;
  }
  if (closed < set_aside_from || !values || open > closed / taken_for_one_put_back) {
    return Taken{raw_metrics, {all_time.from, until}};
  }
  if (auto done = set_aside(connection, transactions); !done) {
    return tl::unexpected(done.error());
  }
  return go_on(connection, transactions, until);
}

}  // namespace chouette
