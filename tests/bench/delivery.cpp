// How fast the agent delivers a backlog of points, next to a program that only reads and deletes
// the same records on the same Redis; and how much memory it takes. Usage:
//   bench-delivery [points]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "bench/bare_drain.hpp"
#include "bench/measure.hpp"
#include "bench/workload.hpp"
#include "support/agent.hpp"
#include "support/http_server.hpp"
#include "support/redis_server.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

constexpr int rounds = 3;
/// As many as METRICS_BULK_SIZE allows by default.
constexpr std::size_t windows_of_a_bulk = 10;

/// An intake that takes everything, looks at nothing and keeps nothing. It works in this process,
/// whose CPU time tells what it takes.
class Sink {
public:
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  std::size_t requests() const { return requests_; }
  std::size_t bytes() const { return bytes_; }

private:
  test::Behaviour take(const test::HttpRequest& request) {
    ++requests_;
    bytes_ += request.body.size();
    return test::answer(202, R"({"status":"ok"})");
  }

  std::atomic<std::size_t> requests_{0};
  std::atomic<std::size_t> bytes_{0};
  test::HttpServer server_{{.begin = test::answer_ok,
                            .treat = [this](const test::HttpRequest& request,
                                            const test::Behaviour&) { return take(request); }}};
};

/// What the measurements of one kind brought, a value for each round.
struct Measured {
  std::vector<double> rate;
  std::vector<double> cpu;
  std::vector<double> sink_cpu;
  std::vector<double> peak;
};

bool drain_bare(const test::RedisServer& server, std::size_t points, std::size_t windows,
                Measured& measured) {
  auto redis = server.client();
  fill_wrapped_queue(redis, points);
  const auto start = Clock::now();
  const auto cpu = cpu_seconds();
  const auto drained = drain(server.socket(), wrapped_metrics, windows);
  measured.rate.push_back(static_cast<double>(drained) / seconds_since(start));
  measured.cpu.push_back(cpu_seconds() - cpu);
  return drained == points;
}

/// The program as it is shipped. Time runs from the first points that are seen to be gone.
bool deliver(const test::RedisServer& server, const Sink& sink, std::size_t points,
             Measured& measured) {
  auto redis = server.client();
  fill_wrapped_queue(redis, points);
  test::AgentProcess agent({{"API_KEY", "0123456789abcdef0123456789abcdef"},
                            {"DATADOG_URL", sink.url() + "/api"},
                            {"DATADOG_LOGS_URL", sink.url()},
                            {"REDIS_SOCKET", server.socket()},
                            {"RELEASE_INTERVAL", "2"},
                            {"METRIC_TTL", "8640000"},
                            {"QUEUE_MAX_RECORDS", "0"}});
  const auto deadline = Clock::now() + 10min;
  const auto wait_below = [&](std::size_t limit) {
    auto left = redis.size(wrapped_metrics);
    while (left >= limit && agent.running() && Clock::now() < deadline) {
      std::this_thread::sleep_for(2ms);
      left = redis.size(wrapped_metrics);
    }
    return left;
  };
  const auto first = wait_below(points);
  const auto start = Clock::now();
  const auto sink_cpu = cpu_seconds();
  const auto left = wait_below(1);
  const auto elapsed = seconds_since(start);
  measured.rate.push_back(static_cast<double>(first - left) / elapsed);
  measured.cpu.push_back(cpu_seconds(agent.pid()));
  measured.sink_cpu.push_back(cpu_seconds() - sink_cpu);
  measured.peak.push_back(memory(agent.pid(), "VmHWM"));
  agent.stop();
  redis.command({"FLUSHALL"});
  return left == 0;
}

int run(std::size_t points) {
  const test::RedisServer server;
  Sink sink;
  Measured windows;
  Measured bulks;
  Measured agent;
  for (int i = 0; i < rounds; ++i) {
    if (!drain_bare(server, points, 1, windows) ||
        !drain_bare(server, points, windows_of_a_bulk, bulks)) {
      std::cerr << "the bare drain did not see all points\n";
      return 1;
    }
    if (!deliver(server, sink, points, agent)) {
      std::cerr << "the agent did not deliver all points\n";
      return 1;
    }
  }
  const auto requests = static_cast<double>(sink.requests()) / rounds;
  const auto bytes = static_cast<double>(sink.bytes()) / rounds;
  const auto bare = std::max(median(windows.rate), median(bulks.rate));

  std::printf(
      "%zu points of 1,000 series in %.0f requests, %.2f bytes a point; medians of %d runs\n\n",
      points, requests, bytes / static_cast<double>(points), rounds);
  print("bare hiredis program, 1,000 records a transaction", median(windows.rate) / 1000, "k/s");
  print("bare hiredis program, 10,000 records a transaction", median(bulks.rate) / 1000, "k/s");
  print("agent: read, write, compress, send, delete", median(agent.rate) / 1000, "k/s");
  print("bare, the faster, to agent", bare / median(agent.rate), "");
  print("bare hiredis program, CPU", median(bulks.cpu), "s");
  print("agent, CPU", median(agent.cpu), "s");
  print("intake, CPU", median(agent.sink_cpu), "s");
  print("agent, resident memory at its peak", median(agent.peak), "MiB", "(at most 48)");
  return 0;
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  return chouette::bench::run(argc > 1 ? std::stoul(argv[1]) : 1000000);
}
