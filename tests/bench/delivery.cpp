// How fast the agent delivers a backlog of points, next to a program that only reads and deletes
// the same records on the same Redis; and how much memory it takes. Usage:
//   bench-delivery [points] [--json FILE]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/bare_drain.hpp"
#include "bench/measure.hpp"
#include "bench/sink.hpp"
#include "bench/workload.hpp"
#include "support/agent.hpp"
#include "support/redis_server.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

constexpr int rounds = 3;
/// As many as METRICS_BULK_SIZE allows by default.
constexpr std::size_t windows_of_a_bulk = 10;

/// What the measurements of one kind brought, a value for each round.
struct Measured {
  std::vector<double> time;  ///< Microseconds of a point.
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
  measured.time.push_back(seconds_since(start) * 1e6 / static_cast<double>(points));
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
  measured.time.push_back(elapsed * 1e6 / static_cast<double>(first - left));
  measured.cpu.push_back(cpu_seconds(agent.pid()));
  measured.sink_cpu.push_back(cpu_seconds() - sink_cpu);
  measured.peak.push_back(memory(agent.pid(), "VmHWM"));
  agent.stop();
  redis.command({"FLUSHALL"});
  return left == 0;
}

void run(Figures& figures, std::size_t points) {
  const test::RedisServer server;
  const Sink sink;
  Measured windows;
  Measured bulks;
  Measured agent;
  for (int i = 0; i < rounds; ++i) {
    if (!drain_bare(server, points, 1, windows) ||
        !drain_bare(server, points, windows_of_a_bulk, bulks)) {
      throw std::runtime_error("the bare drain did not see all points");
    }
    if (!deliver(server, sink, points, agent)) {
      throw std::runtime_error("the agent did not deliver all points");
    }
  }
  const auto a_point = [points](double total) { return total * 1e6 / static_cast<double>(points); };
  const auto bare = std::min(median(windows.time), median(bulks.time));
  const auto bytes = static_cast<double>(sink.bytes()) / rounds / static_cast<double>(points);

  char setting[160];
  (void)std::snprintf(setting, sizeof(setting),
                      "%zu points of 1,000 series in %zu requests; medians of %d runs", points,
                      sink.requests() / rounds, rounds);
  figures.describe(setting);
  figures.add("a point: read, write, compress, send, delete", median(agent.time), "us",
              Peer{"bare hiredis: read and delete", bare}, at_most_times_peer(2.5));
  figures.add("CPU a point, agent", a_point(median(agent.cpu)), "us",
              Peer{"bare hiredis", a_point(median(bulks.cpu))});
  figures.add("CPU a point, the intake of the test", a_point(median(agent.sink_cpu)), "us");
  figures.add("bytes of a point in requests' bodies", bytes, "B");
  figures.add("resident memory at its peak, delivering", median(agent.peak), "MiB", {},
              at_most(48));
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  try {
    chouette::bench::Figures figures(argc, argv);
    chouette::bench::run(figures, argc > 1 ? std::stoul(argv[1]) : 1000000);
    figures.write();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-delivery: %s\n", error.what());
    return 1;
  }
}
