#include "queue/value_fetcher.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace chouette {

namespace {

/// Keys that are asked for at a time: of usual records Redis writes the answer in one piece, which
/// it does up to 64 KB, and a Unix socket takes it, which it does up to 53 KB, while another is
/// read.
constexpr std::size_t piece = 250;

/// Pieces under way: while one is read here, Redis looks for the next;
constexpr std::size_t pieces_while_fetching = 4;
/// and at most while another answer is waited for, so that Redis has work until more is asked.
constexpr std::size_t pieces_meanwhile = 8;

/// For as many values as `count`, if the others are no longer than these, and a tenth more; at most
/// for three times these, for one of them may be huge.
void make_room(PackedStrings& values, std::size_t count) {
  if (!values.empty()) {
    const std::uint64_t bytes = values.bytes();
    const auto expected = std::min(bytes * count / values.size() * 11 / 10, 3 * bytes);
    values.reserve(count, static_cast<std::size_t>(expected));
  }
}

template <class Window>
QueueResult<void> receive_piece(RedisConnection& connection, Window& window) {
  auto more = connection.receive_list("HMGET", std::move(window.values));
  if (more) {
    window.values = std::move(*more);
    make_room(window.values, window.keys.size());
  } else if (more.error().code == QueueErrc::unreachable) {
    return tl::unexpected(more.error());
  } else {
    window.refusal = more.error();
  }
  window.answered = std::min(window.answered + piece, window.keys.size());
  return {};
}

}  // namespace

QueueResult<PackedStrings> ValueFetcher::fetch(RedisConnection& connection, QueueName queue,
                                               const PackedStrings& keys,
                                               const PackedStrings& next) {
  if (windows_.empty() || windows_.front().queue != queue || windows_.front().keys != keys) {
    if (auto settled = connection.settle(); !settled) {
      return tl::unexpected(settled.error());
    }
    windows_.clear();
    windows_.push_back({queue, keys});
  }
  if (!next.empty()) {
    windows_.push_back({queue, next});
  }
  auto& window = windows_.front();
  while (window.answered < keys.size()) {
    auto done = ask_pieces(connection, pieces_while_fetching).and_then([&] {
      return connection.receive_ahead();
    });
    if (!done) {
      return tl::unexpected(done.error());
    }
  }
  if (auto asked = ask_pieces(connection, pieces_while_fetching); !asked) {
    return tl::unexpected(asked.error());
  }
  auto fetched = std::move(window);
  windows_.pop_front();
  if (fetched.refusal) {
    return tl::unexpected(std::move(*fetched.refusal));
  }
  return std::move(fetched.values);
}

QueueResult<void> ValueFetcher::ask_ahead(RedisConnection& connection) {
  return ask_pieces(connection, pieces_meanwhile);
}

QueueResult<void> ValueFetcher::ask_pieces(RedisConnection& connection,
                                           std::size_t most_under_way) {
  for (auto& window : windows_) {
    const auto& keys = window.keys;
    while (window.asked < keys.size() && connection.ahead() < most_under_way) {
      RedisCommand hmget{"HMGET", window.queue.values};
      const auto to = std::min(window.asked + piece, keys.size());
      hmget.reserve(to - window.asked, keys.bytes() * (to - window.asked) / keys.size());
      for (; window.asked < to; ++window.asked) {
        hmget.add(keys[window.asked]);
      }
      auto sent = connection.send_ahead(
          hmget, [&connection, &window] { return receive_piece(connection, window); });
      if (!sent) {
        return sent;
      }
    }
  }
  return {};
}

}  // namespace chouette
