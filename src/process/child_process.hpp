#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace chouette {

/// How a process ended: with an exit code, or by a signal (then the code is -1).
struct ExitStatus {
  int code = -1;
  int signal = 0;

  bool operator==(const ExitStatus&) const = default;
};

/// "exit code 3", "killed by signal 9": for a message.
std::string to_text(ExitStatus status);

/// A program that runs without a shell, leader of a process group of its own, with its stdout and
/// stderr on pipes and nothing on its stdin. It inherits no other open file, no blocked or ignored
/// signal and only the environment that it is given. For one thread.
class ChildProcess {
public:
  using Environment = std::map<std::string, std::string>;
  using Clock = std::chrono::steady_clock;

  /// Starts `arguments[0]`: a path, or a name that is looked for in PATH of `environment` (not of
  /// this process). An error is a line with the reason, without the arguments.
  static tl::expected<ChildProcess, std::string> start(const std::vector<std::string>& arguments,
                                                       const Environment& environment);

  /// Ends what is still running, as end(grace) does with half a second of grace.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  /// The leader, and the id of the group.
  pid_t pid() const { return pid_; }

  /// The read ends of its pipes, not blocking; -1 once read to the end.
  int out() const { return out_; }
  int err() const { return err_; }

  /// What a read brought.
  enum class Outcome { data, nothing_yet, end };

  /// Appends what can be read at once from stdout (stderr) to `text`, at most `limit` bytes. Output
  /// of others that the program left behind counts too: the end may come long after its own.
  Outcome read_out(std::string& text, std::size_t limit);
  Outcome read_err(std::string& text, std::size_t limit);

  /// Sends a signal to the group, unless the leader is gone. Does not wait.
  void signal(int number);

  /// Ends the group: SIGTERM, after `grace` SIGKILL, and at once SIGKILL to what is left of it when
  /// its leader has ended. Reaps the leader, and the group's orphans where this process is their
  /// new parent. Returns how the leader ended. Does not wait beyond one second after SIGKILL, by
  /// whichever call that came: one that waits for a dead device cannot be ended, see `gone`. May be
  /// called again.
  ExitStatus end(std::chrono::milliseconds grace);

  /// Whether the leader, and the orphans that became this process's children, were reaped.
  bool gone() const { return pid_ < 0 || (status_ && !may_have_orphans_); }

  /// Waits for the leader's end, then kills what is left of its group and reaps whatever of it can
  /// be reaped at once. None, and nothing done, if the end has not come by `deadline`.
  std::optional<ExitStatus> wait(Clock::time_point deadline);

private:
  ChildProcess(pid_t pid, int out, int err) : pid_(pid), out_(out), err_(err) {}
  void swap(ChildProcess& other) noexcept;
  void reap_orphans();

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::optional<Clock::time_point> killed_;  ///< When it was first sent SIGKILL.
  std::optional<ExitStatus> status_;
  bool may_have_orphans_ = false;  ///< Which are to be reaped here.
};

/// Lets a poll(2) end when a stop is requested.
class StopSignal {
public:
  /// Throws std::system_error if no descriptor is left.
  explicit StopSignal(std::stop_token stop);

  /// Readable once the stop is requested.
  int descriptor() const { return event_.number; }
  bool requested() const { return stop_.stop_requested(); }

private:
  struct Event {
    Event();
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    const int number;
  };
  struct Wake {
    int descriptor;
    void operator()() const;
  };
  Event event_;  // before callback_, which may write into it until it is destroyed
  std::stop_token stop_;
  std::stop_callback<Wake> callback_;
};

}  // namespace chouette
