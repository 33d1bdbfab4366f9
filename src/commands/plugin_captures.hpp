#pragma once

#include <chouette/plugin.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "extensions/extensions.hpp"

namespace chouette {

/// A plugin to be asked.
struct PluginToAsk {
  std::string name;
  std::function<std::unique_ptr<Plugin>(std::stop_token stop)> make;
  int captures = 1;  ///< How often, a second apart; the last counts.
};

/// Those that COLLECTOR_PLUGINS names. `config` and `extensions` must live until the process ends.
/// Asked twice is `host`, whose processor's load is that since the capture before.
std::vector<PluginToAsk> plugins_to_ask(const Config& config, const Extensions& extensions);

/// What one plugin gave.
struct PluginAnswer {
  std::string name;
  Capture capture = {};
  std::optional<std::string> failure = {};  ///< Why there is no capture.
  std::chrono::milliseconds took{0};        ///< The last capture.
  bool hangs = false;                       ///< Its thread goes on: end the process by _Exit.
};

/// Asks all of them, each in a thread of its own, and waits until all have answered or `deadline`,
/// and the time between captures, is over; those that have not are then told to stop, and left to
/// themselves if they do not. The answers are in the order of `plugins`.
std::vector<PluginAnswer> ask_plugins(const std::vector<PluginToAsk>& plugins,
                                      std::chrono::milliseconds deadline);

/// How long plugins may take when a person waits: CAPTURE_INTERVAL as in the agent, a minute at
/// most.
std::chrono::milliseconds patience_with_plugins(const Config& config);

}  // namespace chouette
