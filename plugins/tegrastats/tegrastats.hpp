#pragma once

#include <chouette/plugin.hpp>
#include <chrono>
#include <memory>
#include <stop_token>

#include "process/child_process.hpp"
#include "tegrastats/tegrastats_reader.hpp"
#include "tegrastats/tegrastats_settings.hpp"

namespace chouette {

/// Gauges of a Jetson's memory, temperatures, GPU load and power, from lines that NVIDIA's
/// tegrastats prints four times in the `interval` between captures, but every 0.1 s at most and
/// every 10 s at least. It runs with `environment` for as long as the plugin lives. The latest line
/// is sent, once, at the time when it was printed; older ones are dropped. Only the first capture
/// waits for one, until `stop` is requested at the latest. For the table of plugins.
std::unique_ptr<Plugin> make_tegrastats_plugin(const TegrastatsSettings& settings,
                                               std::chrono::milliseconds interval,
                                               ChildProcess::Environment environment,
                                               std::stop_token stop,
                                               const TegrastatsTimes& times = {});

}  // namespace chouette
