#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include "actors/agent.hpp"
#include "commands/rejected.hpp"
#include "config/config.hpp"
#include "logging/logging.hpp"
#include "metrics/wrappers.hpp"
#include "plugins.hpp"
#include "queue/redis_queue.hpp"
#include "version.hpp"

namespace {

// sysexits.h spells the last one EX_CONFIG.
enum ExitCode : int { ok = 0, failure = 1, wrong_usage = 2, wrong_configuration = 78 };

chouette::KnownNames known_names() {
  chouette::KnownNames known;
  for (const auto& row : chouette::plugin_table()) {
    known.plugins.push_back(row.name);
  }
  for (const auto& row : chouette::wrapper_table()) {
    known.wrappers.push_back(row.name);
  }
  return known;
}

/// Signals are blocked before any thread exists, so that every thread inherits it.
void prepare_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int check(const chouette::LoadedConfig& loaded) {
  for (const auto& warning : loaded.warnings) {
    std::cout << "warning: " << warning << '\n';
  }
  for (const auto& fault : loaded.faults) {
    std::cout << "fault: " << fault << '\n';
  }
  std::cout << (loaded.faults.empty() ? "The configuration is good.\n"
                                      : "The configuration is not usable.\n");
  return loaded.faults.empty() ? ok : wrong_configuration;
}

/// What a command needs to reach Redis; the key is not among it.
bool says_faults(const chouette::LoadedConfig& loaded) {
  auto faults = loaded.faults;
  std::erase_if(faults, [](const std::string& fault) { return fault.starts_with("API_KEY"); });
  for (const auto& fault : faults) {
    std::cerr << "fault: " << fault << '\n';
  }
  return !faults.empty();
}

int rejected(const chouette::LoadedConfig& loaded, bool requeue) {
  if (says_faults(loaded)) {
    return wrong_configuration;
  }
  chouette::RedisQueue queue(loaded.config.redis);
  const auto done = requeue ? chouette::requeue_rejected(queue, std::cout, std::cerr)
                            : chouette::list_rejected(queue, std::cout, std::cerr);
  return done ? ok : failure;
}

int run(const chouette::LoadedConfig& loaded) {
  const auto& config = loaded.config;
  const auto usable = loaded.faults.empty();
  chouette::set_up_logging(usable ? config.log_level : "INFO",
                           {config.api_key, config.redis.password});
  for (const auto& warning : loaded.warnings) {
    spdlog::warn("[Configuration] {}", warning);
  }
  for (const auto& fault : loaded.faults) {
    spdlog::critical("[Configuration] {}", fault);
  }
  if (!usable) {
    return wrong_configuration;
  }
  prepare_signals();
  const auto redis = config.redis.socket.empty()
                         ? config.redis.host + ":" + std::to_string(config.redis.port)
                         : config.redis.socket;
  spdlog::info("[Agent] chouette-iot {} starts: Redis at {}, metrics to {}, plugins: {}",
               chouette::version, redis, config.datadog_url,
               config.collector_plugins.empty()
                   ? "none"
                   : fmt::format("{}", fmt::join(config.collector_plugins, ", ")));
  return chouette::run_agent(config);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app{"Chouette-IoT: a Datadog-compatible agent for small devices."};
    bool check_config = false;
    app.set_version_flag("--version", std::string("chouette-iot ") + chouette::version);
    app.add_flag("--check-config", check_config,
                 "Check the settings in the environment, and exit with 0 or 78.");
    auto* rejected_command = app.add_subcommand(
        "rejected", "List the records that the intake refused, with its answers.");
    bool requeue = false;
    rejected_command->add_flag("--requeue", requeue, "Put them back into the queues.");
    app.footer(chouette::settings_help);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& outcome) {
      return app.exit(outcome) == 0 ? ok : wrong_usage;
    }
    const auto loaded = chouette::load_config(chouette::process_environment(), known_names());
    if (rejected_command->parsed()) {
      return rejected(loaded, requeue);
    }
    return check_config ? check(loaded) : run(loaded);
  } catch (const std::exception& exception) {
    spdlog::critical("[Agent] {}", exception.what());
    return failure;
  }
}
