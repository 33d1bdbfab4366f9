#pragma once

#include <chouette/plugin.hpp>
#include <memory>
#include <span>
#include <string_view>

namespace chouette {

struct Config;

/// A row in the table of built-in plugins: COLLECTOR_PLUGINS names it.
struct PluginEntry {
  std::string_view name;
  std::unique_ptr<Plugin> (*make)(const Config& config);
};

/// All built-in plugins. A new one is a folder beside this file and a row in plugins.cpp.
std::span<const PluginEntry> plugin_table();

}  // namespace chouette
