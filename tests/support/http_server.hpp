#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace chouette::test {

/// A request as it came over the wire.
struct HttpRequest {
  std::string method;
  std::string target;
  std::string version;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
  std::size_t connection = 0;  ///< 1 for the first connection since the start, and so on.
  std::chrono::system_clock::time_point time;

  /// A header's value by its name in lower case; empty if it was not sent.
  std::string header(const std::string& name) const;
};

/// The header fields Content-Length, Content-Type and Date (now) come by themselves.
struct HttpAnswer {
  int status = 200;
  std::string body = {};
  std::map<std::string, std::string> headers = {};
};

/// What happens to one request.
struct Behaviour {
  enum class Kind {
    answer,        ///< Read it, answer.
    lose_answer,   ///< Read and accept it, close the connection without a word.
    never_answer,  ///< Read and accept it, keep the connection open in silence.
    close_unread,  ///< Close the connection without having read anything.
    reset_inside,  ///< Read part of the body, then reset the connection (RST).
    stall,         ///< Keep the connection open in silence without having read anything.
  };

  Kind kind = Kind::answer;
  std::optional<HttpAnswer> fixed = std::nullopt;  ///< Absent: as the server sees fit.
  std::chrono::milliseconds delay{0};              ///< Between the end of reading and the answer.
  std::chrono::milliseconds drip{0};               ///< Between any two bytes of the answer's body.
  bool scripted = false;  ///< Set by the server: it was asked for just this request.
};

Behaviour answer_ok();
Behaviour answer(int status, std::string body = {},
                 std::map<std::string, std::string> headers = {});
Behaviour answer_late(std::chrono::milliseconds delay, Behaviour behaviour = {});
Behaviour answer_slowly(std::chrono::milliseconds between_bytes, Behaviour behaviour = {});
Behaviour answer_as_broken_proxy();  ///< 502 with a page of HTML.
Behaviour lose_answer();
Behaviour never_answer();
Behaviour close_unread();
Behaviour reset_inside();
Behaviour stall();

/// An HTTP/1.1 server on 127.0.0.1 or a unix socket that misbehaves on demand. A thread per
/// connection. Connections are kept alive, and counted.
class HttpServer {
public:
  /// Both are called from the threads of connections, maybe several at a time.
  struct Handler {
    /// A request has begun to arrive: what is to happen?
    std::function<Behaviour()> begin;
    /// It was read, and `behaviour` wants it treated: the behaviour to go on with, `fixed` filled.
    std::function<Behaviour(const HttpRequest& request, const Behaviour& behaviour)> treat;
  };

  explicit HttpServer(Handler handler);

  /// Listens on a unix socket that it makes at `socket`, and that stays there; its port is 0.
  HttpServer(Handler handler, const std::filesystem::path& socket);

  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }

  /// How many connections were made since the start.
  std::size_t connections() const { return connections_; }

  /// Breaks all connections and refuses new ones. The port stays reserved.
  void set_down();
  void set_up();  ///< Not with a unix socket, which Linux does not let listen again.

private:
  struct Connection;

  void start();
  void accept_connections();
  void close_connections();

  Handler handler_;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_;  // guards what follows
  std::list<Connection> open_;
  bool down_ = false;
  std::thread acceptor_;
};

}  // namespace chouette::test
