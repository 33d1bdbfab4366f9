#include "config/plugin_settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/rules.hpp"

namespace chouette {
namespace {

using namespace rules;
using Json = nlohmann::json;

constexpr int longest_timeout = 3600;

/// As a Python user may write it, with or without the scheme.
values::Parsed<std::string> socket_path(std::string_view text) {
  constexpr std::string_view scheme = "unix://";
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  return values::path(text, longest_socket_path);
}

/// The members of a list in K8S_METRICS, `ram` as memory; nothing if one is not known.
std::optional<std::vector<std::string>> kinds(const Json& list, const Names& known) {
  if (!list.is_array()) return std::nullopt;
  std::vector<std::string> chosen;
  for (const auto& item : list) {
    if (!item.is_string()) return std::nullopt;
    const auto text = item.get<std::string>();
    const auto name = find_name(known, values::to_lower(text) == "ram" ? "memory" : text);
    if (!name) return std::nullopt;
    if (std::find(chosen.begin(), chosen.end(), *name) == chosen.end()) chosen.emplace_back(*name);
  }
  return chosen;
}

std::optional<Problem> put_k8s_metrics(std::string_view text, const KnownNames& /*known*/,
                                       Config& config) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Problem{"is not a JSON object", {}};
  auto& settings = config.k8s_plugin;
  settings.node_metrics.clear();
  settings.pod_metrics.clear();
  for (const auto& [part, list] : json.items()) {
    const bool of_node = part == "node";
    if (!of_node && part != "pods") {
      return Problem{"has the unknown \"" + values::shown(part) + '"', {}};
    }
    const auto chosen = of_node ? kinds(list, {"cpu", "memory", "network", "filesystem", "inodes"})
                                : kinds(list, {"cpu", "memory", "network"});
    if (!chosen) return Problem{"has something unknown in \"" + part + '"', {}};
    (of_node ? settings.node_metrics : settings.pod_metrics) = *chosen;
  }
  return std::nullopt;
}

/// A program and its arguments: a list of texts, or one text that is split at spaces.
values::Parsed<std::vector<std::string>> arguments_from(const Json& json) {
  std::vector<std::string> arguments;
  if (json.is_string()) {
    const auto text = json.get<std::string>();
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find_first_of(" \t\n", at), text.size());
      if (end > at) arguments.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  } else if (json.is_array() && std::all_of(json.begin(), json.end(),
                                            [](const Json& item) { return item.is_string(); })) {
    arguments = json.get<std::vector<std::string>>();
  } else {
    return tl::unexpected<std::string>("has a command that is neither a text nor a list of texts");
  }
  if (arguments.empty() || arguments.front().empty()) {
    return tl::unexpected<std::string>("has a command without a program");
  }
  if (std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
        return argument.find('\0') != std::string::npos;
      })) {
    return tl::unexpected<std::string>("has a command with a NUL character");
  }
  return arguments;
}

values::Parsed<ExecCommand> command_from(const Json& json) {
  ExecCommand command;
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      if (name != "command" && name != "timeout") {
        return tl::unexpected("has the unknown \"" + values::shown(name) + '"');
      }
    }
    if (const auto timeout = json.find("timeout"); timeout != json.end()) {
      const auto seconds = timeout->is_number_integer() ? timeout->get<std::int64_t>() : 0;
      if (seconds < 1 || seconds > longest_timeout) {
        return tl::unexpected<std::string>("has a timeout out of range");
      }
      command.timeout = std::chrono::seconds{seconds};
    }
  }
  auto arguments = arguments_from(json.is_object() ? json.value("command", Json{}) : json);
  if (!arguments) return tl::unexpected(arguments.error());
  command.arguments = std::move(*arguments);
  return command;
}

values::Parsed<std::vector<ExecCommand>> commands(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_array()) return tl::unexpected<std::string>("is not a JSON list");
  std::vector<ExecCommand> all;
  for (const auto& item : json) {
    auto command = command_from(item);
    if (!command) return tl::unexpected(command.error());
    all.push_back(std::move(*command));
  }
  return all;
}

}  // namespace

