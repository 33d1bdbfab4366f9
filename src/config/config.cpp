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

constexpr std::size_t longest_secret_file = 65536;
constexpr std::string_view own_prefix = "CHOUETTE_";

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
tl::expected<std::string, std::string> read_secret_file(const std::string& path) {
  const auto failed = [](int error) {
    return tl::unexpected("cannot be read: " + std::generic_category().message(error));
  };
  // Not blocking, as opening a pipe would wait for its writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return failed(errno);

  std::string text(longest_secret_file + 1, '\0');
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
  if (size > longest_secret_file) {
    return tl::unexpected("is larger than " + std::to_string(longest_secret_file) + " bytes");
  }
  text.resize(size);
  if (text.ends_with('\n')) text.pop_back();
  if (text.size() + 1 == size && text.ends_with('\r')) text.pop_back();
  if (text.empty()) return tl::unexpected<std::string>("is empty");
  return text;
}

std::string quoted(std::string_view text) {
  return '"' + values::shown(text) + '"';
}

std::string shown_value(const Given& given) {
  if (given.from_file) return quoted(given.variable.value);
  switch (given.setting->shown) {
    case Shown::never:
      return "the value";
    case Shown::as_address:
      return quoted(values::masked_address(given.variable.value));
    case Shown::whole:
      break;
  }
  return quoted(given.variable.value);
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
  const auto* const file = setting.is_secret() ? find(variables, name + "_FILE") : nullptr;
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
  const auto value = given.variable.value;
  if (given.from_file) {
    const auto content = read_secret_file(std::string(value));
    if (!content) {
      return Problem{content.error(), "a readable file with " + setting.rule.expected};
    }
    return setting.rule.put(*content, known, config);
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

}  // namespace

LoadedConfig load_config(const Environment& environment, const KnownNames& known) {
  LoadedConfig loaded;
  const auto names = all_names();
  const auto variables = find_variables(environment, names, loaded.warnings);

  std::vector<Given> all_given;
  const auto put_or_fault = [&](const Given& given) {
    const auto problem = put(given, known, loaded.config);
    if (problem) loaded.faults.push_back(fault(given, *problem));
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
  if (!loaded.config.redis.username.empty() && loaded.config.redis.password.empty()) {
    loaded.warnings.emplace_back("REDIS_USERNAME: ignored, as REDIS_PASSWORD is not set");
  }
  return loaded;
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
