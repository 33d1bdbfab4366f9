#pragma once

#include <chouette/plugin.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "exec/exec_settings.hpp"

namespace chouette {

/// What bounds and surrounds the commands.
struct ExecSurroundings {
  std::chrono::milliseconds longest_timeout{10000};  ///< No command may run longer, as it may wish.
  std::chrono::seconds interval{30};                 ///< Between captures: of counts and rates.
  std::map<std::string, std::string> environment;    ///< All that the commands get.
};

/// The metrics that commands print, each run once a capture, all side by side. For the table of
/// plugins.
std::unique_ptr<Plugin> make_exec_plugin(const ExecSettings& settings,
                                         ExecSurroundings surroundings, std::stop_token stop);

}  // namespace chouette
