#pragma once

#include <chouette/plugin.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "dramatiq/hash_sizes.hpp"
#include "extensions/extensions.hpp"

namespace chouette {

/// Makes a plugin, on the thread that it will run on. `stop` is requested once it is given up.
using PluginFactory = std::function<std::unique_ptr<Plugin>(std::stop_token stop)>;

/// A plugin that is to run.
struct NamedPlugin {
  std::string name;
  PluginFactory make;
};

/// Those that COLLECTOR_PLUGINS names, built-in and loaded. `config` and `extensions` must outlive
/// what they make.
std::vector<NamedPlugin> chosen_plugins(const Config& config, const Extensions& extensions,
                                        const HashSizesScan& hash_sizes);

}  // namespace chouette
