#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace chouette::test {

/// As in /proc/PID/stat: S sleeping, T stopped, Z a zombie; 0 if there is no such process.
inline char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text(std::istreambuf_iterator<char>(file), {});
  const auto name_end = text.rfind(") ");
  return name_end == std::string::npos ? '\0' : text.at(name_end + 2);
}

/// A zombie, which only its parent can remove, is not alive.
inline bool is_alive(pid_t pid) {
  const char state = state_of(pid);
  return state != '\0' && state != 'Z';
}

/// Whether this process has a child, be it a zombie.
inline bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// The number that a program wrote into a file, followed by a line feed; 0 if it has not.
inline pid_t pid_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && !file.eof() ? std::stoi(line) : 0;
}

/// Another process that traces the one whose number comes to stand in `pid_file`: for as long as
/// this object lives it stays, even if killed, as if it waited for a dead device.
class HeldProcess {
public:
  explicit HeldProcess(const std::filesystem::path& pid_file) {
    if (::pipe2(hold_.data(), O_CLOEXEC) != 0 || ::pipe2(answer_.data(), O_CLOEXEC) != 0) return;
    tracer_ = ::fork();
    if (tracer_ == 0) trace(pid_file);
    ::close(hold_[0]);
    ::close(answer_[1]);
  }
  HeldProcess(const HeldProcess&) = delete;
  HeldProcess& operator=(const HeldProcess&) = delete;
  ~HeldProcess() {
    release();
    ::close(answer_[0]);
  }

  /// Waits for it; false if this machine does not allow it.
  bool held() {
    char yes = 'n';
    return ::read(answer_[0], &yes, 1) == 1 && yes == 'y';
  }

  void release() {
    if (tracer_ < 0) return;
    ::close(hold_[1]);
    ::waitpid(tracer_, nullptr, 0);
    tracer_ = -1;
  }

private:
  [[noreturn]] void trace(const std::filesystem::path& pid_file) {
    ::close(hold_[1]);
    pid_t pid = 0;
    constexpr int most_looks = 5000;
    for (int i = 0; pid == 0 && i < most_looks; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      pid = pid_in(pid_file);
    }
    char answer = pid > 0 && ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 ? 'y' : 'n';
    [[maybe_unused]] auto count = ::write(answer_[1], &answer, 1);
    count = ::read(hold_[0], &answer, 1);
    ::_exit(0);
  }

  std::array<int, 2> hold_{-1, -1};
  std::array<int, 2> answer_{-1, -1};
  pid_t tracer_ = -1;
};

}  // namespace chouette::test
