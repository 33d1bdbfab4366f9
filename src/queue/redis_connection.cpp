#include "queue/redis_connection.hpp"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/time.h>

namespace chouette {

namespace {

timeval to_timeval(std::chrono::milliseconds duration) {
  timeval value{};
  value.tv_sec = static_cast<decltype(value.tv_sec)>(duration.count() / 1000);
  value.tv_usec = static_cast<decltype(value.tv_usec)>(duration.count() % 1000 * 1000);
  return value;
}

std::string place(const RedisSettings& settings) {
  return settings.socket.empty() ? settings.host + ":" + std::to_string(settings.port)
                                 : settings.socket;
}

QueueResult<void> sign_in(RedisConnection& connection, const RedisSettings& settings) {
  if (!settings.password.empty()) {
    RedisCommand auth{"AUTH"};
    if (!settings.username.empty()) {
      auth.add(settings.username);
    }
    auth.add(settings.password.reveal());
    if (auto answer = connection.ask(auth); !answer) {
      return tl::unexpected(answer.error());
    }
  }
  if (settings.db != 0) {
    if (auto answer = connection.ask({"SELECT", std::to_string(settings.db)}); !answer) {
      return tl::unexpected(answer.error());
    }
  }
  return {};
}

}  // namespace

void FreeRedisReply::operator()(redisReply* reply) const {
  freeReplyObject(reply);
}

void RedisConnection::Close::operator()(redisContext* context) const {
  redisFree(context);
}

std::optional<QueueError> error_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ERROR) {
    return std::nullopt;
  }
  const std::string text(reply.str, reply.len);
  const auto code = text.rfind("WRONGTYPE", 0) == 0 ? QueueErrc::wrong_type : QueueErrc::refused;
  return QueueError{code, "Redis answers: " + text};
}

QueueResult<RedisConnection> RedisConnection::open(const RedisSettings& settings,
                                                   std::chrono::milliseconds timeout) {
  const auto limit = to_timeval(timeout);
  Context context(settings.socket.empty()
                      ? redisConnectWithTimeout(settings.host.c_str(), settings.port, limit)
                      : redisConnectUnixWithTimeout(settings.socket.c_str(), limit));
  const auto failed = [&settings](const std::string& reason) {
    return tl::unexpected(QueueError{
        QueueErrc::unreachable, "no connection to Redis at " + place(settings) + ": " + reason});
  };
  if (!context) {
    return failed("out of memory");
  }
  if (context->err != 0) {
    return failed(context->errstr);
  }
  if (redisSetTimeout(context.get(), limit) != REDIS_OK) {
    return failed("cannot set a timeout");
  }
  RedisConnection connection(std::move(context));
  if (auto signed_in = sign_in(connection, settings); !signed_in) {
    return tl::unexpected(signed_in.error());
  }
  return connection;
}

QueueError RedisConnection::broken() const {
  return {QueueErrc::unreachable,
          std::string("the connection to Redis broke: ") + context_->errstr};
}

QueueResult<void> RedisConnection::send(const RedisCommand& command) {
  // hiredis takes a pointer to non-const pointers, but does not write through it.
  auto** texts = const_cast<const char**>(command.texts_.data());
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(command.texts_.size()), texts,
                             command.lengths_.data()) != REDIS_OK) {
    return tl::unexpected(broken());
  }
  // Written at once, so that a transaction of any size takes no memory here.
  for (int done = 0; done == 0;) {
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
      return tl::unexpected(broken());
    }
  }
  return {};
}

QueueResult<RedisReply> RedisConnection::receive() {
  void* reply = nullptr;
  if (redisGetReply(context_.get(), &reply) != REDIS_OK) {
    return tl::unexpected(broken());
  }
  return RedisReply(static_cast<redisReply*>(reply));
}

QueueResult<RedisReply> RedisConnection::ask(const RedisCommand& command) {
  if (auto sent = send(command); !sent) {
    return tl::unexpected(sent.error());
  }
  auto reply = receive();
  if (reply) {
    if (const auto error = error_of(**reply)) {
      return tl::unexpected(*error);
    }
  }
  return reply;
}

bool RedisConnection::alive() const {
  // Nothing is outstanding between calls, so that anything to read is the end of the connection.
  pollfd socket{.fd = context_->fd, .events = POLLIN, .revents = 0};
  return poll(&socket, 1, 0) == 0;
}

}  // namespace chouette