std::vector<Setting> plugin_settings() {
  constexpr std::string_view host = "Plugin host";
  constexpr std::string_view k8s = "Plugin k8s";
  constexpr std::string_view docker = "Plugin docker";
  constexpr std::string_view tegrastats = "Plugin tegrastats";
  constexpr std::string_view rpi = "Plugin rpi";
  constexpr std::string_view exec = "Plugin exec";

  return {
      {.group = host,
       .name = "HOST_COLLECTOR_METRICS",
       .default_text = R"(["cpu","fs","la","ram"])",
       .meaning = "What is collected: processor, file systems, load average, memory, network.",
       .rule = some_of(
           Names{"cpu", "fs", "la", "ram", "network"},
           [](Config & c) -> auto& { return c.host_metrics; }),
       .second_names = {{"HOST_COLLECT_METRICS"}}},

      {.group = k8s,
       .name = "K8S_STATS_SERVICE_IP",
       .default_text = "",
       .meaning = "The address of the node's kubelet, e.g. status.hostIP of the downward API. It "
                  "must be set for this plugin.",
       .rule = parsed(
           "a host name or an IP address", values::host,
           [](Config & c) -> auto& { return c.k8s_plugin.address; }),
       .shown = Shown::as_address},
      {.group = k8s,
       .name = "K8S_STATS_SERVICE_PORT",
       .default_text = "10250",
       .meaning = "Its port.",
       .rule = parsed(
           "a port, 1 to 65535", values::port,
           [](Config & c) -> auto& { return c.k8s_plugin.port; }),
       .shown = Shown::as_address},
      {.group = k8s,
       .name = "K8S_CERT_PATH",
       .default_text = "",
       .meaning = "A client certificate (PEM) to sign in with, together with K8S_KEY_PATH.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.k8s_plugin.certificate; })},
      {.group = k8s,
       .name = "K8S_KEY_PATH",
       .default_text = "",
       .meaning = "Its key (PEM).",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.k8s_plugin.key; })},
      {.group = k8s,
       .name = "K8S_TOKEN_PATH",
       .default_text = "/var/run/secrets/kubernetes.io/serviceaccount/token",
       .meaning = "A service account's token to sign in with; read anew for each request. Where "
                  "there is no such file, none is sent.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.k8s_plugin.token; })},
      {.group = k8s,
       .name = "K8S_CA_PATH",
       .default_text = "",
       .meaning = "The CAs (PEM) that may have signed the kubelet's certificate. Not set: anybody "
                  "can pose as the kubelet and read the token.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.k8s_plugin.ca; })},
      {.group = k8s,
       .name = "K8S_METRICS",
       .default_text = R"({"pods":["memory","cpu"],"node":["inodes"]})",
       .meaning = "What is collected. Of the node: cpu, memory, network, filesystem, inodes; of "
                  "pods: cpu, memory, network.",
       .rule = {"a JSON object such as {\"pods\":[\"memory\",\"cpu\"],\"node\":[\"inodes\"]} with "
                "node: cpu, memory, network, filesystem, inodes; pods: cpu, memory, network",
                put_k8s_metrics}},

      {.group = docker,
       .name = "DOCKER_SOCKET_PATH",
       .default_text = "/var/run/docker.sock",
       .meaning = "The unix socket of Docker's or Podman's engine.",
       .rule = parsed(
           "an absolute path of at most " + std::to_string(longest_socket_path) + " bytes",
           socket_path, [](Config & c) -> auto& { return c.docker_plugin.socket; })},
      {.group = docker,
       .name = "DOCKER_METRICS",
       .default_text = R"(["memory","cpu"])",
       .meaning = "What is collected of each container: memory, cpu, working_set, network, "
                  "restarts.",
       .rule = some_of(
           Names{"memory", "cpu", "working_set", "network", "restarts"},
           [](Config & c) -> auto& { return c.docker_plugin.metrics; })},

      {.group = tegrastats,
       .name = "TEGRASTATS_METRICS",
       .default_text = R"(["ram","temp"])",
       .meaning = "What is collected: ram, temp, gpu, power, swap.",
       .rule = some_of(
           Names{"ram", "temp", "gpu", "power", "swap"},
           [](Config & c) -> auto& { return c.tegrastats_plugin.metrics; })},
      {.group = tegrastats,
       .name = "TEGRASTATS_PATH",
       .default_text = "/usr/bin/tegrastats",
       .meaning = "NVIDIA's tool.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.tegrastats_plugin.path; })},

      {.group = rpi,
       .name = "RPI_METRICS",
       .default_text = R"(["temperature","power","frequency","storage"])",
       .meaning = "What is collected: temperature, undervoltage and throttling, CPU frequency, "
                  "wear of SD card and eMMC.",
       .rule = some_of(
           Names{"temperature", "power", "frequency", "storage"},
           [](Config & c) -> auto& { return c.rpi_metrics; })},

      {.group = exec,
       .name = "EXEC_COMMANDS",
       .default_text = "[]",
       .meaning =
           "Commands that print metrics, run without a shell. Each is a list of program and "
           "arguments, a text that is split at spaces, or an object of either as \"command\" "
           "and a \"timeout\" in seconds.",
       .rule = parsed(R"(a JSON list of commands such as [["/usr/local/bin/door","--all"]])",
                      commands, [](Config & c) -> auto& { return c.exec_plugin.commands; })},
      {.group = exec,
       .name = "EXEC_TIMEOUT",
       .default_text = "5",
       .meaning = "How long a command may run before it is ended.",
       .rule = whole_seconds(
           longest_timeout, [](Config & c) -> auto& { return c.exec_plugin.timeout; })},
  };
}

}  // namespace chouette
