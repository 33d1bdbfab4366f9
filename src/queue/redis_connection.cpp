#include "queue/redis_connection.hpp"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "queue/list_reader.hpp"
#include "queue/redis_tls.hpp"

namespace chouette {

namespace {

/// Bytes of commands that wait to be written together: each write wakes Redis, and a transaction of
/// any size is to take no more memory than that here.
constexpr std::size_t most_unwritten = 16384;

timeval to_timeval(std::chrono::milliseconds duration) {
  timeval value{};
  value.tv_sec = static_cast<decltype(value.tv_sec)>(duration.count() / 1000);
  value.tv_usec = static_cast<decltype(value.tv_usec)>(duration.count() % 1000 * 1000);
  return value;
}

QueueError error_from(std::string_view text) {
  const auto code = text.starts_with("WRONGTYPE") ? QueueErrc::wrong_type : QueueErrc::refused;
  return {code, "Redis answers: " + std::string(text)};
}

/// As Redis wants it before a list, `*`, and before a text, `$`.
void append_length(char mark, std::size_t length, std::string& out) {
  std::array<char, 32> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), length);
  out += mark;
  out.append(digits.data(), result.ptr);
  out += "\r\n";
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

std::string_view text_of(const redisReply& reply) {
  return {reply.str, reply.len};
}

std::optional<QueueError> error_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ERROR) {
    return std::nullopt;
  }
  return error_from({reply.str, reply.len});
}

QueueError unexpected_answer(std::string_view command) {
  return {QueueErrc::refused, "Redis gives an unexpected answer to " + std::string(command)};
}

void RedisCommand::add(std::string_view argument) {
  append_length('$', argument.size(), arguments_);
  arguments_.append(argument).append("\r\n");
  ++count_;
}

void RedisCommand::reserve(std::size_t count, std::size_t bytes) {
  constexpr std::size_t around = 10;  // "$", a length of up to five digits, two line ends
  arguments_.reserve(arguments_.size() + count * around + bytes);
}

QueueResult<RedisConnection> RedisConnection::open(const RedisSettings& settings,
                                                   std::chrono::milliseconds timeout) {
  const auto limit = to_timeval(timeout);
  const bool tls = settings.tls && settings.socket.empty();
  Context context(settings.socket.empty()
                      ? redisConnectWithTimeout(settings.host.c_str(), settings.port, limit)
                      : redisConnectUnixWithTimeout(settings.socket.c_str(), limit));
  const auto failed = [&](const std::string& reason) {
    return tl::unexpected(
        QueueError{QueueErrc::unreachable, "no connection to Redis at " + address_of(settings) +
                                               (tls ? " over TLS: " : ": ") + reason});
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
  if (tls) {
    if (const auto started = start_redis_tls(*context, settings.host, settings.tls_ca); !started) {
      return failed(started.error());
    }
  }
  RedisConnection connection(std::move(context), tls);
  if (auto signed_in = sign_in(connection, settings); !signed_in) {
    return tl::unexpected(signed_in.error());
  }
  return connection;
}

QueueError RedisConnection::broken() const {
  std::string reason = context_->errstr;
  if (tls_) {
    // hiredis knows only of system calls' errors.
    reason = take_redis_tls_fault().value_or(reason);
  }
  if (reason == std::generic_category().message(EAGAIN)) {
    return {QueueErrc::unreachable, "Redis does not answer in time"};
  }
  return {QueueErrc::unreachable, "the connection to Redis broke: " + reason};
}

QueueResult<void> RedisConnection::send(const RedisCommand& command) {
  ++sent_;
  std::string head;
  append_length('*', command.count_, head);
  const auto append = [this](const std::string& text) {
    return redisAppendFormattedCommand(context_.get(), text.data(), text.size()) == REDIS_OK;
  };
  if (!append(head) || !append(command.arguments_)) {
    return tl::unexpected(broken());
  }
  unwritten_ += head.size() + command.arguments_.size();
  return unwritten_ < most_unwritten ? QueueResult<void>() : write();
}

QueueResult<void> RedisConnection::write() {
  unwritten_ = 0;
  for (int done = 0; done == 0;) {
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
      return tl::unexpected(broken());
    }
  }
  return {};
}

