// Plays an application that writes raw metrics of all types, as the Python client does.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "support/child_process.hpp"
#include "support/redis_client.hpp"

namespace {

using chouette::test::RawMetric;
using chouette::test::RedisClient;
using chouette::test::RedisFailure;
using chouette::test::unix_now;
using nlohmann::ordered_json;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string password() {
  const auto file = from_environment("REDIS_PASSWORD_FILE");
  if (file.empty()) return from_environment("REDIS_PASSWORD");
  auto text = chouette::test::read_file(file);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// A little web shop.
class Shop {
public:
  RawMetric next() {
    const ordered_json tags{{"shop", random_() % 2 == 0 ? "north" : "south"}};
    const auto now = unix_now();
    switch (turn_++ % 5) {
      case 0:
        return {"demo.orders", "count", 1 + static_cast<int>(random_() % 3), now, tags};
      case 1:
        return {"demo.bytes_served", "rate", 200 + static_cast<int>(random_() % 1000), now, tags};
      case 2:
        return {"demo.temperature", "gauge", temperature(now), now, tags};
      case 3:
        return {"demo.visitors", "set", {visitor(), visitor()}, now, tags};
      default:
        return {"demo.latency", "histogram", latency_(random_), now, tags};
    }
  }

private:
  static double temperature(double now) {
    return std::round((20 + 5 * std::sin(now / 60)) * 100) / 100;
  }
  std::string visitor() { return "visitor-" + std::to_string(random_() % 100); }

  std::mt19937 random_{std::random_device{}()};
  std::lognormal_distribution<double> latency_{-3, 0.5};
  unsigned turn_ = 0;
};

// Writes, and says when Redis goes away or comes back. What cannot be written is lost, as it is in
// most applications.
class Writer {
public:
  explicit Writer(const chouette::test::RedisAddress& address) : client_(address) {}

  void write(const std::vector<RawMetric>& metrics) {
    try {
      client_.add(metrics);
      written_ += metrics.size();
      if (away_) std::cout << "Redis is back" << std::endl;
      away_ = false;
    } catch (const RedisFailure& failure) {
      if (!away_) std::cout << "Redis is away: " << failure.what() << std::endl;
      away_ = true;
    }
  }
  std::size_t written() const { return written_; }

private:
  RedisClient client_;
  std::size_t written_ = 0;
  bool away_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  using std::chrono::steady_clock;
  constexpr std::chrono::milliseconds pause(100);

  CLI::App app{
      "Plays an application that writes metrics into Redis, until SIGINT or SIGTERM. "
      "REDIS_USERNAME,"
      " REDIS_PASSWORD, REDIS_PASSWORD_FILE and REDIS_DB are read from the environment."};
  chouette::test::RedisAddress address;
  double rate = 50;
  double seconds = 0;
  app.add_option("--socket", address.socket, "Redis's unix socket; wins over host and port");
  app.add_option("--host", address.host, "Redis's host")->capture_default_str();
  app.add_option("--port", address.port, "Redis's port")->capture_default_str();
  app.add_option("--rate", rate, "Metrics per second")->capture_default_str();
  app.add_option("--seconds", seconds, "Ends by itself after that; 0: never")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  address.username = from_environment("REDIS_USERNAME");
  address.password = password();
  address.db = std::atoi(from_environment("REDIS_DB").c_str());

  sigset_t stop;
  sigemptyset(&stop);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&stop, number);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  Shop shop;
  Writer writer(address);
  const timespec pause_time{0, std::chrono::nanoseconds(pause).count()};
  const auto begin = steady_clock::now();
  std::size_t made = 0;
  do {
    const std::chrono::duration<double> elapsed = steady_clock::now() - begin;
    if (seconds > 0 && elapsed.count() >= seconds) break;
    // At least a moment's worth, and no flood after a long wait for Redis.
    const auto due = static_cast<std::size_t>(elapsed.count() * rate) + 1;
    const auto most = static_cast<std::size_t>(rate) + 1;
    std::vector<RawMetric> metrics(std::min(most, due > made ? due - made : 0));
    std::generate(metrics.begin(), metrics.end(), [&] { return shop.next(); });
    made = due;
    if (!metrics.empty()) writer.write(metrics);
  } while (sigtimedwait(&stop, nullptr, &pause_time) < 0);

  std::cout << "wrote " << writer.written() << " metrics" << std::endl;
  return 0;
}
