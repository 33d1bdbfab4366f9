#include "queue/redis_facts.hpp"

#include <hiredis/hiredis.h>

#include <string_view>
#include <utility>

#include "queue/redis_connection.hpp"

namespace chouette {
namespace {

std::optional<std::string> text_in(const redisReply& reply) {
  if (reply.str == nullptr || reply.type == REDIS_REPLY_ERROR) return std::nullopt;
  return std::string(reply.str, reply.len);
}

/// The value in an answer to CONFIG GET, which is a list of names and values.
std::optional<std::string> value_in(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) return std::nullopt;
  return text_in(*reply.element[1]);
}

}  // namespace

QueueResult<RedisFacts> read_redis_facts(const RedisSettings& settings,
                                         const std::vector<std::string>& keys,
                                         std::chrono::milliseconds timeout) {
  auto connection = RedisConnection::open(settings, timeout);
  if (!connection) return tl::unexpected(connection.error());
  RedisFacts facts;
  for (const auto& key : keys) {
    const auto reply = connection->ask({"TYPE", key});
    if (!reply) return tl::unexpected(reply.error());
    facts.types[key] = text_in(**reply).value_or("");
  }
  const auto info = connection->ask({"INFO"});
  if (info) {
    facts.info = text_in(**info);
  } else if (info.error().code == QueueErrc::unreachable) {
    return tl::unexpected(info.error());
  }
  const auto save = connection->ask({"CONFIG", "GET", "save"});
  if (save) {
    facts.save = value_in(**save);
  } else if (save.error().code == QueueErrc::unreachable) {
    return tl::unexpected(save.error());
  }
  return facts;
}

}  // namespace chouette
