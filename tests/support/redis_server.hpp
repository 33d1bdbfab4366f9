#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/child_process.hpp"
#include "support/redis_client.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_front.hpp"

namespace chouette::test {

/// How a RedisServer is set up.
struct RedisOptions {
  bool appendonly = false;              ///< Else nothing survives a stop or a kill.
  std::string password = {};            ///< requirepass; empty: none.
  std::vector<std::string> lines = {};  ///< More of redis.conf, e.g. "maxmemory 10mb".
  /// It also speaks TLS, at a port of its own, asks no client for a certificate, and shows this
  /// one.
  std::optional<Certificate> certificate = {};
};

/// A real redis-server (or valkey-server) of one's own, reached by a unix socket and a TCP port on
/// 127.0.0.1. Both stay the same, and what it stored with `appendonly` is kept, over restarts.
class RedisServer {
public:
  /// Starts it and waits until it answers; throws if it does not.
  explicit RedisServer(RedisOptions options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Starts it again, to be called after `stop` or `kill`.
  void start();
  void stop();  ///< SIGTERM; waits for the end.
  void kill();  ///< SIGKILL; waits for the end.
  void restart();
  void pause();  ///< SIGSTOP: connections stay, nothing is answered.
  void resume();

  std::string socket() const;
  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }  ///< 0: none.
  pid_t pid() const { return process_->pid(); }
  RedisAddress address() const;
  RedisClient client() const { return RedisClient(address()); }

private:
  void write_config() const;
  bool try_start();

  RedisOptions options_;
  TempDir folder_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace chouette::test
