#pragma once

#include <chouette/plugin.hpp>
#include <chrono>
#include <memory>
#include <stop_token>

#include "docker/docker_settings.hpp"

namespace chouette {

/// Gauges of each running container's memory, CPU, network and restarts, as Docker's or Podman's
/// engine tells them. A capture takes `timeout` at most. For the table of plugins.
std::unique_ptr<Plugin> make_docker_plugin(const DockerSettings& settings,
                                           std::chrono::milliseconds timeout, std::stop_token stop);

}  // namespace chouette
