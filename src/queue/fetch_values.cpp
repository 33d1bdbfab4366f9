#include "queue/fetch_values.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace chouette {

namespace {

/// Keys that are asked for at a time, and how many times: while values are read here, Redis looks
/// for the next.
constexpr std::size_t piece = 500;
constexpr std::size_t pieces_under_way = 2;

QueueResult<void> ask_piece(RedisConnection& connection, QueueName queue, const PackedStrings& keys,
                            std::size_t from) {
  RedisCommand hmget{"HMGET", queue.values};
  for (auto i = from; i < std::min(from + piece, keys.size()); ++i) {
    hmget.add(keys[i]);
  }
  return connection.send(hmget);
}

}  // namespace

QueueResult<PackedStrings> fetch_values(RedisConnection& connection, QueueName queue,
                                        const PackedStrings& keys) {
  PackedStrings values;
  std::optional<QueueError> failure;
  std::size_t asked = 0;
  for (std::size_t received = 0; received < keys.size(); received += piece) {
    for (; asked < std::min(keys.size(), received + pieces_under_way * piece); asked += piece) {
      if (auto sent = ask_piece(connection, queue, keys, asked); !sent) {
        return tl::unexpected(sent.error());
      }
    }
    auto part = connection.receive_list("HMGET");
    if (part) {
      values.append(*part);
    } else if (part.error().code == QueueErrc::unreachable) {
      return part;
    } else {
      failure = part.error();  // The next answer is still to be read.
    }
  }
  if (failure) {
    return tl::unexpected(*failure);
  }
  return values;
}

}  // namespace chouette
