// How long the agent takes to aggregate a backlog, next to programs that only read and delete the
// same records on the same Redis; and how much memory it takes. Usage:
//   bench-aggregation [--series N] [--rounds N] [--json FILE] [records]
// 200 series, medians of 15 rounds, 100,000 records by default.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/aggregator.hpp"
#include "actors/redis.hpp"
#include "bench/bare_drain.hpp"
#include "bench/key_events.hpp"
#include "bench/measure.hpp"
#include "bench/workload.hpp"
#include "metrics/wrappers.hpp"
#include "process/memory.hpp"
#include "queue/redis_queue.hpp"
#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

/// What is measured, and how often.
struct Task {
  std::size_t records = 100000;
  std::size_t series = 200;
  int rounds = 15;
};

struct Measured {
  std::vector<double> time;
  std::vector<double> cpu;
};

double cpu_seconds_of_this_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// A Redis with the same raw records whenever they are wanted.
class Backlog {
public:
  explicit Backlog(const Task& task) : source_(database(source)), target_(database(0)) {
    fill_raw_queue(source_, task.records, task.series);
  }

  const test::RedisServer& server() const { return server_; }

  /// Puts them into the queue, and nothing else into Redis.
  test::RedisClient& fill() {
    target_.command({"FLUSHDB"});
    for (const auto key : {raw_metrics.keys, raw_metrics.values}) {
      source_.command({"COPY", std::string(key), std::string(key), "DB", "0"});
    }
    return target_;
  }

private:
  static constexpr int source = 1;

  test::RedisClient database(int db) const {
    auto address = server_.address();
    address.db = db;
    return test::RedisClient(address);
  }

  test::RedisServer server_;
  test::RedisClient source_, target_;
};

using Drain = std::size_t (*)(const std::string& socket, QueueName queue);

void measure_bare(Backlog& backlog, const Task& task, Drain drain_queue, Measured& measured) {
  const auto& server = backlog.server();
  backlog.fill();
  const auto start = Clock::now();
  const auto cpu = cpu_seconds();
  if (drain_queue(server.socket(), raw_metrics) != task.records) {
    throw std::runtime_error("a bare drain did not see all records");
  }
  measured.time.push_back(seconds_since(start));
  measured.cpu.push_back(cpu_seconds() - cpu);
}

std::size_t drain_by_key(const std::string& socket, QueueName queue) {
  return drain(socket, queue);
}

/// The agent's own actors, from the tick to the empty queue. Returns how many points they made.
std::size_t measure_agent(Backlog& backlog, Measured& measured) {
  const auto& server = backlog.server();
  auto& redis_client = backlog.fill();
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{2});
  caf::actor_system system{config};
  const WrapperSettings wrapper{.interval = 10s,
                                .histogram_aggregates = {"max", "median", "avg", "count"},
                                .histogram_percentiles = {0.95}};
  const auto redis_handle = system.spawn<caf::detached>(
      redis, std::make_shared<RedisQueue>(RedisSettings{.socket = server.socket()}),
      std::make_shared<StatusBoard>());
  const auto aggregator_handle =
      system.spawn(aggregator, redis_handle,
                   AggregatorSettings{.interval = 10s,
                                      .wrapper = make_wrapper("datadog", wrapper),
                                      .losses = std::make_shared<LossBook>()});
  KeyEvents removed(server.socket(), "chouette:metrics:raw.*");
  const auto start = Clock::now();
  // This thread only looks whether the others are done: what it takes is not the agent's.
  const auto others_cpu = [] { return cpu_seconds() - cpu_seconds_of_this_thread(); };
  const auto cpu = others_cpu();
  caf::anon_send(aggregator_handle, Tick{});
  const std::vector<std::string> is_raw_left{"EXISTS", std::string(raw_metrics.keys),
                                             std::string(raw_taken.keys),
                                             std::string(raw_taken.values)};
  while (redis_client.command(is_raw_left) != 0) {
    removed.wait();
  }
  measured.time.push_back(seconds_since(start));
  measured.cpu.push_back(others_cpu() - cpu);
  caf::anon_send_exit(aggregator_handle, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(redis_handle, caf::exit_reason::user_shutdown);
  return redis_client.size(wrapped_metrics);
}

