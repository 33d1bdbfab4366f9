#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "process/child_process.hpp"
#include "tegrastats/tegrastats_line.hpp"

namespace chouette {

/// How long what may take. Tests wait less.
struct TegrastatsTimes {
  std::chrono::milliseconds first_line{2000};      ///< The first capture waits for a line.
  std::chrono::milliseconds late{1000};            ///< A line may come so much after 2 intervals.
  std::chrono::milliseconds first_pause{1000};     ///< Before the program is started again; doubles
  std::chrono::milliseconds longest_pause{60000};  ///< up to this until a run lasts.
  std::chrono::milliseconds breath{100};           ///< Between two reads.
  std::chrono::milliseconds grace{500};            ///< From SIGTERM to SIGKILL.
};

/// What TegrastatsReader has to tell.
struct TegrastatsNews {
  std::optional<TegrastatsLine> line;  ///< The latest that was understood, if not told before.
  std::chrono::steady_clock::time_point printed;  ///< When that line was read.
  std::string trouble;    ///< Why no line comes; empty if all is well so far.
  std::string restarted;  ///< Why it was started again since last told, unless it had lasted.
};

/// Keeps tegrastats running from a thread of its own, which waits for its lines, and starts it
/// again when it has ended, or has printed nothing that is understood for 2 intervals: at once if
/// the run lasted, that is, gave lines for longer than an interval, else after ever longer pauses.
/// Never does a second one run beside it, not even if it cannot be killed. Only the latest line is
/// kept, so that it never waits for us; one that floods is held up by its full pipe. `take` may be
/// called from any thread.
class TegrastatsReader {
public:
  /// Runs `program --interval MS`, MS being `interval`, in the locale C. Throws std::system_error
  /// if it cannot have its thread; that the program cannot be started is told by `take`.
  TegrastatsReader(std::string program, std::chrono::milliseconds interval,
                   ChildProcess::Environment environment, const TegrastatsTimes& times);

  /// Ends the program and what it has started. Takes less than 2 s with the default grace.
  ~TegrastatsReader();
  TegrastatsReader(const TegrastatsReader&) = delete;
  TegrastatsReader& operator=(const TegrastatsReader&) = delete;

  /// What is new since the last call. Waits up to `patience` for a line that is understood or the
  /// trouble of a run that has ended, or until `stop` is requested.
  TegrastatsNews take(const std::stop_token& stop, std::chrono::milliseconds patience);

private:
  using Clock = std::chrono::steady_clock;

  /// Lines of one run of the program.
  struct Output {
    std::string unfinished;  ///< The line that has no end yet.
    bool too_long = false;   ///< Its begin was thrown away.
    bool odd = false;        ///< The last line was not understood.
    Clock::time_point last;  ///< When the last line was understood; at first the start.
  };

  void run();
  bool run_once();
  void end(ChildProcess& child);
  void take_lines(Output& output);
  void take_line(Output& output, std::string_view text);  ///< With the mutex held.
  void fail(std::string trouble);
  void wait_for_stop(std::chrono::milliseconds time) const;

  const std::string program_;
  const std::chrono::milliseconds interval_;
  const ChildProcess::Environment environment_;
  const TegrastatsTimes times_;

  std::mutex mutex_;  // guards news_
  std::condition_variable_any changed_;
  TegrastatsNews news_;

  std::stop_source stop_;
  StopSignal stop_signal_;
  std::thread thread_;
};

}  // namespace chouette
