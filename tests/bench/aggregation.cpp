// How long the agent takes to aggregate a backlog, next to a program that only reads and deletes
// the same records on the same Redis; and how much memory it takes. Usage:
//   bench-aggregation [records]

#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "actors/aggregator.hpp"
#include "actors/redis.hpp"
#include "bench/bare_drain.hpp"
#include "bench/measure.hpp"
#include "bench/workload.hpp"
#include "metrics/wrappers.hpp"
#include "queue/redis_queue.hpp"
#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

constexpr int rounds = 5;

/// The agent's own actors, from the tick to the empty queue.
double aggregate(const test::RedisServer& server, test::RedisClient& redis_client) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{2});
  caf::actor_system system{config};
  const WrapperSettings wrapper{.interval = 10s,
                                .histogram_aggregates = {"max", "median", "avg", "count"},
                                .histogram_percentiles = {0.95}};
  const auto redis_handle = system.spawn<caf::detached>(
      redis, std::make_shared<RedisQueue>(RedisSettings{.socket = server.socket()}));
  const auto aggregator_handle =
      system.spawn(aggregator, redis_handle,
                   AggregatorSettings{.interval = 10s,
                                      .wrapper = make_wrapper("datadog", wrapper),
                                      .losses = std::make_shared<LossBook>()});
  const auto start = Clock::now();
  caf::anon_send(aggregator_handle, Tick{});
  while (redis_client.size(raw_metrics) > 0) {
    std::this_thread::sleep_for(1ms);
  }
  const auto elapsed = seconds_since(start);
  caf::anon_send_exit(aggregator_handle, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(redis_handle, caf::exit_reason::user_shutdown);
  return elapsed;
}

int run(std::size_t records) {
  spdlog::set_level(spdlog::level::off);
  test::RedisServer server;
  auto redis_client = server.client();
  std::vector<double> bare;
  std::vector<double> bare_cpu;
  std::vector<double> agent;
  std::vector<double> agent_cpu;
  std::size_t points = 0;
  for (int i = 0; i < rounds; ++i) {
    redis_client.command({"FLUSHALL"});
    fill_raw_queue(redis_client, records);
    const auto start = Clock::now();
    auto cpu = cpu_seconds();
    if (drain(server.socket(), raw_metrics) != records) {
      std::cerr << "the bare drain did not see all records\n";
      return 1;
    }
    bare.push_back(seconds_since(start));
    bare_cpu.push_back(cpu_seconds() - cpu);
    fill_raw_queue(redis_client, records);
    cpu = cpu_seconds();
    agent.push_back(aggregate(server, redis_client));
    agent_cpu.push_back(cpu_seconds() - cpu);
    points = redis_client.size(wrapped_metrics);
  }

  // Memory is the whole program's, as it is shipped.
  test::Intake intake;
  test::AgentProcess busy(server, intake,
                          {{"AGGREGATE_INTERVAL", "10"}, {"RELEASE_INTERVAL", "86400"}});
  busy.wait_for_log("starts");
  fill_raw_queue(redis_client, records);
  const auto done = test::eventually([&] { return redis_client.size(raw_metrics) == 0; }, 120s);
  const auto peak = memory(busy.pid(), "VmHWM");
  const auto after = memory(busy.pid(), "VmRSS");
  busy.stop();
  redis_client.command({"FLUSHALL"});
  test::AgentProcess idle(server, intake,
                          {{"AGGREGATE_INTERVAL", "10"}, {"COLLECTOR_PLUGINS", "host"}});
  intake.wait_until([&] { return intake.metric_requests().size() >= 3; });
  const auto resident = memory(idle.pid(), "VmRSS");
  idle.stop();
  if (!done) {
    std::cerr << "the agent did not aggregate all records\n";
    return 1;
  }

  std::printf("%zu raw records, 200 series, 60 buckets -> %zu points; medians of %d runs\n\n",
              records, points, rounds);
  print("bare hiredis program: read and delete", median(bare), "s");
  print("agent: read, aggregate, store points, delete", median(agent), "s");
  print("ratio", median(agent) / median(bare), "", "(at most 2.0)");
  print("bare hiredis program, CPU", median(bare_cpu), "s");
  print("agent, CPU", median(agent_cpu), "s");
  print("agent, resident memory at its peak", peak, "MiB", "(at most 40)");
  print("agent, resident memory afterwards", after, "MiB");
  print("agent, resident memory idle with the host plugin", resident, "MiB", "(at most 20)");
  return 0;
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  return chouette::bench::run(argc > 1 ? std::stoul(argv[1]) : 100000);
}
