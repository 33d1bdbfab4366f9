#pragma once

#include <chouette/plugin.hpp>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>

#include "dramatiq/hash_sizes.hpp"

namespace chouette {

struct Config;

/// What a built-in plugin may be made of.
struct PluginNeeds {
  const Config& config;  ///< Lives as long as the process.
  std::stop_token stop;  ///< Requested when the plugin is given up: `capture` is to return soon.
  HashSizesScan hash_sizes;  ///< Asks the Redis actor.
};

/// A row in the table of built-in plugins: COLLECTOR_PLUGINS names it.
struct PluginEntry {
  std::string_view name;
  std::unique_ptr<Plugin> (*make)(const PluginNeeds& needs);
};

/// All built-in plugins. A new one is a folder beside this file and a row in plugins.cpp.
std::span<const PluginEntry> plugin_table();

}  // namespace chouette
