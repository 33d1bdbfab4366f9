#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

namespace chouette::test {

/// How a process ended: with an exit code, or by a signal (then the code is -1).
struct ExitStatus {
  int code = -1;
  int signal = 0;

  bool operator==(const ExitStatus&) const = default;
};

/// A running program with what it writes kept in files. It never outlives the object, nor the
/// thread that made it: it is killed and reaped with whichever ends first.
class ChildProcess {
public:
  using Environment = std::map<std::string, std::string>;

  /// Starts `argv[0]` (a path, or a name to be found in PATH) with `environment` and nothing else.
  /// Throws if there is no such program.
  explicit ChildProcess(const std::vector<std::string>& argv, const Environment& environment = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool running();

  /// Does nothing if the process has ended.
  void signal(int number);

  /// Waits for the end; none if it has not come in time.
  std::optional<ExitStatus> wait(std::chrono::milliseconds timeout = std::chrono::seconds(10));

  /// Sends SIGKILL and waits.
  ExitStatus kill();

  /// What was written so far.
  std::string out() const;
  std::string err() const;

private:
  TempDir files_;
  pid_t pid_ = -1;
  std::optional<ExitStatus> exit_;
};

/// The path of a program found in PATH or the usual folders; empty if there is none.
std::string find_program(const std::string& name);

/// The whole content of a file; empty if it cannot be read.
std::string read_file(const std::filesystem::path& file);

}  // namespace chouette::test
