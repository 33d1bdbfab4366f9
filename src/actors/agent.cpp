#include "actors/agent.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <caf/all.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "actors/aggregator.hpp"
#include "actors/cleaner.hpp"
#include "actors/collector.hpp"
#include "actors/metrics_sender.hpp"
#include "actors/redis.hpp"
#include "actors/supervisor.hpp"
#include "intake/release_offset.hpp"
#include "metrics/wrappers.hpp"
#include "plugins.hpp"
#include "queue/redis_queue.hpp"

namespace chouette {

namespace {

/// A stop takes at most 5 s; what hangs longer than this is left behind.
constexpr std::chrono::milliseconds stop_deadline{4000};
/// A request may take this part of RELEASE_INTERVAL.
constexpr double request_share = 0.8;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

/// A thread that waits for a signal, calls `stop` at the first and ends the process at the second.
class SignalThread {
public:
  template <class Stop>
  explicit SignalThread(Stop stop)
      : thread_([stop](const std::stop_token& done) {
          const auto set = stop_signals();
          for (bool first = true;; first = false) {
            int signal = 0;
            sigwait(&set, &signal);
            if (done.stop_requested()) {
              return;
            }
            if (!first) {
              std::_Exit(EXIT_FAILURE);
            }
            spdlog::info("[Agent] signal {}: stopping", signal);
            stop();
          }
        }) {}

  ~SignalThread() {
    thread_.request_stop();
    // Blocked everywhere, it kills nobody: it only ends the wait.
    pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  }

private:
  std::jthread thread_;
};

class ActorConfig : public caf::actor_system_config {
public:
  ActorConfig() {
    // CAF's default scheduler polls: 547 ms of CPU a minute at idle, this one 4 ms.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
  }
};

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::vector<NamedPlugin> plugins_of(const Config& config) {
  std::vector<NamedPlugin> plugins;
  for (const auto& row : plugin_table()) {
    const auto& wanted = config.collector_plugins;
    if (std::find(wanted.begin(), wanted.end(), row.name) != wanted.end()) {
      plugins.push_back(
          {std::string(row.name), [&config, make = row.make] { return make(config); }});
    }
  }
  return plugins;
}

/// Starts all vital actors; returns them in the order in which they are to be stopped.
std::vector<VitalActor> start(caf::actor_system& system, const Config& config,
                              const std::stop_token& stop) {
  const auto redis_handle =
      system.spawn<caf::detached>(redis, std::make_shared<RedisQueue>(config.redis));
  const cleaner_actor cleaner_handle =
      system.spawn(cleaner, redis_handle,
                   CleanerSettings{.metric_ttl = config.metric_ttl, .log_ttl = config.log_ttl});
  const auto aggregator_handle = system.spawn(
      aggregator, redis_handle,
      AggregatorSettings{.interval = config.wrapper.interval,
                         .wrapper = make_wrapper(config.metrics_wrapper, config.wrapper)});
  const auto collector_handle = system.spawn(
      collector, redis_handle,
      CollectorSettings{.interval = config.capture_interval, .plugins = plugins_of(config)});
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
      config.release_interval * request_share);
  const auto sender_handle = system.spawn<caf::detached>(
      metrics_sender, redis_handle, cleaner_handle,
      std::make_shared<DatadogMetricsIntake>(
          IntakeSettings{config.datadog_url, config.api_key, timeout}, stop),
      MetricsSenderSettings{.interval = config.release_interval,
                            .offset = release_offset(host_name(), config.release_interval),
                            .bulk_size = config.metrics_bulk_size,
                            .extras = {config.global_tags, config.host}});
  const auto vital = [](std::string name, const auto& handle) {
    return VitalActor{std::move(name), caf::actor_cast<caf::actor>(handle)};
  };
  return {vital("collector", collector_handle), vital("aggregator", aggregator_handle),
          vital("metrics sender", sender_handle), vital("cleaner", cleaner_handle),
          vital("Redis actor", redis_handle)};
}

}  // namespace

int run_agent(const Config& config) {
  // Declared before the actors, which hold its tokens.
  std::stop_source stop;
  ActorConfig actor_config;
  caf::actor_system system{actor_config};
  caf::scoped_actor self{system};
  const auto root = system.spawn(supervisor, start(system, config, stop.get_token()));
  self->monitor(root);
  const SignalThread signals([&stop, main = caf::actor_cast<caf::actor>(self)] {
    stop.request_stop();
    caf::anon_send(main, caf::ok_atom_v);
  });

  bool ended = false;
  bool failed = false;
  const auto on_down = [&](const caf::down_msg& down) {
    ended = true;
    failed = down.reason != caf::exit_reason::user_shutdown;
  };
  self->receive([&](caf::ok_atom) { self->send_exit(root, caf::exit_reason::user_shutdown); },
                on_down);
  if (!ended) {
    self->receive(
        on_down, caf::after(stop_deadline) >> [] {});
  }
  if (!ended) {
    spdlog::warn("[Agent] something hangs and is left behind; nothing is lost");
    std::_Exit(EXIT_SUCCESS);
  }
  spdlog::info("[Agent] stopped");
  if (failed) {
    std::_Exit(EXIT_FAILURE);  // The destructor of the system would wait for what may hang.
  }
  return EXIT_SUCCESS;
}

}  // namespace chouette