void add_memory(Figures& figures, const Task& task) {
  const test::RedisServer server;
  auto redis_client = server.client();
  // The whole program's, as it is shipped.
  test::Intake intake;
  test::AgentProcess busy(server, intake,
                          {{"AGGREGATE_INTERVAL", "10"}, {"RELEASE_INTERVAL", "86400"}});
  busy.wait_for_log("starts");
  fill_raw_queue(redis_client, task.records, task.series);
  if (!test::eventually([&] { return redis_client.size(raw_metrics) == 0; }, 120s)) {
    throw std::runtime_error("the agent did not aggregate all records");
  }
  figures.add("resident memory at its peak, aggregating", memory(busy.pid(), "VmHWM"), "MiB", {},
              at_most(32));
  figures.add("resident memory afterwards", memory(busy.pid(), "VmRSS"), "MiB");
  busy.stop();
  redis_client.command({"FLUSHALL"});
  test::AgentProcess idle(server, intake,
                          {{"AGGREGATE_INTERVAL", "10"}, {"COLLECTOR_PLUGINS", "host"}});
  intake.wait_until([&] { return intake.metric_requests().size() >= 3; });
  figures.add("resident memory idle with the host plugin", memory(idle.pid(), "VmRSS"), "MiB", {},
              at_most(20));
  idle.stop();
}

void run(Figures& figures, const Task& task) {
  spdlog::set_level(spdlog::level::off);
  use_one_heap();  // As the agent does.
  Backlog backlog(task);
  Measured by_key;
  Measured without_objects;
  Measured renamed;
  Measured agent;
  std::size_t points = 0;
  for (int i = 0; i < task.rounds; ++i) {
    measure_bare(backlog, task, drain_by_key, by_key);
    measure_bare(backlog, task, drain_without_objects, without_objects);
    measure_bare(backlog, task, drain_renamed, renamed);
    points = measure_agent(backlog, agent);
  }
  std::array<char, 160> setting{};
  (void)std::snprintf(setting.data(), setting.size(),
                      "%zu raw records, %zu series, 20 buckets -> %zu points; medians of %d runs",
                      task.records, task.series, points, task.rounds);
  figures.describe(setting.data());
  figures.add("bare: read, delete by key", median(by_key.time), "s");
  figures.add("bare: the same without objects", median(without_objects.time), "s");
  figures.add("bare: renamed, windows asked for ahead", median(renamed.time), "s");
  const auto fastest =
      std::min({median(by_key.time), median(without_objects.time), median(renamed.time)});
  figures.add("read, aggregate, store points, delete", median(agent.time), "s",
              Peer{"the fastest of these", fastest}, at_most_times_peer(1.5));
  figures.add("CPU, bare by key", median(by_key.cpu), "s");
  figures.add("CPU, bare without objects", median(without_objects.cpu), "s");
  figures.add("CPU, bare renamed", median(renamed.cpu), "s");
  const auto least =
      std::min({median(by_key.cpu), median(without_objects.cpu), median(renamed.cpu)});
  // The target is for 100,000 records.
  figures.add("CPU, agent", median(agent.cpu), "s", Peer{"the least of these", least},
              at_most(0.1 * static_cast<double>(task.records) / 100000));
  add_memory(figures, task);
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  try {
    chouette::bench::Figures figures(argc, argv);
    chouette::bench::Task task;
    const auto series = static_cast<double>(task.series);
    task.series =
        static_cast<std::size_t>(chouette::bench::take_option(argc, argv, "--series", series));
    task.rounds =
        static_cast<int>(chouette::bench::take_option(argc, argv, "--rounds", task.rounds));
    task.records = argc > 1 ? std::stoul(argv[1]) : task.records;
    chouette::bench::run(figures, task);
    figures.write();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-aggregation: %s\n", error.what());
    return 1;
  }
}
