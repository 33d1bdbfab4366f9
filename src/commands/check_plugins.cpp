#include "commands/check_plugins.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace chouette {
namespace {

/// Lines of values and of faults that are shown of a plugin.
constexpr std::size_t most_lines = 30;

struct Advice {
  std::string_view plugin;
  std::string_view text;
};

constexpr std::array advices{
    Advice{"docker",
           "Does the engine run, is DOCKER_SOCKET_PATH its socket, and may this user open it?"},
    Advice{"dramatiq", "It looks into the Redis of the queues: see there."},
    Advice{"exec",
           "Run the command by hand, as the agent's user; see EXEC_COMMANDS and EXEC_TIMEOUT."},
    Advice{"host",
           "Inside a container, mount the host's /proc, /sys and /, and set HOST_PROC, HOST_SYS "
           "and HOST_MOUNT_PREFIX."},
    Advice{"k8s",
           "Check K8S_STATS_SERVICE_IP and K8S_STATS_SERVICE_PORT, and that the service account "
           "may get nodes/stats."},
    Advice{"rpi", "It reads what only a Raspberry Pi has; RPI_METRICS chooses what."},
    Advice{"tegrastats", "Is TEGRASTATS_PATH NVIDIA's tool? Only a Jetson has it."}};

std::string_view advice_for(std::string_view plugin) {
  for (const auto& advice : advices) {
    if (advice.plugin == plugin) return advice.text;
  }
  return "It was loaded from CHOUETTE_PLUGIN_DIR: whoever wrote it knows what it needs.";
}

/// The first lines of many.
void cut(std::vector<std::string>& lines, std::string_view what) {
  if (lines.size() <= most_lines) return;
  const auto left_out = lines.size() - most_lines;
  lines.resize(most_lines);
  lines.push_back(fmt::format("and {}", counted(left_out, what)));
}

}  // namespace

std::string to_line(const WrappedMetric& metric) {
  constexpr double shown_exactly = 1e15;
  const auto whole = metric.value > -shown_exactly && metric.value < shown_exactly &&
                     metric.value == static_cast<double>(static_cast<long long>(metric.value));
  auto line = metric.name;
  if (!metric.tags.empty()) line += fmt::format(" [{}]", fmt::join(metric.tags, ", "));
  return line +
         (whole ? fmt::format(" = {:.0f}", metric.value) : fmt::format(" = {:.6g}", metric.value));
}

Finding judge_plugin(const PluginAnswer& answer) {
  Finding finding{Level::ok, "Plugin", answer.name + ": "};
  const auto& [metrics, faults, malformed] = answer.capture;
  if (answer.failure) {
    finding.text += *answer.failure;
    if (answer.hangs) finding.text += "; it hangs and cannot be stopped";
  } else {
    finding.text +=
        fmt::format("{} in {} ms", counted(metrics.size(), "point"), answer.took.count());
    if (!faults.empty()) finding.text += ", " + counted(faults.size(), "fault");
    if (malformed > 0) finding.text += fmt::format(", {} that make no sense", malformed);
  }
  if (answer.failure || (!faults.empty() && metrics.empty())) {
    finding.level = Level::failed;
  } else if (!faults.empty() || malformed > 0) {
    finding.level = Level::warning;
  }
  if (finding.level != Level::ok) finding.advice = advice_for(answer.name);
  std::vector<std::string> values;
  values.reserve(metrics.size());
  for (const auto& metric : metrics) values.push_back(to_line(metric));
  cut(values, "more point");
  auto shown_faults = faults;
  for (auto& fault : shown_faults) fault.insert(0, "fault: ");
  cut(shown_faults, "more fault");
  finding.details = std::move(values);
  finding.details.insert(finding.details.end(), shown_faults.begin(), shown_faults.end());
  return finding;
}

}  // namespace chouette
