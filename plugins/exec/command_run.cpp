#include "exec/command_run.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "exec/exec_output.hpp"

namespace chouette {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t read_at_once = std::size_t{64} * 1024;
/// The rest of the largest pipe. What left the group may write into it without end.
constexpr int reads_of_a_pipe = 17;
constexpr std::size_t kept_of_errors = std::size_t{16} * 1024;
constexpr std::size_t longest_error = 200;

std::string seconds_text(milliseconds time) {
  const auto count = time.count();
  auto text = std::to_string(count / 1000);
  if (count % 1000 != 0) text += '.' + std::to_string(1000 + count % 1000).substr(1);
  return text + " s";
}

}  // namespace

CommandLimits command_limits(milliseconds timeout, milliseconds longest) {
  constexpr int grace_share = 8;
  constexpr int death_share = 16;
  CommandLimits limits;
  limits.timeout = std::min(timeout, longest);
  limits.grace = std::min(limits.grace, longest / grace_share);
  limits.death = std::min(limits.death, longest / death_share);
  return limits;
}

CommandRun::CommandRun(ChildProcess child, const CommandLimits& limits, Clock::time_point now)
    : child_(std::move(child)), limits_(limits), due_(now + limits.timeout) {}

void CommandRun::add_descriptors(std::vector<pollfd>& descriptors) const {
  if (over()) return;
  if (child_.out() >= 0 && out_.size() <= limits_.output) {
    descriptors.push_back({child_.out(), POLLIN, 0});
  }
  if (child_.err() >= 0) descriptors.push_back({child_.err(), POLLIN, 0});
}

bool CommandRun::read() {
  bool brought = false;
  if (out_.size() <= limits_.output) {
    const auto limit = std::min(read_at_once, limits_.output + 1 - out_.size());
    brought = child_.read_out(out_, limit) == ChildProcess::Outcome::data;
  }
  if (child_.read_err(err_, read_at_once) == ChildProcess::Outcome::data) {
    brought = true;
    if (err_.size() > kept_of_errors) err_.erase(0, err_.size() - kept_of_errors);
  }
  return brought;
}

bool CommandRun::step(Clock::time_point now) {
  if (over()) return false;
  const bool brought = read();
  status_ = child_.wait(now);
  if (status_) {
    for (int i = 0; i < reads_of_a_pipe && read(); ++i) {
    }
  }
  if (out_.size() > limits_.output && cause_ == Cause::none) tell(Cause::output, now);
  if (status_) {
    phase_ = Phase::over;
  } else if (now >= due_) {
    switch (phase_) {
      case Phase::running:
        tell(Cause::timeout, now);
        break;
      case Phase::told:
        child_.signal(SIGKILL);
        phase_ = Phase::killed;
        due_ = now + limits_.death;
        break;
      case Phase::killed:
      case Phase::over:
        phase_ = Phase::over;
        break;
    }
  }
  return brought;
}

void CommandRun::stop(Clock::time_point now) {
  if (phase_ == Phase::running) tell(Cause::stopped, now);
}

void CommandRun::tell(Cause cause, Clock::time_point now) {
  cause_ = cause;
  if (status_) return;
  child_.signal(SIGTERM);
  phase_ = Phase::told;
  due_ = now + limits_.grace;
}

std::string_view CommandRun::output() const {
  const auto kept = std::string_view(out_).substr(0, limits_.output);
  if (cause_ == Cause::none && status_ == ExitStatus{0, 0}) return kept;
  return kept.substr(0, kept.find_last_of('\n') + 1);
}

std::optional<std::string> CommandRun::fault() const {
  const std::string end = status_ ? ", ended" : ", cannot be ended";
  switch (cause_) {
    case Cause::timeout:
      return "not done after " + seconds_text(limits_.timeout) + end;
    case Cause::output:
      return "printed more than " + std::to_string(limits_.output) + " bytes" + end;
    case Cause::stopped:
      return std::nullopt;
    case Cause::none:
      break;
  }
  if (!status_ || status_ == ExitStatus{0, 0}) return std::nullopt;
  const auto error = printable(last_line(err_), longest_error);
  return to_text(*status_) + (error.empty() ? "" : ": " + error);
}

}  // namespace chouette
