#include "config/config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <optional>
#include <set>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include "config/settings_table.hpp"
#include "config/values.hpp"

extern char** environ;

namespace chouette {
namespace {

constexpr std::size_t longest_file = 65536;
constexpr std::string_view own_prefix = "CHOUETTE_";
constexpr std::string_view api_key = "API_KEY";
constexpr std::string_view log_level = "LOG_LEVEL";
constexpr std::int64_t longest_watchdog = 86'400'000'000;  // us

struct Variable {
  std::string_view name;  // as the user spelled it
  std::string_view value;
};

/// By upper-case name; empty ones count as not set.
using Variables = std::map<std::string, Variable>;

/// The variable that is to be put into the Config for a setting.
struct Given {
  const Setting* setting;
  Variable variable;
  bool from_file = false;  // the variable is NAME_FILE
  std::string (*translate)(std::string_view text) = nullptr;
};

using Lines = std::vector<std::string>;

/// The file's content without one trailing newline, or why there is none.
tl::expected<std::string, std::string> read_small_file(const std::string& path) {
  const auto failed = [](int error) {
    return tl::unexpected("cannot be read: " + std::generic_category().message(error));
  };
  // Not blocking, as opening a pipe would wait for its writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return failed(errno);

  std::string text(longest_file + 1, '\0');
  std::size_t size = 0;
  int error = 0;
  struct stat status {};
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  while (regular && size < text.size()) {
    const auto count = ::read(file, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  ::close(file);

  if (!regular) return tl::unexpected<std::string>("is not a regular file");
  if (error != 0) return failed(error);
  if (size > longest_file) {
    return tl::unexpected("is larger than " + std::to_string(longest_file) + " bytes");
  }
  text.resize(size);
  if (text.ends_with('\n')) text.pop_back();
  if (text.size() + 1 == size && text.ends_with('\r')) text.pop_back();
  if (text.empty()) return tl::unexpected<std::string>("is empty");
  return text;
}

std::string in_quotes(std::string_view text) {
  return '"' + values::shown(text) + '"';
}

std::string shown_value(const Given& given) {
  if (given.from_file) return in_quotes(given.variable.value);
  switch (given.setting->shown) {
    case Shown::never:
      return "the value";
    case Shown::as_address:
      return in_quotes(values::masked_address(given.variable.value));
    case Shown::whole:
      break;
  }
  return in_quotes(given.variable.value);
}

std::string fault(const Given& given, const Problem& problem) {
  const auto& expected = problem.expected.empty() ? given.setting->rule.expected : problem.expected;
  return std::string(given.variable.name) + ": " + shown_value(given) + ' ' + problem.reason +
         ", expected " + expected;
}

std::string ignored(std::string_view name, std::string_view winner) {
  return std::string(name) + ": ignored, as " + std::string(winner) + " is set too";
}

std::set<std::string> all_names() {
  std::set<std::string> names;
  for (const auto& setting : settings_table()) {
    for (auto& name : names_of(setting)) names.insert(std::move(name));
  }
  return names;
}

/// Number of letters to insert, delete, replace or swap with their neighbour to get from one to the
/// other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row_before_last;
  std::vector<std::size_t> last_row(to.size() + 1);
  std::iota(last_row.begin(), last_row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::vector<std::size_t> row{i + 1};
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = last_row[j] + (from[i] == to[j] ? 0 : 1);
      row.push_back(std::min({last_row[j + 1] + 1, row[j] + 1, replaced}));
      if (i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j]) {
        row.back() = std::min(row.back(), row_before_last[j - 1] + 1);
      }
    }
    row_before_last = std::exchange(last_row, std::move(row));
  }
  return last_row.back();
}

/// The known name that `name`, with or without the prefix, is most likely meant to be.
std::optional<std::string> nearest_name(std::string_view name, const std::set<std::string>& known) {
  constexpr std::size_t longest = 64;
  if (name.size() > longest) return std::nullopt;
  std::optional<std::string> nearest;
  std::size_t least = 4;
  for (const auto& candidate : known) {
    const auto away =
        std::min(distance(name, candidate), distance(name.substr(own_prefix.size()), candidate));
    if (away < least && away <= candidate.size() / 4) {
      least = away;
      nearest = candidate;
    }
  }
  return nearest;
}

/// Whether Kubernetes or Docker set the variable for a service whose name begins with chouette.
bool is_service_link(std::string_view upper_name, std::string_view value) {
  const auto has = [&](std::string_view part) {
    return upper_name.find(part) != std::string_view::npos;
  };
  if (upper_name.ends_with("_SERVICE_HOST") || has("_SERVICE_PORT")) return true;
  if (upper_name == "CHOUETTE_PORT" || upper_name == "CHOUETTE_IOT_PORT") return true;
  if (has("_PORT_")) return has("_TCP") || has("_UDP") || has("_SCTP");
  if (upper_name.ends_with("_PORT")) return value.find("://") != std::string_view::npos;
  // Docker's links: NAME=/consumer/alias and the linked container's environment.
  return (upper_name.ends_with("_NAME") && value.starts_with('/')) || has("_ENV_");
}

Variables find_variables(const Environment& environment, const std::set<std::string>& known,
                         Lines& warnings) {
  Variables variables;
  for (const auto& [name, value] : environment) {
    if (value.empty()) continue;
    // In the environment's order capitals come first, so the exact name is met before the others.
    const auto [found, is_first] =
        variables.try_emplace(values::to_upper(name), Variable{name, value});
    if (!is_first && found->second.value != value && known.contains(found->first)) {
      warnings.push_back(ignored(name, found->second.name));
    }
  }
  return variables;
}

const Variable* find(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

std::optional<Given> find_given(const Setting& setting, const Variables& variables,
                                Lines& warnings) {
  const std::string name(setting.name);
  const auto* const own = find(variables, name);
  const auto* const file = setting.takes_file() ? find(variables, name + "_FILE") : nullptr;
  if (own != nullptr && file != nullptr) warnings.push_back(ignored(file->name, own->name));
  if (own != nullptr) return Given{&setting, *own};
  if (file != nullptr) return Given{&setting, *file, true};
  for (const auto& second : setting.second_names) {
    if (const auto* const variable = find(variables, std::string(second.name))) {
      return Given{&setting, *variable, false, second.translate};
    }
  }
  return std::nullopt;
}

std::optional<Problem> put(const Given& given, const KnownNames& known, Config& config) {
  const auto& setting = *given.setting;
  auto value = given.variable.value;
  tl::expected<std::string, std::string> content;
  if (given.from_file) {
    content = read_small_file(std::string(value));
    if (!content) {
      return Problem{content.error(), "a readable file with " + setting.rule.expected};
    }
    value = *content;
  }
  if (setting.is_secret()) return setting.rule.put(value, known, config);
  // Most texts end up in JSON.
  if (!values::is_utf8(value)) return Problem{"is not valid UTF-8", {}};
  const auto text = values::trimmed(value);
  return setting.rule.put(given.translate ? given.translate(text) : std::string(text), known,
                          config);
}

void warn_of_misspellings(const Variables& variables, const std::set<std::string>& known,
                          Lines& warnings) {
  for (const auto& [name, variable] : variables) {
    if (!name.starts_with(own_prefix) || known.contains(name)) continue;
    if (is_service_link(name, variable.value)) continue;
    const auto nearest = nearest_name(name, known);
    warnings.push_back(values::shown(variable.name) + ": not a known setting" +
                       (nearest ? ", did you mean " + *nearest + '?' : ""));
  }
}

const Setting& setting_named(std::string_view name) {
  const auto& table = settings_table();
  return *std::find_if(table.begin(), table.end(),
                       [&](const Setting& row) { return row.name == name; });
}

/// What programs that plugins start may know.
Environment without_secrets(const Environment& environment) {
  std::set<std::string> secrets;
  for (const auto& setting : settings_table()) {
    if (!setting.is_secret()) continue;
    for (auto& name : names_of(setting)) secrets.insert(std::move(name));
  }
  auto rest = environment;
  for (const auto* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    rest.erase(name);  // A child that inherits them could speak to systemd for the agent.
  }
  std::erase_if(rest,
                [&](const auto& entry) { return secrets.contains(values::to_upper(entry.first)); });
  return rest;
}

/// What systemd tells a service: sd_notify(3), sd_watchdog_enabled(3), systemd.exec(5).
void put_service(const Environment& environment, Config& config) {
  const auto value = [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  config.service.notify_socket = value("NOTIFY_SOCKET");
  if (const auto watchdog = values::whole_number(value("WATCHDOG_USEC"), 1, longest_watchdog)) {
    config.service.watchdog = std::chrono::microseconds{*watchdog};
  }
  const auto directories = value("RUNTIME_DIRECTORY");
  const auto directory = directories.substr(0, directories.find(':'));
  const auto socket = values::listen_address("unix:" + directory + "/http.sock");
  auto& addresses = config.http_listen;
  if (directory.empty() || !socket) return;
  if (std::find(addresses.begin(), addresses.end(), *socket) == addresses.end()) {
    addresses.push_back(*socket);
  }
}

/// Faults and warnings of settings that depend on one another. Those that are `wrong` have their
/// faults already.
void check_together(const std::set<std::string_view>& wrong, LoadedConfig& loaded) {
  const auto& config = loaded.config;
  const auto is_missing = [&](const auto& value, std::string_view name) {
    return value.empty() && !wrong.contains(name);
  };
  if (!config.redis.username.empty() && is_missing(config.redis.password, "REDIS_PASSWORD")) {
    loaded.warnings.emplace_back("REDIS_USERNAME: ignored, as REDIS_PASSWORD is not set");
  }
  if (config.redis.tls && !config.redis.socket.empty()) {
    loaded.warnings.push_back(ignored("REDIS_TLS", "REDIS_SOCKET"));
  }
  if (!config.redis.tls_ca.empty() && !config.redis.tls && !wrong.contains("REDIS_TLS")) {
    loaded.warnings.emplace_back("REDIS_TLS_CA: ignored, as REDIS_TLS is not true");
  }
  const auto& plugins = config.collector_plugins;
  const auto runs = [&](std::string_view name) {
    return std::find(plugins.begin(), plugins.end(), name) != plugins.end();
  };
  if (runs("k8s")) {
    const auto& k8s = config.k8s_plugin;
    if (is_missing(k8s.address, "K8S_STATS_SERVICE_IP")) {
      loaded.faults.emplace_back(
          "K8S_STATS_SERVICE_IP: not set, expected the kubelet's address, as the plugin k8s is to "
          "run");
    }
    if (!k8s.certificate.empty() && is_missing(k8s.key, "K8S_KEY_PATH")) {
      loaded.faults.emplace_back("K8S_KEY_PATH: not set, expected the key of K8S_CERT_PATH");
    }
    if (!k8s.key.empty() && is_missing(k8s.certificate, "K8S_CERT_PATH")) {
      loaded.faults.emplace_back(
          "K8S_CERT_PATH: not set, expected the certificate of K8S_KEY_PATH");
    }
    if (is_missing(k8s.ca, "K8S_CA_PATH")) {
      loaded.warnings.emplace_back(
          "K8S_CA_PATH: not set, so the kubelet's certificate is not verified");
    }
  }
  if (runs("exec") && is_missing(config.exec_plugin.commands, "EXEC_COMMANDS")) {
    loaded.warnings.emplace_back("EXEC_COMMANDS: not set, so the plugin exec has nothing to run");
  }
}

}  // namespace

namespace {

/// A Config in which `setting` alone is set, by the text in `file`.
tl::expected<Config, std::string> read_setting(std::string_view setting, const std::string& file) {
  Config config;
  if (const auto problem = put({&setting_named(setting), {setting, file}, true}, {}, config)) {
    return tl::unexpected(problem->reason);
  }
  return config;
}

}  // namespace

tl::expected<Secret, std::string> read_api_key(const std::string& file) {
  return read_setting(api_key, file).map([](const Config& config) { return config.api_key; });
}

tl::expected<std::string, std::string> read_log_level(const std::string& file) {
  return read_setting(log_level, file).map([](const Config& config) { return config.log_level; });
}

LoadedConfig load_config(const Environment& environment, const KnownNames& known) {
  LoadedConfig loaded;
  const auto names = all_names();
  const auto variables = find_variables(environment, names, loaded.warnings);

  std::vector<Given> all_given;
  std::set<std::string_view> wrong;
  const auto put_or_fault = [&](const Given& given) {
    const auto problem = put(given, known, loaded.config);
    if (given.from_file && given.setting->name == api_key) {
      loaded.config.api_key_file = given.variable.value;
    }
    if (given.from_file && given.setting->name == log_level) {
      loaded.config.log_level_file = given.variable.value;
    }
    if (!problem) return;
    loaded.faults.push_back(fault(given, *problem));
    wrong.insert(given.setting->name);
  };
  // Defaults first, all of them: DD_SITE is put over those of the URLs.
  for (const auto& setting : settings_table()) {
    if (const auto given = find_given(setting, variables, loaded.warnings)) {
      all_given.push_back(*given);
    } else if (setting.needed) {
      loaded.faults.push_back(std::string(setting.name) + ": not set, expected " +
                              setting.rule.expected);
    } else if (!setting.default_text.empty()) {
      put_or_fault({&setting, {setting.name, setting.default_text}});
    }
  }
  for (const auto& given : all_given) put_or_fault(given);

  warn_of_misspellings(variables, names, loaded.warnings);
  put_service(environment, loaded.config);
  check_together(wrong, loaded);
  loaded.config.child_environment = without_secrets(environment);
  return loaded;
}

std::string find_plugin_dir(const Environment& environment) {
  Lines warnings;
  const auto variables = find_variables(environment, {}, warnings);
  const auto given = find_given(setting_named("CHOUETTE_PLUGIN_DIR"), variables, warnings);
  Config config;
  if (!given || put(*given, {}, config)) return "";
  return config.plugin_dir;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    environment.try_emplace(std::string(text.substr(0, equals)), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace chouette
