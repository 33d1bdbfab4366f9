#pragma once

#include <chouette/wrapper.hpp>
#include <csignal>
#include <memory>

#include "config/config.hpp"
#include "extensions/extensions.hpp"

namespace chouette {

/// SIGTERM and SIGINT, which stop the agent, and SIGHUP, at which it reads its key again.
sigset_t awaited_signals();

/// Runs the agent until it is to stop; awaited_signals() must be blocked in every thread. Returns
/// the exit code: 0 after a clean stop, 1 if a vital actor failed. Ends the process itself if
/// something hangs beyond the stop deadline, and at a second signal. `wrapper` is METRICS_WRAPPER.
int run_agent(const Config& config, const Extensions& extensions,
              std::shared_ptr<const Wrapper> wrapper);

}  // namespace chouette
