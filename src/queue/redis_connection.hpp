#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "queue/queue.hpp"
#include "queue/redis_settings.hpp"

struct redisContext;
struct redisReply;

namespace chouette {

/// A command for Redis: binary-safe arguments. The texts must live until it is sent.
class RedisCommand {
public:
  RedisCommand(std::initializer_list<std::string_view> arguments) {
    for (const auto argument : arguments) {
      add(argument);
    }
  }
  void add(std::string_view argument) {
    texts_.push_back(argument.data());
    lengths_.push_back(argument.size());
  }

private:
  friend class RedisConnection;
  std::vector<const char*> texts_;
  std::vector<std::size_t> lengths_;
};

struct FreeRedisReply {
  void operator()(redisReply* reply) const;
};
using RedisReply = std::unique_ptr<redisReply, FreeRedisReply>;

/// The error that `reply` is; none if it is no error.
std::optional<QueueError> error_of(const redisReply& reply);

/// A signed-in connection. After an `unreachable` error it is of no use and must be dropped, for
/// an answer may still be on its way. Each wait for the server ends after the timeout.
class RedisConnection {
public:
  static QueueResult<RedisConnection> open(const RedisSettings& settings,
                                           std::chrono::milliseconds timeout);

  /// Writes `command` without waiting for its answer; each needs one `receive`.
  QueueResult<void> send(const RedisCommand& command);

  /// The next answer. An error that the server answers is a reply like any other.
  QueueResult<RedisReply> receive();

  /// Sends `command` and returns its answer; an error answer becomes an error.
  QueueResult<RedisReply> ask(const RedisCommand& command);

  /// False if the server has closed the connection since the last answer.
  bool alive() const;

private:
  struct Close {
    void operator()(redisContext* context) const;
  };
  using Context = std::unique_ptr<redisContext, Close>;

  explicit RedisConnection(Context context) : context_(std::move(context)) {}
  QueueError broken() const;

  Context context_;
};

}  // namespace chouette
