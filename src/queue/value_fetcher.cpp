#include "queue/value_fetcher.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace chouette {

namespace {

/// Keys that are asked for at a time. Up to two times as many are under way: while values are read
/// here, Redis looks for the next.
constexpr std::size_t piece = 500;

/// For as many values as `count`, if the others are no longer than these, and a tenth more; at most
/// for three times these, for one of them may be huge.
void make_room(PackedStrings& values, std::size_t count) {
  if (!values.empty()) {
    const std::uint64_t bytes = values.bytes();
    const auto expected = std::min(bytes * count / values.size() * 11 / 10, 3 * bytes);
    values.reserve(count, static_cast<std::size_t>(expected));
  }
}

}  // namespace

QueueResult<PackedStrings> ValueFetcher::fetch(RedisConnection& connection, QueueName queue,
                                               const PackedStrings& keys,
                                               const PackedStrings& next) {
  if (ahead_ && !(ahead_->queue == queue && ahead_->keys == keys)) {
    if (auto settled = settle(connection); !settled) {
      return tl::unexpected(settled.error());
    }
    ahead_.reset();
  }
  auto now = ahead_ ? std::move(*ahead_) : Fetching{queue, keys};
  ahead_.reset();
  Fetching then{queue, next};
  while (!now.complete()) {
    auto done =
        ask_pieces(connection, now, then).and_then([&] { return receive_piece(connection, now); });
    if (!done) {
      return tl::unexpected(done.error());
    }
  }
  if (auto asked = ask_pieces(connection, now, then); !asked) {
    return tl::unexpected(asked.error());
  }
  if (then.asked > 0) {
    ahead_ = std::move(then);
  }
  if (now.refusal) {
    return tl::unexpected(*now.refusal);
  }
  return std::move(now.values);
}

QueueResult<void> ValueFetcher::settle(RedisConnection& connection) {
  while (!settled()) {
    if (auto received = receive_piece(connection, *ahead_); !received) {
      ahead_.reset();
      return received;
    }
  }
  return {};
}

QueueResult<void> ValueFetcher::ask_pieces(RedisConnection& connection, Fetching& now,
                                           Fetching& then) {
  while (now.under_way() + then.under_way() <= piece) {
    auto& fetching = now.asked < now.keys.size() ? now : then;
    if (fetching.asked == fetching.keys.size()) {
      break;
    }
    RedisCommand hmget{"HMGET", fetching.queue.values};
    const auto& keys = fetching.keys;
    const auto to = std::min(fetching.asked + piece, keys.size());
    hmget.reserve(to - fetching.asked, keys.bytes() * (to - fetching.asked) / keys.size());
    for (; fetching.asked < to; ++fetching.asked) {
      hmget.add(fetching.keys[fetching.asked]);
    }
    if (auto sent = connection.send(hmget); !sent) {
      return sent;
    }
  }
  return {};
}

QueueResult<void> ValueFetcher::receive_piece(RedisConnection& connection, Fetching& fetching) {
  auto more = connection.receive_list("HMGET", std::move(fetching.values));
  if (more) {
    fetching.values = std::move(*more);
    make_room(fetching.values, fetching.keys.size());
  } else if (more.error().code == QueueErrc::unreachable) {
    return tl::unexpected(more.error());
  } else {
    fetching.refusal = more.error();
  }
  fetching.answered = std::min(fetching.answered + piece, fetching.keys.size());
  return {};
}

}  // namespace chouette
