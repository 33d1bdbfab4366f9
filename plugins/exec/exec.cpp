#include "exec/exec.hpp"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "exec/command_run.hpp"
#include "exec/exec_output.hpp"
#include "process/child_process.hpp"
#include "support/gauges.hpp"

namespace chouette {
namespace {

using Clock = ChildProcess::Clock;
using std::chrono::milliseconds;

constexpr std::size_t longest_title = 100;

/// For faults. Arguments may hold secrets and are left out.
std::string title_of(std::size_t index, const ExecCommand& command) {
  return "command " + std::to_string(index + 1) + " (" +
         printable(command.arguments.front(), longest_title) + ')';
}

class ExecPlugin : public Plugin {
public:
  ExecPlugin(const ExecSettings& settings, ExecSurroundings surroundings, std::stop_token stop)
      : surroundings_(std::move(surroundings)), stop_(std::move(stop)) {
    for (const auto& command : settings.commands) {
      const auto timeout = command.timeout.value_or(settings.timeout);
      commands_.push_back({.title = title_of(commands_.size(), command),
                           .arguments = command.arguments,
                           .limits = command_limits(timeout, surroundings_.longest_timeout)});
    }
  }

  Capture capture(std::int64_t now) override {
    Capture capture;
    Gauges gauges(now, capture);
    if (commands_.empty()) gauges.add_fault("EXEC_COMMANDS", "no command is set");
    for (auto& command : commands_) start(command);
    wait_for_all();
    for (auto& command : commands_) {
      collect(command, {now, surroundings_.interval}, capture);
      say_faults(command, gauges);
    }
    merge_same_points(capture.metrics);
    return capture;
  }

private:
  struct Command {
    std::string title;
    std::vector<std::string> arguments;
    CommandLimits limits;
    std::optional<CommandRun> run;
    std::optional<ChildProcess> left_over;  ///< Of an earlier run that could not be ended.
    std::vector<std::string> faults;        ///< Of this capture.
    std::vector<std::string> said_faults;   ///< Of the first capture since the last good one.
  };

  void start(Command& command) {
    auto& left_over = command.left_over;
    if (left_over) {
      left_over->wait(Clock::now());
      if (!left_over->gone()) {
        command.faults.emplace_back("an earlier run of it cannot be ended");
        return;
      }
      left_over.reset();
    }
    if (stop_.requested()) return;
    auto child = ChildProcess::start(command.arguments, surroundings_.environment);
    if (!child) {
      command.faults.push_back("cannot be started: " + child.error());
      return;
    }
    command.run.emplace(std::move(*child), command.limits, Clock::now());
  }

  /// Looks ever less often while nothing happens. A poll alone would not do: a command may close
  /// its output long before it ends, or leave it open to others.
  void wait_for_all() {
    constexpr milliseconds shortest_pause{1};
    constexpr milliseconds longest_pause{50};
    auto pause = shortest_pause;
    while (true) {
      const auto now = Clock::now();
      const bool stopping = stop_.requested();
      std::vector<pollfd> descriptors{{stopping ? -1 : stop_.descriptor(), POLLIN, 0}};
      bool running = false;
      bool brought = false;
      auto due = now + longest_pause;
      for (auto& command : commands_) {
        auto& run = command.run;
        if (!run) continue;
        if (stopping) run->stop(now);
        brought = run->step(now) || brought;
        if (run->over()) continue;
        running = true;
        due = std::min(due, run->due());
        run->add_descriptors(descriptors);
      }
      if (!running) return;
      pause = brought ? shortest_pause : std::min(pause * 2, longest_pause);
      const auto left = std::chrono::ceil<milliseconds>(std::min(due, now + pause) - Clock::now());
      ::poll(descriptors.data(), descriptors.size(),
             static_cast<int>(std::max(left, milliseconds{0}).count()));
    }
  }

  static void collect(Command& command, const ExecDefaults& defaults, Capture& capture) {
    auto& run = command.run;
    if (!run) return;
    if (const auto fault = run->fault()) command.faults.push_back(*fault);
    auto output =
        parse_exec_output(run->output(), defaults, most_exec_metrics - capture.metrics.size());
    if (output.malformed > 0) {
      capture.malformed += output.malformed;
      command.faults.push_back(std::to_string(output.malformed) + " malformed, the first in " +
                               output.example);
    }
    capture.metrics.insert(capture.metrics.end(), std::make_move_iterator(output.metrics.begin()),
                           std::make_move_iterator(output.metrics.end()));
    auto child = run->release();
    if (!child.gone()) command.left_over = std::move(child);
    run.reset();
  }

  /// Says the same until a capture is good again: texts hold line numbers and output of the
  /// command, and would look like ever new faults.
  static void say_faults(Command& command, Gauges& gauges) {
    const auto faults = std::exchange(command.faults, {});
    if (faults.empty() || command.said_faults.empty()) command.said_faults = faults;
    for (const auto& fault : command.said_faults) gauges.add_fault(command.title, fault);
  }

  ExecSurroundings surroundings_;
  StopSignal stop_;
  std::vector<Command> commands_;
};

}  // namespace

std::unique_ptr<Plugin> make_exec_plugin(const ExecSettings& settings,
                                         ExecSurroundings surroundings, std::stop_token stop) {
  return std::make_unique<ExecPlugin>(settings, std::move(surroundings), std::move(stop));
}

}  // namespace chouette
