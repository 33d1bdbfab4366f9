#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "plugins/rpi/pi.hpp"
#include "support/child_process.hpp"
#include "support/http_server.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_front.hpp"

namespace chouette::test {

/// Everything that the built-in plugins look at, besides the real machine's /proc: a kubelet behind
/// TLS and a container engine that answer as recorded, a Jetson's tool that prints recorded lines,
/// a Raspberry Pi's /sys, a real Redis with queues of dramatiq, a command.
class PluginSurroundings {
public:
  static constexpr std::size_t containers = 10;
  static constexpr std::size_t dramatiq_queues = 10;

  PluginSurroundings();

  const RedisServer& redis() const { return redis_; }

  /// The settings with which an agent meets them, each plugin with its default metrics.
  ChildProcess::Environment settings() const;

  /// The same with every metric that there is.
  ChildProcess::Environment settings_for_all_metrics() const;

  std::string kubelet_url() const;
  std::string kubelet_ca() const { return authority_.path(); }
  std::string engine_socket() const { return engine_socket_.string(); }

private:
  TempDir folder_;
  std::filesystem::path tegrastats_ = folder_.path() / "tegrastats";
  std::filesystem::path engine_socket_ = folder_.path() / "engine.sock";
  Pi pi_{"cm-4"};
  RedisServer redis_;
  Authority authority_;
  HttpServer kubelet_pages_;
  TlsFront kubelet_;
  HttpServer engine_;
};

}  // namespace chouette::test
