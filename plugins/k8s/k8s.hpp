#pragma once

#include <chouette/plugin.hpp>
#include <chrono>
#include <memory>
#include <stop_token>

#include "k8s/k8s_settings.hpp"

namespace chouette {

/// Gauges of the node and its pods, from the kubelet's /stats/summary. A capture takes at most
/// `timeout`, and ends at once when `stop` is requested. For the table of plugins.
std::unique_ptr<Plugin> make_k8s_plugin(const K8sSettings& settings,
                                        std::chrono::milliseconds timeout, std::stop_token stop);

}  // namespace chouette
