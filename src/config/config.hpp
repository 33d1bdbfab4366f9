#pragma once

#include <chouette/wrapper.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "docker/docker_settings.hpp"
#include "exec/exec_settings.hpp"
#include "http/listen_address.hpp"
#include "k8s/k8s_settings.hpp"
#include "logging/secret.hpp"
#include "process/service_manager.hpp"
#include "queue/redis_settings.hpp"
#include "support/machine_roots.hpp"
#include "tegrastats/tegrastats_settings.hpp"

namespace chouette {

/// The environment: names as they stand there (any case) and their values.
using Environment = std::map<std::string, std::string>;

/// Everything a user may set, checked. Defaults stand in the settings table, not here.
struct Config {
  // Delivery
  Secret api_key;
  std::string api_key_file;      ///< Where it was read from. Empty: from the environment.
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
  std::string plugin_dir;  ///< Of plugins and wrappers that are loaded. Empty: none.
  bool send_plugin_metrics = false;
  MachineRoots machine;
  std::vector<std::string> host_metrics;
  K8sSettings k8s_plugin;
  DockerSettings docker_plugin;
  TegrastatsSettings tegrastats_plugin;
  std::vector<std::string> rpi_metrics;
  ExecSettings exec_plugin;
  Environment child_environment;  ///< For programs that plugins run: all but the secrets.

  // The process
  RedisSettings redis;
  std::vector<ListenAddress> http_listen;  ///< Where pages about the agent are served.
  ServiceSettings service;
  std::string log_level;       ///< DEBUG, INFO, WARNING, ERROR or CRITICAL.
  std::string log_level_file;  ///< Where it was read from. Empty: from the environment.
};

/// Names that the settings may choose from; main fills them from the tables of plugins and
/// wrappers.
struct KnownNames {
  std::vector<std::string_view> plugins;
  std::vector<std::string_view> wrappers;
};

/// What reading the environment gave. `config` may be used only if `faults` is empty.
struct LoadedConfig {
  Config config;
  std::vector<std::string> faults;    ///< One line each: name, value (never a secret's), expected.
  std::vector<std::string> warnings;  ///< One line each: a likely misspelling, a setting ignored.
};

/// Reads every setting; reports all faults, not just the first. Reads files only for `*_FILE`
/// settings. Never throws for anything that stands in `environment`.
LoadedConfig load_config(const Environment& environment, const KnownNames& known);

/// CHOUETTE_PLUGIN_DIR alone, for what is in that folder must be known before the rest can be
/// checked. Empty if it is not set or wrong, which load_config will say.
std::string find_plugin_dir(const Environment& environment);

/// The API key that `file` holds now; an error is a line with the reason, without any of the text.
tl::expected<Secret, std::string> read_api_key(const std::string& file);

/// The log level that `file` holds now; an error is a line with the reason.
tl::expected<std::string, std::string> read_log_level(const std::string& file);

/// The calling process's environment. Call it before any thread is started.
Environment process_environment();

/// The settings as a text for `--help`, 80 columns wide: name, default, meaning.
std::string settings_help();

/// The settings as a page of Markdown: docs/configuration.md, whole.
std::string settings_markdown();

}  // namespace chouette
