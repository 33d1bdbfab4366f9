#include "process/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>

namespace chouette {
namespace {

using Clock = ChildProcess::Clock;
using std::chrono::milliseconds;

constexpr milliseconds default_grace{500};
/// What the kernel may take to end a killed process; one that waits for a dead device takes longer.
constexpr milliseconds longest_death{1000};

std::string reason(int error) {
  if (error == ENOEXEC)
    return "neither a program for this machine nor a script that begins with #!";
  return std::generic_category().message(error);
}

/// A descriptor that is closed at the end.
class Descriptor {
public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

  /// Moves it above stdin, stdout and stderr, which it may be if those were closed.
  bool lift() {
    constexpr int lowest = 3;
    if (number_ >= lowest) return true;
    Descriptor lifted(::fcntl(number_, F_DUPFD_CLOEXEC, lowest));
    std::swap(number_, lifted.number_);
    return number_ >= 0;
  }

private:
  int number_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;

  /// False, with errno, if there are too many open files.
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
    return read.lift() && write.lift() && ::fcntl(read.number(), F_SETFL, O_NONBLOCK) == 0;
  }
};

/// What happens between the child's birth and the program's start. Keeps the first error.
class SpawnPlan {
public:
  SpawnPlan() {
    note(::posix_spawnattr_init(&attributes_));
    note(::posix_spawn_file_actions_init(&actions_));
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void lead_group_with_default_signals() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    note(::posix_spawnattr_setpgroup(&attributes_, 0));
    note(::posix_spawnattr_setsigmask(&attributes_, &none));
    note(::posix_spawnattr_setsigdefault(&attributes_, &all));
    note(::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }

  void keep_only(int out, int err) {
    note(::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    note(::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO));
    note(::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO));
    note(::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
  }

  /// 0 or an error number.
  int spawn(pid_t& pid, const std::string& path, char* const* arguments, char* const* environment) {
    if (error_ != 0) return error_;
    return ::posix_spawn(&pid, path.c_str(), &actions_, &attributes_, arguments, environment);
  }

private:
  void note(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
  int error_ = 0;
};

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

/// As execvp(3) looks, but in the PATH that the program itself gets, and never in the current
/// folder for an empty entry. Empty if there is none; `denied` if there is one that may not be run.
std::string find_program(const std::string& name, const ChildProcess::Environment& environment,
                         bool& denied) {
  if (name.find('/') != std::string::npos) return name;
  const auto variable = environment.find("PATH");
  const std::string folders =
      variable == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : variable->second;
  for (std::size_t at = 0; at < folders.size();) {
    const auto end = std::min(folders.find(':', at), folders.size());
    auto path = folders.substr(at, end - at) + '/' + name;
    if (end > at && is_file(path)) {
      if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return path;
      denied = true;
    }
    at = end + 1;
  }
  return {};
}

/// For exec: ends with a null pointer, valid as long as `texts`.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// Looks until `done` or the deadline, ever less often: there is no other way to wait for a process
/// for a limited time that needs neither a signal handler nor Linux 5.3.
template <class Done>
bool poll_until(Clock::time_point deadline, Done done) {
  constexpr milliseconds longest_pause{20};
  for (milliseconds pause{1};; pause = std::min(pause * 2, longest_pause)) {
    if (done()) return true;
    const auto now = Clock::now();
    if (now >= deadline) return false;
    std::this_thread::sleep_until(std::min(now + pause, deadline));
  }
}

enum class Life { running, ended, unknown };

/// Does not reap it, so that its id stays its own.
Life life_of(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    if (errno != EINTR) return Life::unknown;  // somebody else reaped it
  }
  return info.si_pid == 0 ? Life::running : Life::ended;
}

ExitStatus reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) < 0) {
    if (errno != EINTR) return {};
  }
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

ChildProcess::Outcome read_some(int& descriptor, std::string& text, std::size_t limit) {
  using Outcome = ChildProcess::Outcome;
  constexpr std::size_t chunk = 16384;
  if (descriptor < 0) return Outcome::end;
  auto outcome = Outcome::nothing_yet;
  while (limit > 0) {
    std::array<char, chunk> buffer;
    const auto count = ::read(descriptor, buffer.data(), std::min(limit, chunk));
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
      limit -= static_cast<std::size_t>(count);
      outcome = Outcome::data;
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else if ((count < 0 && errno == EAGAIN) || outcome == Outcome::data) {
      break;
    } else {
      ::close(std::exchange(descriptor, -1));
      return Outcome::end;
    }
  }
  return outcome;
}

}  // namespace

