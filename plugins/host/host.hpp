#pragma once

#include <chouette/plugin.hpp>
#include <memory>

#include "host/host_reader.hpp"
#include "host/host_settings.hpp"

namespace chouette {

/// Gauges of the machine's CPU, file systems, load, memory and network, equal to psutil's. Kinds
/// that the settings do not list are not read. For the table of plugins.
std::unique_ptr<Plugin> make_host_plugin(const HostSettings& settings);

/// The same with the kernel's answers replaced. For tests.
std::unique_ptr<Plugin> make_host_plugin(const HostSettings& settings, HostCalls calls);

}  // namespace chouette
