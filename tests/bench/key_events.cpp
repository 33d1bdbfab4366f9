#include "bench/key_events.hpp"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <stdexcept>

namespace chouette::bench {

namespace {

constexpr timeval patience{.tv_sec = 60, .tv_usec = 0};

}  // namespace

KeyEvents::KeyEvents(const std::string& socket, const std::string& pattern)
    : redis_(redisConnectUnix(socket.c_str()), redisFree) {
  redisSetTimeout(redis_.get(), patience);
  // Of keyspace notifications the generic ones: DEL, RENAME and the like.
  redisAppendCommand(redis_.get(), "CONFIG SET notify-keyspace-events Kg");
  redisAppendCommand(redis_.get(), "PSUBSCRIBE __keyspace@0__:%s", pattern.c_str());
  wait();
  wait();
}

void KeyEvents::wait() {
  void* event = nullptr;
  if (redisGetReply(redis_.get(), &event) != REDIS_OK) {
    throw std::runtime_error("Redis tells of no deleted key");
  }
  freeReplyObject(event);
}

}  // namespace chouette::bench
