#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "actors/agent.hpp"
#include "commands/ask_agent.hpp"
#include "commands/check.hpp"
#include "commands/dry_run.hpp"
#include "commands/rejected.hpp"
#include "config/config.hpp"
#include "extensions/extensions.hpp"
#include "logging/logging.hpp"
#include "metrics/wrappers.hpp"
#include "plugins.hpp"
#include "queue/redis_queue.hpp"
#include "version.hpp"

namespace {

// sysexits.h spells the last one EX_CONFIG.
enum ExitCode : int { ok = 0, failure = 1, wrong_usage = 2, wrong_configuration = 78 };

chouette::KnownNames built_in_names() {
  chouette::KnownNames known;
  for (const auto& row : chouette::plugin_table()) {
    known.plugins.push_back(row.name);
  }
  for (const auto& row : chouette::wrapper_table()) {
    known.wrappers.push_back(row.name);
  }
  return known;
}

/// Everything that the environment says.
struct Settings {
  chouette::Extensions extensions;
  std::shared_ptr<const chouette::Wrapper> wrapper;  ///< Null if there are faults.
  chouette::LoadedConfig loaded;
};

Settings read_settings() {
  const auto environment = chouette::process_environment();
  Settings settings;
  auto known = built_in_names();
  settings.extensions = chouette::load_extensions(chouette::find_plugin_dir(environment), known);
  settings.extensions.add_names(known);
  settings.loaded = chouette::load_config(environment, known);
  auto& [config, faults, warnings] = settings.loaded;
  if (faults.empty()) {
    try {
      settings.wrapper = chouette::make_wrapper(config, settings.extensions);
    } catch (const std::exception& error) {
      faults.push_back("METRICS_WRAPPER: \"" + config.metrics_wrapper +
                       "\" cannot be used: " + error.what());
    }
  }
  return settings;
}

/// Signals are blocked before any thread exists, so that every thread inherits it: those too that
/// a library starts when it is loaded.
void prepare_signals() {
  const auto set = chouette::awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int check(const Settings& settings) {
  const auto& loaded = settings.loaded;
  const auto say = [](const char* kind, const std::vector<chouette::Loaded>& extensions) {
    for (const auto& extension : extensions) {
      std::cout << "loaded: the " << kind << ' ' << extension.name << " from " << extension.path
                << '\n';
    }
  };
  say("plugin", settings.extensions.plugins);
  say("wrapper", settings.extensions.wrappers);
  for (const auto& fault : settings.extensions.faults) {
    std::cout << "warning: " << fault << '\n';
  }
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

/// A plugin that hangs keeps a thread, with which the process can only end at once.
int end_with(const chouette::CommandEnd& end) {
  if (end.hanging) {
    std::_Exit(end.exit_code);
  }
  return end.exit_code;
}

int check_all(const Settings& settings) {
  return end_with(chouette::check(settings.loaded, settings.extensions, std::cout));
}

int dry_run(const Settings& settings) {
  const auto& [config, faults, warnings] = settings.loaded;
  for (const auto& lines : {settings.extensions.faults, warnings}) {
    for (const auto& line : lines) {
      std::cerr << "warning: " << line << '\n';
    }
  }
  for (const auto& fault : faults) {
    std::cerr << "fault: " << fault << '\n';
  }
  if (!faults.empty()) {
    return wrong_configuration;
  }
  return end_with(
      chouette::dry_run(config, settings.extensions, *settings.wrapper, std::cout, std::cerr));
}

/// Where an agent on this machine may be asked. Other settings, right or wrong, do not matter here.
std::vector<chouette::ListenAddress> agent_addresses() {
  auto addresses =
      chouette::load_config(chouette::process_environment(), built_in_names()).config.http_listen;
  addresses.push_back({.host = {}, .port = 0, .socket = chouette::service_socket});
  return addresses;
}

int run(const Settings& settings) {
  const auto& loaded = settings.loaded;
  const auto& config = loaded.config;
  const auto usable = loaded.faults.empty();
  chouette::set_up_logging(usable ? config.log_level : "INFO",
                           {config.api_key, config.redis.password});
  for (const auto& fault : settings.extensions.faults) {
    spdlog::error("[Configuration] {}", fault);
  }
  for (const auto& warning : loaded.warnings) {
    spdlog::warn("[Configuration] {}", warning);
  }
  for (const auto& fault : loaded.faults) {
    spdlog::critical("[Configuration] {}", fault);
  }
  if (!usable) {
    return wrong_configuration;
  }
  spdlog::info("[Agent] chouette-iot {} starts: Redis at {}, metrics to {}, plugins: {}",
               chouette::version, address_of(config.redis), config.datadog_url,
               config.collector_plugins.empty()
                   ? "none"
                   : fmt::format("{}", fmt::join(config.collector_plugins, ", ")));
  return chouette::run_agent(config, settings.extensions, settings.wrapper);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Where a parent has it ignored, the ends of children could not be waited for.
  std::signal(SIGCHLD, SIG_DFL);
  try {
    CLI::App app{"Chouette-IoT: a Datadog-compatible agent for small devices."};
    bool check_config = false;
    app.set_version_flag("--version", std::string("chouette-iot ") + chouette::version);
    app.add_flag("--check-config", check_config,
                 "Check the settings in the environment, and exit with 0 or 78.");
    bool dry = false;
    app.add_flag("--dry-run", dry,
                 "Collect and aggregate once, print what would be sent, and change nothing.");
    auto* check_command = app.add_subcommand(
        "check", "Check settings, Redis, intake, clock and plugins, and say what to do.");
    auto* rejected_command = app.add_subcommand(
        "rejected", "List the records that the intake refused, with its answers.");
    bool requeue = false;
    rejected_command->add_flag("--requeue", requeue, "Put them back into the queues.");
    auto* status_command = app.add_subcommand("status", "Ask the running agent how it is.");
    bool json = false;
    status_command->add_flag("--json", json, "Print it as JSON.");
    auto* health_command = app.add_subcommand(
        "health", "Ask the running agent whether it works, and exit with 0 or 1.");
    app.require_subcommand(0, 1);
    app.footer(chouette::settings_help);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& outcome) {
      return app.exit(outcome) == 0 ? ok : wrong_usage;
    }
    if (status_command->parsed()) {
      return chouette::print_status(agent_addresses(), json, std::cout, std::cerr) ? ok : failure;
    }
    if (health_command->parsed()) {
      return chouette::print_health(agent_addresses(), std::cout, std::cerr) ? ok : failure;
    }
    const bool checks = check_command->parsed();
    const bool runs = !rejected_command->parsed() && !check_config && !checks && !dry;
    if (runs) {
      prepare_signals();
    }
    const auto settings = read_settings();
    if (runs) {
      return run(settings);
    }
    if (checks) {
      return check_all(settings);
    }
    if (check_config) {
      return check(settings);
    }
    return dry ? dry_run(settings) : rejected(settings.loaded, requeue);
  } catch (const std::exception& exception) {
    spdlog::critical("[Agent] {}", exception.what());
    return failure;
  }
}