QueueResult<void*> RedisConnection::next_answer() {
  if (unwritten_ > 0) {
    if (auto written = write(); !written) {
      return tl::unexpected(written.error());
    }
  }
  void* answer = nullptr;
  while (redisGetReplyFromReader(context_.get(), &answer) == REDIS_OK) {
    if (answer != nullptr) {
      ++received_;
      return answer;
    }
    // hiredis takes an EINTR that is left from before for a reason to read on, without end.
    errno = 0;
    if (redisBufferRead(context_.get()) != REDIS_OK) {
      break;
    }
  }
  return tl::unexpected(broken());
}

QueueResult<void> RedisConnection::send_ahead(const RedisCommand& command,
                                              std::function<QueueResult<void>()> read) {
  return send(command).and_then([this] { return write(); }).map([&] {
    ahead_.push_back({sent_, std::move(read)});
  });
}

QueueResult<void> RedisConnection::receive_ahead() {
  const auto read = std::move(ahead_.front().read);
  ahead_.pop_front();
  return read();
}

QueueResult<void> RedisConnection::settle() {
  while (!ahead_.empty()) {
    if (auto read = receive_ahead(); !read) {
      return read;
    }
  }
  return {};
}

QueueResult<void> RedisConnection::receive_earlier() {
  while (!ahead_.empty() && ahead_.front().number == received_ + 1) {
    if (auto read = receive_ahead(); !read) {
      return read;
    }
  }
  return {};
}

QueueResult<RedisReply> RedisConnection::receive() {
  if (auto done = receive_earlier(); !done) {
    return tl::unexpected(done.error());
  }
  return next_answer().map(
      [](void* answer) { return RedisReply(static_cast<redisReply*>(answer)); });
}

QueueResult<RedisReply> RedisConnection::ask(const RedisCommand& command) {
  if (auto sent = send(command).and_then([this] { return send_more(); }); !sent) {
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

QueueResult<std::vector<std::size_t>> RedisConnection::ask_numbers(
    std::initializer_list<RedisCommand> commands) {
  for (const auto& command : commands) {
    if (auto sent = send(command); !sent) {
      return tl::unexpected(sent.error());
    }
  }
  std::vector<std::size_t> numbers;
  std::optional<QueueError> failure;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto reply = receive();
    if (!reply) {
      return tl::unexpected(reply.error());
    }
    if (const auto error = error_of(**reply)) {
      failure = error;  // The other answers are still to be read.
    }
    numbers.push_back(static_cast<std::size_t>((*reply)->integer));
  }
  if (failure) {
    return tl::unexpected(*failure);
  }
  return numbers;
}

QueueResult<PackedStrings> RedisConnection::ask_list(const RedisCommand& command,
                                                     std::string_view name) {
  if (auto sent = send(command).and_then([this] { return send_more(); }); !sent) {
    return tl::unexpected(sent.error());
  }
  return receive_list(name);
}

QueueResult<PackedStrings> RedisConnection::receive_list(std::string_view name,
                                                         PackedStrings into) {
  if (auto done = receive_earlier(); !done) {
    return tl::unexpected(done.error());
  }
  ListReader reader(*context_->reader, std::move(into));
  if (const auto answer = next_answer(); !answer) {
    return tl::unexpected(answer.error());
  }
  auto reply = reader.finish();
  if (reply.error) {
    return tl::unexpected(error_from(*reply.error));
  }
  if (!reply.texts) {
    return tl::unexpected(unexpected_answer(name));
  }
  return std::move(*reply.texts);
}

bool RedisConnection::alive() const {
  // Where nothing is outstanding, anything to read is the end of the connection.
  constexpr short closed = POLLRDHUP;
  pollfd socket{
      .fd = context_->fd, .events = ahead_.empty() ? short{POLLIN} : closed, .revents = 0};
  return unwritten_ == 0 && poll(&socket, 1, 0) == 0;
}

}  // namespace chouette