std::string to_text(ExitStatus status) {
  if (status.signal != 0) return "killed by signal " + std::to_string(status.signal);
  if (status.code < 0) return "ended unseen";
  return "exit code " + std::to_string(status.code);
}

tl::expected<ChildProcess, std::string> ChildProcess::start(
    const std::vector<std::string>& arguments, const Environment& environment) {
  if (arguments.empty()) return tl::unexpected<std::string>("no program");
  bool denied = false;
  const auto path = find_program(arguments.front(), environment, denied);
  if (path.empty()) return tl::unexpected(denied ? reason(EACCES) : "not found in PATH");

  Pipe out;
  Pipe err;
  if (!out.open() || !err.open()) return tl::unexpected(reason(errno));

  std::vector<std::string> variables;
  variables.reserve(environment.size());
  for (const auto& [name, value] : environment) {
    variables.push_back(name);
    variables.back().append("=").append(value);
  }
  auto words = arguments;

  SpawnPlan plan;
  plan.lead_group_with_default_signals();
  plan.keep_only(out.write.number(), err.write.number());
  pid_t pid = -1;
  const int error = plan.spawn(pid, path, pointers(words).data(), pointers(variables).data());
  if (error != 0) return tl::unexpected(reason(error));
  return ChildProcess(pid, out.read.release(), err.read.release());
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept {
  swap(other);
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  ChildProcess moved(std::move(other));
  swap(moved);
  return *this;
}

void ChildProcess::swap(ChildProcess& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  std::swap(killed_, other.killed_);
  std::swap(status_, other.status_);
  std::swap(may_have_orphans_, other.may_have_orphans_);
}

ChildProcess::~ChildProcess() {
  end(default_grace);
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

ChildProcess::Outcome ChildProcess::read_out(std::string& text, std::size_t limit) {
  return read_some(out_, text, limit);
}

ChildProcess::Outcome ChildProcess::read_err(std::string& text, std::size_t limit) {
  return read_some(err_, text, limit);
}

void ChildProcess::signal(int number) {
  if (pid_ < 0 || status_ || life_of(pid_) == Life::unknown) return;
  if (number == SIGKILL && !killed_) killed_ = Clock::now();
  ::kill(-pid_, number);
  if (::getpgid(pid_) != pid_) ::kill(pid_, number);  // it joined another group
}

ExitStatus ChildProcess::end(milliseconds grace) {
  if (gone()) return status_.value_or(ExitStatus{});
  if (!killed_ && grace > milliseconds{0} && life_of(pid_) == Life::running) {
    signal(SIGTERM);
    wait(Clock::now() + grace);
  }
  signal(SIGKILL);
  const auto deadline = killed_.value_or(Clock::now()) + longest_death;
  const auto status = wait(deadline);
  if (status) {
    poll_until(deadline, [this] {
      reap_orphans();
      return !may_have_orphans_;
    });
  }
  return status.value_or(ExitStatus{-1, SIGKILL});
}

std::optional<ExitStatus> ChildProcess::wait(Clock::time_point deadline) {
  if (pid_ < 0) return ExitStatus{};
  if (!status_) {
    auto life = Life::running;
    if (!poll_until(deadline, [&] { return (life = life_of(pid_)) != Life::running; })) {
      return std::nullopt;
    }
    if (life == Life::unknown) return status_ = ExitStatus{};
    signal(SIGKILL);
    status_ = reap(pid_);
    may_have_orphans_ = true;
  }
  reap_orphans();
  return status_;
}

/// Orphans become this process's children if it is process 1 or a subreaper. The number of a group
/// is not given to another process before the last of them is reaped.
void ChildProcess::reap_orphans() {
  while (may_have_orphans_) {
    const pid_t pid = ::waitpid(-pid_, nullptr, WNOHANG);
    if (pid == 0) return;
    if (pid < 0 && errno != EINTR) may_have_orphans_ = false;
  }
}

StopSignal::StopSignal(std::stop_token stop)
    : stop_(std::move(stop)), callback_(stop_, Wake{event_.number}) {}

StopSignal::Event::Event() : number(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (number < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

StopSignal::Event::~Event() {
  ::close(number);
}

void StopSignal::Wake::operator()() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor, &one, sizeof one);
}

}  // namespace chouette
