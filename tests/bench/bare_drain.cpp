#include "bench/bare_drain.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace chouette::bench {

namespace {

constexpr const char* keys = "chouette:metrics:raw.keys";
constexpr const char* values = "chouette:metrics:raw.values";

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

void send(redisContext* redis, const char* command, const char* key, const redisReply& members) {
  std::vector<const char*> texts{command, key};
  std::vector<std::size_t> lengths{std::char_traits<char>::length(command),
                                   std::char_traits<char>::length(key)};
  for (std::size_t i = 0; i < members.elements; ++i) {
    texts.push_back(members.element[i]->str);
    lengths.push_back(members.element[i]->len);
  }
  redisAppendCommandArgv(redis, static_cast<int>(texts.size()), texts.data(), lengths.data());
}

}  // namespace

std::size_t drain_raw_queue(const std::string& socket) {
  const std::unique_ptr<redisContext, decltype(&redisFree)> redis(redisConnectUnix(socket.c_str()),
                                                                  redisFree);
  std::size_t drained = 0;
  for (;;) {
    redisAppendCommand(redis.get(), "ZRANGE %s 0 999", keys);
    const auto window = receive(redis.get());
    if (window->elements == 0) {
      return drained;
    }
    send(redis.get(), "HMGET", values, *window);
    receive(redis.get());
    redisAppendCommand(redis.get(), "MULTI");
    send(redis.get(), "ZREM", keys, *window);
    send(redis.get(), "HDEL", values, *window);
    redisAppendCommand(redis.get(), "EXEC");
    for (int i = 0; i < 4; ++i) {
      receive(redis.get());
    }
    drained += window->elements;
  }
}

}  // namespace chouette::bench
