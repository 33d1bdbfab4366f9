#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/child_process.hpp"

namespace chouette {

/// How far a command may go.
struct CommandLimits {
  std::chrono::milliseconds timeout{5000};        ///< Then it gets SIGTERM,
  std::chrono::milliseconds grace{500};           ///< and after this SIGKILL.
  std::chrono::milliseconds death{300};           ///< Then it counts as one that cannot be ended.
  std::size_t output = std::size_t{1024} * 1024;  ///< Of stdout, in bytes: more ends it too.
};

/// For a command that may run for `timeout`, but no longer than `longest`. All three times together
/// stay below 1.2 of `longest`, so that a capture that gives 0.8 of its interval is done in time.
CommandLimits command_limits(std::chrono::milliseconds timeout, std::chrono::milliseconds longest);

/// One run of a command, with many others in one poll loop. No call blocks. For one thread.
class CommandRun {
public:
  using Clock = ChildProcess::Clock;

  CommandRun(ChildProcess child, const CommandLimits& limits, Clock::time_point now);

  /// Adds what to poll before the next step.
  void add_descriptors(std::vector<pollfd>& descriptors) const;

  /// When the next step is due, whatever a poll says.
  Clock::time_point due() const { return due_; }

  /// Reads, reaps, ends what has run for too long. True if something was read.
  bool step(Clock::time_point now);

  /// Ends it before its time.
  void stop(Clock::time_point now);

  /// It has ended, or could not be ended: there is no next step.
  bool over() const { return phase_ == Phase::over; }

  /// Complete lines of its output, and what follows the last of them if it ended well.
  std::string_view output() const;

  /// Why its output may be incomplete, on one line; none if it ended well or was stopped.
  std::optional<std::string> fault() const;

  /// For the case that it could not be ended. The run is not to be used any more.
  ChildProcess release() { return std::move(child_); }

private:
  enum class Phase { running, told, killed, over };
  enum class Cause { none, timeout, output, stopped };

  bool read();
  void tell(Cause cause, Clock::time_point now);

  ChildProcess child_;
  CommandLimits limits_;
  Clock::time_point due_;
  Phase phase_ = Phase::running;
  Cause cause_ = Cause::none;
  std::optional<ExitStatus> status_;
  std::string out_;
  std::string err_;  ///< Its end.
};

}  // namespace chouette
