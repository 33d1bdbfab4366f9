#pragma once

#include "config/config.hpp"

namespace chouette {

/// Runs the agent until SIGTERM or SIGINT, which must be blocked in every thread. Returns the exit
/// code: 0 after a clean stop, 1 if a vital actor failed. Ends the process itself if something
/// hangs beyond the stop deadline, and at a second signal.
int run_agent(const Config& config);

}  // namespace chouette
