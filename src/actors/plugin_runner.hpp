#pragma once

#include <chouette/plugin.hpp>
#include <functional>
#include <memory>

#include "actors/actors.hpp"

namespace chouette {

/// Makes a plugin, on the thread that it will run on.
using PluginFactory = std::function<std::unique_ptr<Plugin>()>;

struct PluginRunnerState {
  static inline const char* name = "plugin";
  std::unique_ptr<Plugin> plugin;
};

/// Spawn it detached: a capture may block.
plugin_actor::behavior_type plugin_runner(plugin_actor::stateful_pointer<PluginRunnerState> self,
                                          PluginFactory make);

}  // namespace chouette
