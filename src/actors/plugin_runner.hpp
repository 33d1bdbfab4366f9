#pragma once

#include <chouette/plugin.hpp>
#include <memory>
#include <stop_token>

#include "actors/actors.hpp"
#include "extensions/chosen_plugins.hpp"

namespace chouette {

struct PluginRunnerState {
  static inline const char* name = "plugin";
  std::unique_ptr<Plugin> plugin;
};

/// Spawn it detached: a capture may block.
plugin_actor::behavior_type plugin_runner(plugin_actor::stateful_pointer<PluginRunnerState> self,
                                          PluginFactory make, std::stop_token stop);

}  // namespace chouette
