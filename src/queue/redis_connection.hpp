#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/queue.hpp"
#include "queue/redis_settings.hpp"

struct redisContext;
struct redisReply;

namespace chouette {

/// A command for Redis: binary-safe arguments, which are copied.
class RedisCommand {
public:
  RedisCommand(std::initializer_list<std::string_view> arguments) {
    for (const auto argument : arguments) {
      add(argument);
    }
  }
  void add(std::string_view argument);
  /// Makes room for `count` more arguments that have `bytes` together.
  void reserve(std::size_t count, std::size_t bytes);

  std::size_t bytes() const { return arguments_.size(); }

private:
  friend class RedisConnection;
  std::string arguments_;  ///< As they are sent.
  std::size_t count_ = 0;
};

struct FreeRedisReply {
  void operator()(redisReply* reply) const;
};
using RedisReply = std::unique_ptr<redisReply, FreeRedisReply>;

/// The text that `reply` holds; empty if it holds none.
std::string_view text_of(const redisReply& reply);

/// The error that `reply` is; none if it is no error.
std::optional<QueueError> error_of(const redisReply& reply);

/// For an answer that is no error, but not of the kind that `command` is answered with.
QueueError unexpected_answer(std::string_view command);

/// A signed-in connection. After an `unreachable` error it is of no use and must be dropped, for
/// an answer may still be on its way. Each wait for the server ends after the timeout.
class RedisConnection {
public:
  static QueueResult<RedisConnection> open(const RedisSettings& settings,
                                           std::chrono::milliseconds timeout);

  /// Sends `command` without waiting for its answer; each needs one `receive`, until which it may
  /// wait to be written together with others.
  QueueResult<void> send(const RedisCommand& command);

  /// Writes what waits.
  QueueResult<void> write();

  /// Sends and writes `command`; `read` receives its answer when whoever waits for a later one
  /// comes to it, or `receive_ahead` is called. Its errors are `unreachable`.
  QueueResult<void> send_ahead(const RedisCommand& command,
                               std::function<QueueResult<void>()> read);

  /// How many answers are to be read by what was given to `send_ahead`.
  std::size_t ahead() const { return ahead_.size(); }

  /// Has the first of them read, and what comes before it must have been received.
  QueueResult<void> receive_ahead();

  /// Has all of them read.
  QueueResult<void> settle();

  /// Has `send_more` called whenever an answer is waited for and no transaction is open: it may
  /// send ahead what Redis works on while the answer is read.
  void work_meanwhile(std::function<QueueResult<void>()> send_more) {
    send_more_ = std::move(send_more);
  }

  /// To be called where a transaction's last command was sent.
  QueueResult<void> send_more() { return send_more_ ? send_more_() : QueueResult<void>(); }

  /// The next answer. An error that the server answers is a reply like any other.
  QueueResult<RedisReply> receive();

  /// Sends `command` and returns its answer; an error answer becomes an error.
  QueueResult<RedisReply> ask(const RedisCommand& command);

  /// Sends all of `commands`, each of which is answered with a number, and returns the numbers; the
  /// last error among the answers, if there is one.
  QueueResult<std::vector<std::size_t>> ask_numbers(std::initializer_list<RedisCommand> commands);

  /// Sends `command`, which is called `name`, and returns the list of texts that it is answered
  /// with; absent is what is no text.
  QueueResult<PackedStrings> ask_list(const RedisCommand& command, std::string_view name);

  /// The next answer, to a command that is called `name`: a list as of `ask_list`, behind `into`.
  QueueResult<PackedStrings> receive_list(std::string_view name, PackedStrings into = {});

  /// False if the server has closed the connection since the last answer, or a command was given up
  /// before it was written; to be asked where no answer is under way but those ahead.
  bool alive() const;

private:
  struct Close {
    void operator()(redisContext* context) const;
  };
  using Context = std::unique_ptr<redisContext, Close>;

  struct Ahead {
    std::uint64_t number;  ///< Of the command among all.
    std::function<QueueResult<void>()> read;
  };

  RedisConnection(Context context, bool tls) : context_(std::move(context)), tls_(tls) {}
  QueueError broken() const;
  QueueResult<void> receive_earlier();
  QueueResult<void*> next_answer();

  Context context_;
  bool tls_;
  std::function<QueueResult<void>()> send_more_;
  std::deque<Ahead> ahead_;
  std::size_t unwritten_ = 0;   ///< Bytes.
  std::uint64_t sent_ = 0;      ///< Commands,
  std::uint64_t received_ = 0;  ///< and answers.
};

}  // namespace chouette
