#include "bench/bare_drain.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/list_reader.hpp"

namespace chouette::bench {

namespace {

constexpr std::size_t window = 1000;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;
using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;

Connection connect(const std::string& socket) {
  return {redisConnectUnix(socket.c_str()), redisFree};
}

void check(int result) {
  if (result != REDIS_OK) {
    throw std::runtime_error("the bare drain lost Redis");
  }
}

/// Writes all that was asked for: Redis works on it while an answer is read.
void flush(redisContext* redis) {
  for (int done = 0; done == 0;) {
    check(redisBufferWrite(redis, &done));
  }
}

Reply receive(redisContext* redis) {
  void* reply = nullptr;
  check(redisGetReply(redis, &reply));
  return Reply(static_cast<redisReply*>(reply));
}

PackedStrings receive_list(redisContext* redis) {
  flush(redis);
  ListReader reader(*redis->reader);
  void* reply = nullptr;
  check(redisGetReplyFromReader(redis, &reply));
  while (reply == nullptr) {
    check(redisBufferRead(redis));
    check(redisGetReplyFromReader(redis, &reply));
  }
  auto list = reader.finish();
  if (!list.texts) {
    throw std::runtime_error("the bare drain was not answered with a list");
  }
  return std::move(*list.texts);
}

std::string_view text(const redisReply& list, std::size_t i) {
  return {list.element[i]->str, list.element[i]->len};
}

std::string_view text(const PackedStrings& list, std::size_t i) {
  return list[i];
}

/// Sends a command on `members` from `begin` to `end`.
template <class List>
void send(redisContext* redis, std::string_view command, std::string_view key, const List& members,
          std::size_t begin, std::size_t end) {
  std::vector<const char*> texts{command.data(), key.data()};
  std::vector<std::size_t> lengths{command.size(), key.size()};
  for (auto i = begin; i < end; ++i) {
    const auto member = text(members, i);
    texts.push_back(member.data());
    lengths.push_back(member.size());
  }
  redisAppendCommandArgv(redis, static_cast<int>(texts.size()), texts.data(), lengths.data());
}

template <class List>
void remove(redisContext* redis, QueueName queue, const List& members, std::size_t size) {
  redisAppendCommand(redis, "MULTI");
  send(redis, "ZREM", queue.keys, members, 0, size);
  send(redis, "HDEL", queue.values, members, 0, size);
  redisAppendCommand(redis, "EXEC");
  for (int i = 0; i < 4; ++i) {
    receive(redis);
  }
}

/// Asks for the windows of a queue, one after another.
class Windows {
public:
  Windows(redisContext* redis, QueueName queue) : redis_(redis), queue_(queue) {}

  void ask_keys() {
    const std::string key(queue_.keys);
    redisAppendCommand(redis_, "ZRANGE %s %lu %lu", key.c_str(), asked_, asked_ + window - 1);
    asked_ += window;
  }
  void ask_values(const PackedStrings& keys) {
    send(redis_, "HMGET", queue_.values, keys, 0, keys.size());
  }

private:
  redisContext* redis_;
  QueueName queue_;
  unsigned long asked_ = 0;
};

}  // namespace

std::size_t drain(const std::string& socket, QueueName queue, std::size_t windows) {
  const auto redis = connect(socket);
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
    remove(redis.get(), queue, *bulk, size);
    drained += size;
  }
}

std::size_t drain_without_objects(const std::string& socket, QueueName queue) {
  const auto redis = connect(socket);
  const std::string key(queue.keys);
  const auto last = std::to_string(window - 1);
  std::size_t drained = 0;
  for (;;) {
    redisAppendCommand(redis.get(), "ZRANGE %s 0 %s", key.c_str(), last.c_str());
    const auto keys = receive_list(redis.get());
    if (keys.empty()) {
      return drained;
    }
    send(redis.get(), "HMGET", queue.values, keys, 0, keys.size());
    receive_list(redis.get());
    remove(redis.get(), queue, keys, keys.size());
    drained += keys.size();
  }
}

std::size_t drain_renamed(const std::string& socket, QueueName queue) {
  constexpr QueueName aside{"bench:aside.keys", "bench:aside.values"};
  const auto redis = connect(socket);
  const std::string keys_before(queue.keys);
  const std::string values_before(queue.values);
  redisAppendCommand(redis.get(), "RENAME %s %s", keys_before.c_str(), aside.keys.data());
  redisAppendCommand(redis.get(), "RENAME %s %s", values_before.c_str(), aside.values.data());
  receive(redis.get());
  receive(redis.get());
  Windows windows(redis.get(), aside);
  windows.ask_keys();
  windows.ask_keys();
  auto keys = receive_list(redis.get());
  windows.ask_values(keys);
  keys = receive_list(redis.get());
  std::size_t drained = 0;
  bool more = true;
  while (more) {
    windows.ask_keys();
    if (!keys.empty()) {
      windows.ask_values(keys);
    }
    drained += receive_list(redis.get()).size();
    more = !keys.empty();
    keys = receive_list(redis.get());
  }
  redisAppendCommand(redis.get(), "UNLINK %s %s", aside.keys.data(), aside.values.data());
  receive(redis.get());
  return drained;
}

}  // namespace chouette::bench
