#include "plugins.hpp"

#include <array>

#include "config/config.hpp"
#include "host/host.hpp"

namespace chouette {
namespace {

constexpr std::array<PluginEntry, 1> plugins{{
    {"host", [](const Config& config) { return make_host_plugin(config.host_plugin); }},
}};

}  // namespace

std::span<const PluginEntry> plugin_table() {
  return plugins;
}

}  // namespace chouette
