#pragma once

#include <chouette/wrapper.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/host_settings.hpp"
#include "logging/secret.hpp"
#include "queue/redis_settings.hpp"

namespace chouette {

/// Everything a user may set, checked. Defaults stand in the settings table, not here.
struct Config {
  // Delivery
  Secret api_key;
  std::string datadog_url;       ///< Without a trailing slash.
  std::string datadog_logs_url;  ///< Without a trailing slash.
  std::vector<std::string> global_tags;
  std::string host;  ///< Empty: points carry no host.
  std::chrono::seconds release_interval{};
  std::size_t metrics_bulk_size = 0;
  std::chrono::seconds metric_ttl{};
  std::chrono::seconds log_ttl{};
  bool send_self_metrics = false;
  std::size_t queue_max_records = 0;  ///< 0: no bound.

  // Aggregation
  std::string metrics_wrapper;
  WrapperSettings wrapper;  ///< wrapper.interval is AGGREGATE_INTERVAL.

  // Collecting
  std::vector<std::string> collector_plugins;
  std::chrono::seconds capture_interval{};
  HostSettings host_plugin;

  // The process
  RedisSettings redis;
  std::string log_level;  ///< DEBUG, INFO, WARNING, ERROR or CRITICAL.
};

/// Names that the settings may choose from; main fills them from the tables of plugins and
/// wrappers.
struct KnownNames {
  std::vector<std::string_view> plugins;
  std::vector<std::string_view> wrappers;
};

/// The environment: names as they stand there (any case) and their values.
using Environment = std::map<std::string, std::string>;

/// What reading the environment gave. `config` may be used only if `faults` is empty.
struct LoadedConfig {
  Config config;
  std::vector<std::string> faults;    ///< One line each: name, value (never a secret's), expected.
  std::vector<std::string> warnings;  ///< One line each: a likely misspelling, a setting ignored.
};

/// Reads every setting; reports all faults, not just the first. Reads files only for `*_FILE`
/// settings. Never throws for anything that stands in `environment`.
LoadedConfig load_config(const Environment& environment, const KnownNames& known);

/// The calling process's environment. Call it before any thread is started.
Environment process_environment();

/// The settings as a text for `--help`, 80 columns wide: name, default, meaning.
std::string settings_help();

/// The settings as a page of Markdown: docs/configuration.md, whole.
std::string settings_markdown();

}  // namespace chouette
