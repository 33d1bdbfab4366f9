#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace chouette::test {

/// Where a connection through a TcpProxy ends: after so many bytes that were passed on.
struct Cut {
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  std::size_t requests = never;  ///< Bytes from the client to the server.
  std::size_t answers = never;   ///< Bytes from the server to the client.
  bool reset = false;            ///< The client gets a reset (RST), not an end.
};

/// A bad network in front of a server on 127.0.0.1: passes bytes on until it is told otherwise. It
/// may be used from any thread.
class TcpProxy {
public:
  explicit TcpProxy(std::uint16_t server_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const { return port_; }

  /// Asks `plan`, in the proxy's thread, where to cut each connection made from now on; an empty
  /// one cuts none.
  void set_plan(std::function<Cut()> plan);

  /// Connections stay, and new ones are made, but nothing is passed on.
  void stall();
  /// What was held up is passed on.
  void resume();

  /// The next connection whose client says `text` is held up from there on until `resume`; others
  /// are not.
  void hold_at(std::string text);
  bool holds();

  /// Breaks all connections and refuses new ones. The port stays reserved.
  void refuse();
  void accept();

  /// How many connections were cut by plan since the start.
  std::size_t cuts() const { return cuts_; }
  std::size_t connections() const { return connections_; }

private:
  struct Link;

  void run();
  void take_client();
  void pass_on();

  const std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::atomic<std::size_t> cuts_{0};
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_;  // guards what follows
  std::function<Cut()> plan_;
  std::list<Link> links_;
  bool stalled_ = false;
  std::string hold_at_;
  bool refusing_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace chouette::test
