#pragma once

#include <iosfwd>

#include "commands/finding.hpp"
#include "config/config.hpp"
#include "extensions/extensions.hpp"

namespace chouette {

/// What the configuration has for the check's first lines.
Findings judge_configuration(const LoadedConfig& loaded, const Extensions& extensions);

/// Which settings have faults, so that what hangs on them is not asked.
struct Unusable {
  bool redis = false;
  bool key = false;
  bool metrics_url = false;
  bool logs_url = false;
};
Unusable unusable(const std::vector<std::string>& faults);

/// How a command that asks plugins ended.
struct CommandEnd {
  int exit_code = 0;
  bool hanging = false;  ///< A plugin's thread is left: end the process by _Exit.
};

/// `chouette-iot check`: looks at the configuration, Redis, the intake, the clock and the plugins,
/// and prints what it finds. Nothing in Redis changes, and an agent may run beside it. Exit code:
/// 78 for a wrong configuration, 1 if anything else failed, otherwise 0. `loaded` and `extensions`
/// must live until the process ends.
CommandEnd check(const LoadedConfig& loaded, const Extensions& extensions, std::ostream& out);

}  // namespace chouette
