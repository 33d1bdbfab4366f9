#include "plugins.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "config/config.hpp"
#include "docker/docker.hpp"
#include "dramatiq/dramatiq.hpp"
#include "exec/exec.hpp"
#include "host/host.hpp"
#include "k8s/k8s.hpp"
#include "rpi/rpi.hpp"
#include "tegrastats/tegrastats.hpp"

namespace chouette {
namespace {

/// A capture that takes this part of CAPTURE_INTERVAL ends before it is given up.
std::chrono::milliseconds longest_capture(const Config& config) {
  constexpr int share = 800;  // milliseconds of each second
  return std::chrono::milliseconds{config.capture_interval.count() * share};
}

/// How long a capture may wait for a foreign answer.
std::chrono::milliseconds capture_timeout(const Config& config) {
  constexpr std::chrono::milliseconds longest{10000};
  return std::min(longest, longest_capture(config));
}

constexpr auto plugins = std::to_array<PluginEntry>({
    {"docker",
     [](const PluginNeeds& needs) {
       return make_docker_plugin(needs.config.docker_plugin, capture_timeout(needs.config),
                                 needs.stop);
     }},
    {"dramatiq",
     [](const PluginNeeds& needs) {
       return make_dramatiq_plugin(needs.hash_sizes, capture_timeout(needs.config), needs.stop);
     }},
    {"exec",
     [](const PluginNeeds& needs) {
       return make_exec_plugin(needs.config.exec_plugin,
                               {longest_capture(needs.config), needs.config.capture_interval,
                                needs.config.child_environment},
                               needs.stop);
     }},
    {"host",
     [](const PluginNeeds& needs) {
       return make_host_plugin({needs.config.host_metrics, needs.config.machine});
     }},
    {"k8s",
     [](const PluginNeeds& needs) {
       return make_k8s_plugin(needs.config.k8s_plugin, capture_timeout(needs.config), needs.stop);
     }},
    {"rpi",
     [](const PluginNeeds& needs) {
       return make_rpi_plugin({needs.config.rpi_metrics, needs.config.machine});
     }},
    {"tegrastats",
     [](const PluginNeeds& needs) {
       return make_tegrastats_plugin(needs.config.tegrastats_plugin, needs.config.capture_interval,
                                     needs.config.child_environment, needs.stop);
     }},
});

}  // namespace

std::span<const PluginEntry> plugin_table() {
  return plugins;
}

}  // namespace chouette
