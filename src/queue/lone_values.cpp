#include "queue/lone_values.hpp"

#include <hiredis/hiredis.h>

#include <optional>
#include <string>

namespace chouette {

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

QueueResult<PackedStrings> find_lone_values(RedisConnection& connection, QueueName queue) {
  PackedStrings found;
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
      found.push_back((*lone)[i]);
    }
  } while (cursor != "0" && found.size() < lone_values_limit);
  return found;
}

}  // namespace chouette
