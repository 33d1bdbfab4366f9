#pragma once

#include <chouette/plugin.hpp>
#include <memory>

#include "rpi/rpi_settings.hpp"

namespace chouette {

/// Gauges of a Raspberry Pi's temperatures, power supply, CPU frequency and SD card or eMMC, read
/// from sysfs without root's rights. Kinds that the settings do not list are not read. For the
/// table of plugins.
std::unique_ptr<Plugin> make_rpi_plugin(const RpiSettings& settings);

}  // namespace chouette
