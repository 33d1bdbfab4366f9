#include "commands/check.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include "commands/check_intake.hpp"
#include "commands/check_plugins.hpp"
#include "commands/check_redis.hpp"
#include "commands/plugin_captures.hpp"
#include "config/values.hpp"

namespace chouette {
namespace {

constexpr int wrong_configuration = 78;
constexpr auto configuration = "Configuration";
/// For a request to the intake.
constexpr std::chrono::milliseconds shortest{2000};
constexpr std::chrono::milliseconds longest{10000};

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Finding not_checked(const char* subject) {
  return {Level::warning, subject, "not checked", "Set right what the configuration has wrong."};
}

/// As the agent's, as far as a person has the patience.
std::chrono::milliseconds request_timeout(const Config& config) {
  constexpr int share = 800;  // milliseconds of each second
  return std::clamp(std::chrono::milliseconds{config.release_interval.count() * share}, shortest,
                    longest);
}

/// The API key's check is left out where it is wrong; what the URLs lead to is looked at anyway.
Findings check_intake_of(const Config& config, const Unusable& wrong) {
  Findings findings;
  if (wrong.metrics_url) findings.push_back(not_checked("Intake"));
  if (wrong.logs_url) findings.push_back(not_checked("Logs intake"));
  const auto checked = check_intake({.metrics_url = wrong.metrics_url ? "" : config.datadog_url,
                                     .logs_url = wrong.logs_url ? "" : config.datadog_logs_url,
                                     .api_key = wrong.key ? Secret() : config.api_key,
                                     .timeout = request_timeout(config)});
  findings.insert(findings.end(), checked.begin(), checked.end());
  return findings;
}

}  // namespace

Findings judge_configuration(const LoadedConfig& loaded, const Extensions& extensions) {
  Findings findings;
  for (const auto& fault : loaded.faults) {
    findings.push_back({Level::failed, configuration, fault,
                        "The agent does not start before this is right: chouette-iot --help "
                        "tells what each setting means."});
  }
  for (const auto& warning : loaded.warnings) {
    findings.push_back({Level::warning, configuration, warning,
                        "The agent starts all the same. chouette-iot --help lists all settings."});
  }
  for (const auto& fault : extensions.faults) {
    findings.push_back({Level::warning, configuration, fault,
                        "The agent starts without it. docs/plugins.md tells what it asks of a "
                        "plugin's file."});
  }
  const auto add_loaded = [&](const char* kind, const std::vector<Loaded>& all) {
    for (const auto& one : all) {
      findings.push_back({Level::ok, configuration,
                          std::string(kind) + ' ' + one.name + " loaded from " + one.path});
    }
  };
  add_loaded("plugin", extensions.plugins);
  add_loaded("wrapper", extensions.wrappers);
  if (loaded.faults.empty()) findings.push_back({Level::ok, configuration, "the agent can start"});
  return findings;
}

Unusable unusable(const std::vector<std::string>& faults) {
  Unusable wrong;
  for (const auto& fault : faults) {
    const auto name = values::to_upper(fault.substr(0, fault.find(':')));
    wrong.redis = wrong.redis || name.starts_with("REDIS_");
    wrong.key = wrong.key || name.starts_with("API_KEY") || name == "DD_API_KEY";
    wrong.metrics_url = wrong.metrics_url || name == "DATADOG_URL" || name == "DD_SITE";
    wrong.logs_url = wrong.logs_url || name == "DATADOG_LOGS_URL" || name == "DD_SITE";
  }
  return wrong;
}

CommandEnd check(const LoadedConfig& loaded, const Extensions& extensions, std::ostream& out) {
  const auto& config = loaded.config;
  const auto wrong = unusable(loaded.faults);
  FindingPrinter printer(out, {config.api_key, config.redis.password});
  printer.print(judge_configuration(loaded, extensions));
  printer.print(wrong.redis ? Findings{not_checked("Redis")}
                            : check_redis(config.redis, wall_time()));
  printer.print(check_intake_of(config, wrong));
  CommandEnd end;
  if (loaded.faults.empty()) {
    if (config.collector_plugins.empty()) {
      printer.print({{Level::ok, "Plugin", "none: COLLECTOR_PLUGINS is empty"}});
    }
    for (const auto& answer :
         ask_plugins(plugins_to_ask(config, extensions), patience_with_plugins(config))) {
      printer.print({judge_plugin(answer)});
      end.hanging = end.hanging || answer.hangs;
    }
  } else {
    printer.print({not_checked("Plugin")});
  }
  printer.print_summary();
  end.exit_code = printer.worst() == Level::failed ? 1 : 0;
  if (!loaded.faults.empty()) end.exit_code = wrong_configuration;
  return end;
}

}  // namespace chouette
