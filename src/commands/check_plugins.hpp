#pragma once

#include <chouette/metric.hpp>
#include <string>

#include "commands/finding.hpp"
#include "commands/plugin_captures.hpp"

namespace chouette {

/// A point as a line for people: name, tags, value.
std::string to_line(const WrappedMetric& metric);

/// Whether a plugin works, with the values that it gave and its faults.
Finding judge_plugin(const PluginAnswer& answer);

}  // namespace chouette
