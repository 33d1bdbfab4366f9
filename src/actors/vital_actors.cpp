#include "actors/vital_actors.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "actors/aggregator.hpp"
#include "actors/cleaner.hpp"
#include "actors/collector.hpp"
#include "actors/failures.hpp"
#include "actors/redis.hpp"
#include "actors/sender.hpp"
#include "extensions/chosen_plugins.hpp"
#include "intake/logs_payload.hpp"
#include "intake/metrics_payload.hpp"
#include "intake/release_offset.hpp"
#include "metrics/fnv1a.hpp"
#include "queue/redis_queue.hpp"

namespace chouette {

namespace {

/// A request may take this part of RELEASE_INTERVAL.
constexpr double request_share = 0.8;
/// Logs are read from Redis this many at a time, which is also what a request holds.
constexpr std::size_t logs_bulk_size = 500;

/// An actor that nothing outside the agent blocks may be silent so long, one that waits for Redis,
/// whose calls end after a few timeouts each, as well.
constexpr std::chrono::seconds patience{120};

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// For plugins' threads: asks the Redis actor and waits, which it does not do for long.
HashSizesScan hash_sizes_scan(caf::actor_system& system, const redis_actor& redis) {
  return [&system, redis](const std::string& pattern, const std::string& cursor) {
    HashSizes sizes;
    caf::scoped_actor self{system};
    self->request(redis, caf::infinite, ScanHashes{pattern, cursor})
        .receive([&sizes](HashSizes& answer) { sizes = std::move(answer); },
                 [](const caf::error& error) { throw std::runtime_error(text_of(error)); });
    return sizes;
  };
}

std::chrono::milliseconds request_timeout(const Config& config) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(config.release_interval *
                                                               request_share);
}

/// What both senders have in common.
SenderSettings sender_settings(const Config& config, const std::string& url,
                               const std::shared_ptr<ApiKey>& key, const Books& books,
                               const std::stop_token& stop) {
  return {.intake = std::make_shared<DatadogIntake>(
              IntakeSettings{url, key, request_timeout(config), wall_time}, stop),
          .interval = config.release_interval,
          .offset = release_offset(host_name(), config.release_interval),
          .self_metrics = config.send_self_metrics,
          .losses = books.losses,
          .board = books.board,
          .seed = fnv1a(host_name())};
}

SenderSettings metrics_sender(const Config& config, const std::shared_ptr<ApiKey>& key,
                              const Books& books, const std::stop_token& stop) {
  auto settings = sender_settings(config, config.datadog_url + "/v1/series", key, books, stop);
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

SenderSettings logs_sender(const Config& config, const std::shared_ptr<ApiKey>& key,
                           const Books& books, const std::stop_token& stop) {
  auto settings = sender_settings(config, config.datadog_logs_url + "/v1/input", key, books, stop);
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

/// A sender is blocked while a request, and at times a second one, is under way.
std::chrono::seconds sender_patience(const Config& config) {
  return patience + 2 * std::chrono::duration_cast<std::chrono::seconds>(request_timeout(config));
}

}  // namespace

VitalActors start_vital_actors(caf::actor_system& system, const Config& config,
                               const Extensions& extensions, std::shared_ptr<const Wrapper> wrapper,
                               const std::shared_ptr<ApiKey>& key, const Books& books,
                               const std::stop_token& stop) {
  const auto& losses = books.losses;
  const redis_actor redis_handle =
      system.spawn<caf::detached>(redis, std::make_shared<RedisQueue>(config.redis), books.board);
  const cleaner_actor cleaner_handle =
      system.spawn(cleaner, redis_handle,
                   CleanerSettings{.metric_ttl = config.metric_ttl,
                                   .log_ttl = config.log_ttl,
                                   .queue_max = config.queue_max_records,
                                   .losses = losses});
  const auto aggregator_handle =
      system.spawn(aggregator, redis_handle,
                   AggregatorSettings{.interval = config.wrapper.interval,
                                      .wrapper = std::move(wrapper),
                                      .time_to_live = config.metric_ttl,
                                      .losses = losses});
  const auto collector_handle = system.spawn(
      collector, redis_handle,
      CollectorSettings{
          .interval = config.capture_interval,
          .plugins = chosen_plugins(config, extensions, hash_sizes_scan(system, redis_handle)),
          .plugin_metrics = config.send_plugin_metrics,
          .losses = losses,
          .board = books.board});
  // Here, for the senders start in any order.
  books.board->change([](Status& status) { status.deliveries = {{"metrics"}, {"logs"}}; });
  const auto metrics_handle = system.spawn<caf::detached>(sender, redis_handle, cleaner_handle,
                                                          metrics_sender(config, key, books, stop));
  const auto logs_handle = system.spawn<caf::detached>(sender, redis_handle, cleaner_handle,
                                                       logs_sender(config, key, books, stop));
  const auto vital = [](std::string name, const auto& handle, std::chrono::seconds may_be_silent) {
    return VitalActor{std::move(name), caf::actor_cast<caf::actor>(handle), may_be_silent};
  };
  return {.redis = redis_handle,
          .in_stopping_order = {vital("collector", collector_handle, patience),
                                vital("aggregator", aggregator_handle, patience),
                                vital("metrics sender", metrics_handle, sender_patience(config)),
                                vital("logs sender", logs_handle, sender_patience(config)),
                                vital("cleaner", cleaner_handle, patience),
                                vital("Redis actor", redis_handle, patience)}};
}

}  // namespace chouette
