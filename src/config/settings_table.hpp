#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace chouette {

/// What is wrong with a value: words that follow it in the fault and never repeat a secret.
struct Problem {
  std::string reason;
  std::string expected;  ///< Empty: what the setting expects always.
};

/// How a text becomes part of a Config, and what texts there are.
struct Rule {
  std::string expected;
  std::function<std::optional<Problem>(std::string_view text, const KnownNames&, Config&)> put;
};

/// A variable that is used where the setting's own is not set.
struct SecondName {
  std::string_view name;
  std::string (*translate)(std::string_view text) = nullptr;  ///< Into the setting's own syntax.
};

/// How a value may stand in a message.
enum class Shown { whole, as_address, never };

/// One row of the table.
struct Setting {
  std::string_view group;
  std::string_view name;
  std::string_view default_text;  ///< Empty: none.
  std::string_view meaning;
  Rule rule;
  std::vector<SecondName> second_names = {};
  Shown shown = Shown::whole;
  bool needed = false;
  bool may_change = false;  ///< While the agent runs; so it may stand in a file.

  bool is_secret() const { return shown == Shown::never; }

  /// Whether it can also be read from the file that NAME_FILE names.
  bool takes_file() const { return is_secret() || may_change; }
};

/// Everything that can be set, in the order in which it is shown and put into the Config: DD_SITE
/// stands before the URLs that override it.
const std::vector<Setting>& settings_table();

/// All names under which a setting is found, the first one first.
std::vector<std::string> names_of(const Setting& setting);

}  // namespace chouette
