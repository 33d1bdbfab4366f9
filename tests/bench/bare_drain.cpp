#include "bench/bare_drain.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace chouette::bench {

namespace {

constexpr std::size_t window = 1000;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

Reply receive(redisContext* redis) {
  void* reply = nullptr;
  if (redisGetReply(redis, &reply) != REDIS_OK) {
    throw std::runtime_error("the bare drain lost Redis");
  }
  return Reply(static_cast<redisReply*>(reply));
}

/// Sends a command on `members` from `begin` to `end`.
void send(redisContext* redis, std::string_view command, std::string_view key,
          const redisReply& members, std::size_t begin, std::size_t end) {
  std::vector<const char*> texts{command.data(), key.data()};
  std::vector<std::size_t> lengths{command.size(), key.size()};
  for (auto i = begin; i < end; ++i) {
    texts.push_back(members.element[i]->str);
    lengths.push_back(members.element[i]->len);
  }
  redisAppendCommandArgv(redis, static_cast<int>(texts.size()), texts.data(), lengths.data());
}

}  // namespace

std::size_t drain(const std::string& socket, QueueName queue, std::size_t windows) {
  const std::unique_ptr<redisContext, decltype(&redisFree)> redis(redisConnectUnix(socket.c_str()),
                                                                  redisFree);
  const std::string keys(queue.keys);
  const auto last = std::to_string(windows * window - 1);
  std::size_t drained = 0;
  for (;;) {
    redisAppendCommand(redis.get(), "ZRANGE %s 0 %s", keys.c_str(), last.c_str());
    const auto bulk = receive(redis.get());
    const auto size = bulk->elements;
    if (size == 0) {
      return drained;
    }
    for (std::size_t begin = 0; begin < size; begin += window) {
      send(redis.get(), "HMGET", queue.values, *bulk, begin, std::min(begin + window, size));
      receive(redis.get());
    }
    redisAppendCommand(redis.get(), "MULTI");
    send(redis.get(), "ZREM", queue.keys, *bulk, 0, size);
    send(redis.get(), "HDEL", queue.values, *bulk, 0, size);
    redisAppendCommand(redis.get(), "EXEC");
    for (int i = 0; i < 4; ++i) {
      receive(redis.get());
    }
    drained += size;
  }
}

}  // namespace chouette::bench
