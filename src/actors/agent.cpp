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
#include "actors/redis.hpp"
#include "actors/sender.hpp"
#include "actors/supervisor.hpp"
#include "intake/logs_payload.hpp"
#include "intake/metrics_payload.hpp"
#include "intake/release_offset.hpp"
#include "metrics/fnv1a.hpp"
#include "metrics/wrappers.hpp"
#include "plugins.hpp"
#include "queue/redis_queue.hpp"

namespace chouette {

namespace {

/// A stop takes at most 5 s; what hangs longer than this is left behind.
constexpr std::chrono::milliseconds stop_deadline{4000};
/// A request may take this part of RELEASE_INTERVAL.
constexpr double request_share = 0.8;
/// Logs are read from Redis this many at a time, which is also what a request holds.
constexpr std::size_t logs_bulk_size = 500;

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

/// What both senders have in common.
SenderSettings sender_settings(const Config& config, const std::string& url,
                               const std::shared_ptr<LossBook>& losses,
                               const std::stop_token& stop) {
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
      config.release_interval * request_share);
  return {.intake = std::make_shared<DatadogIntake>(
              IntakeSettings{url, config.api_key, timeout, wall_time}, stop),
          .interval = config.release_interval,
          .offset = release_offset(host_name(), config.release_interval),
          .self_metrics = config.send_self_metrics,
          .losses = losses,
          .seed = fnv1a(host_name())};
}

SenderSettings metrics_sender(const Config& config, const std::shared_ptr<LossBook>& losses,
                              const std::stop_token& stop) {
  auto settings = sender_settings(config, config.datadog_url + "/v1/series", losses, stop);
  settings.name = "MetricsSender";
  settings.kind = "metrics";
  settings.queue = wrapped_metrics;
  settings.rejected = rejected_metrics;
  settings.bulk_size = config.metrics_bulk_size;
  settings.time_to_live = config.metric_ttl;
  settings.make_payload = [extras = Extras{config.global_tags, config.host}](Restamp restamp) {
    return std::make_unique<MetricsPayload>(extras, PayloadLimits{}, std::move(restamp));
  };
  return settings;
}

SenderSettings logs_sender(const Config& config, const std::shared_ptr<LossBook>& losses,
                           const std::stop_token& stop) {
  auto settings = sender_settings(config, config.datadog_logs_url + "/v1/input", losses, stop);
  settings.name = "LogsSender";
  settings.kind = "logs";
  settings.queue = wrapped_logs;
  settings.rejected = rejected_logs;
  settings.bulk_size = logs_bulk_size;
  settings.time_to_live = config.log_ttl;
  settings.make_payload = [extras = Extras{config.global_tags, config.host}](const Restamp&) {
    return std::make_unique<LogsPayload>(extras);
  };
  return settings;
}

/// Starts all vital actors; returns them in the order in which they are to be stopped.
std::vector<VitalActor> start(caf::actor_system& system, const Config& config,
                              const std::stop_token& stop) {
  const auto losses = std::make_shared<LossBook>();
  const auto redis_handle =
      system.spawn<caf::detached>(redis, std::make_shared<RedisQueue>(config.redis));
  const cleaner_actor cleaner_handle =
      system.spawn(cleaner, redis_handle,
                   CleanerSettings{.metric_ttl = config.metric_ttl,
                                   .log_ttl = config.log_ttl,
                                   .queue_max = config.queue_max_records,
                                   .losses = losses});
  const auto aggregator_handle = system.spawn(
      aggregator, redis_handle,
      AggregatorSettings{.interval = config.wrapper.interval,
                         .wrapper = make_wrapper(config.metrics_wrapper, config.wrapper),
                         .time_to_live = config.metric_ttl,
                         .losses = losses});
  const auto collector_handle = system.spawn(
      collector, redis_handle,
      CollectorSettings{
          .interval = config.capture_interval, .plugins = plugins_of(config), .losses = losses});
  const auto metrics_handle = system.spawn<caf::detached>(sender, redis_handle, cleaner_handle,
                                                          metrics_sender(config, losses, stop));
  const auto logs_handle = system.spawn<caf::detached>(sender, redis_handle, cleaner_handle,
                                                       logs_sender(config, losses, stop));
  const auto vital = [](std::string name, const auto& handle) {
    return VitalActor{std::move(name), caf::actor_cast<caf::actor>(handle)};
  };
  return {vital("collector", collector_handle),    vital("aggregator", aggregator_handle),
          vital("metrics sender", metrics_handle), vital("logs sender", logs_handle),
          vital("cleaner", cleaner_handle),        vital("Redis actor", redis_handle)};
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
