#include "support/redis_server.hpp"

#include <csignal>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "support/free_port.hpp"
#include "support/wait.hpp"

namespace chouette::test {

namespace {

std::string server_program() {
  for (const auto* name : {"redis-server", "valkey-server"}) {
    if (auto program = find_program(name); !program.empty()) return program;
  }
  throw std::runtime_error("neither redis-server nor valkey-server is installed");
}

}  // namespace

RedisServer::RedisServer(RedisOptions options) : options_(std::move(options)) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    port_ = find_free_port();
    if (options_.certificate) tls_port_ = find_free_port();
    write_config();
    if (try_start()) return;
  }
  throw std::runtime_error("redis-server does not start: " + process_->out());
}

RedisServer::~RedisServer() = default;

void RedisServer::write_config() const {
  std::ofstream config(folder_ / "redis.conf");
  config << "bind 127.0.0.1\nport " << port_ << "\nunixsocket " << socket()
         << "\nunixsocketperm 700\ndir " << folder_.path().native()
         << "\ndaemonize no\nloglevel warning\nsave \"\"\nappendonly "
         << (options_.appendonly ? "yes" : "no") << "\n";
  if (!options_.password.empty()) config << "requirepass " << options_.password << "\n";
  if (options_.certificate) {
    config << "tls-port " << tls_port_ << "\ntls-cert-file " << options_.certificate->path
           << "\ntls-key-file " << options_.certificate->key << "\ntls-auth-clients no\n";
  }
  for (const auto& line : options_.lines) config << line << "\n";
}

bool RedisServer::try_start() {
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{server_program(), folder_ / "redis.conf"});
  auto probe = client();
  const auto answers = [&] {
    if (!process_->running()) return true;
    try {
      return probe.command({"PING"}) == "PONG";
    } catch (const RedisFailure&) {
      return false;
    }
  };
  return eventually(answers, std::chrono::seconds(20)) && process_->running();
}

void RedisServer::start() {
  if (process_->running()) return;
  // Another process may hold the port for a moment as the near end of a connection of its own.
  if (!eventually([this] { return try_start(); })) {
    throw std::runtime_error("redis-server does not start again: " + process_->out());
  }
}

void RedisServer::stop() {
  resume();
  process_->signal(SIGTERM);
  if (!process_->wait()) kill();
}

void RedisServer::kill() {
  process_->kill();
}

void RedisServer::restart() {
  stop();
  start();
}

void RedisServer::pause() {
  process_->signal(SIGSTOP);
  const auto stat = "/proc/" + std::to_string(pid()) + "/stat";
  eventually([&] { return read_file(stat).find(") T ") != std::string::npos; });
}

void RedisServer::resume() {
  process_->signal(SIGCONT);
}

std::string RedisServer::socket() const {
  return folder_ / "redis.sock";
}

RedisAddress RedisServer::address() const {
  RedisAddress address;
  address.socket = socket();
  address.password = options_.password;
  return address;
}

}  // namespace chouette::test
