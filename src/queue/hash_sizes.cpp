#include "queue/hash_sizes.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace chouette {

namespace {

/// Keys that one SCAN looks at: about a millisecond of Redis's time.
constexpr std::string_view scan_count = "2000";

QueueError unexpected_answer() {
  return {QueueErrc::refused, "Redis gives an unexpected answer to SCAN"};
}

bool is_scan_answer(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2 ||
      reply.element[0]->type != REDIS_REPLY_STRING || reply.element[1]->type != REDIS_REPLY_ARRAY) {
    return false;
  }
  const auto& keys = *reply.element[1];
  return std::all_of(keys.element, keys.element + keys.elements,
                     [](const redisReply* key) { return key->type == REDIS_REPLY_STRING; });
}

}  // namespace

QueueResult<HashSizes> scan_hash_sizes(RedisConnection& connection, const std::string& pattern,
                                       const std::string& cursor) {
  const auto scanned = connection.ask({"SCAN", cursor, "MATCH", pattern, "COUNT", scan_count});
  if (!scanned) {
    return tl::unexpected(scanned.error());
  }
  if (!is_scan_answer(**scanned)) {
    return tl::unexpected(unexpected_answer());
  }
  HashSizes sizes{{}, std::string(text_of(*(*scanned)->element[0]))};
  const auto& keys = *(*scanned)->element[1];
  for (std::size_t i = 0; i < keys.elements; ++i) {
    if (auto sent = connection.send({"HLEN", text_of(*keys.element[i])}); !sent) {
      return tl::unexpected(sent.error());
    }
  }
  // Each answer is taken, or the next request would get it.
  std::optional<QueueError> failure;
  for (std::size_t i = 0; i < keys.elements; ++i) {
    const auto size = connection.receive();
    if (!size) {
      return tl::unexpected(size.error());
    }
    if ((*size)->type == REDIS_REPLY_INTEGER) {
      sizes.hashes.push_back(
          {std::string(text_of(*keys.element[i])), static_cast<std::size_t>((*size)->integer)});
    } else if (auto error = error_of(**size); error && error->code != QueueErrc::wrong_type) {
      failure = std::move(error);
    }
  }
  if (failure) {
    return tl::unexpected(*failure);
  }
  return sizes;
}

}  // namespace chouette
