#include "support/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "support/wait.hpp"

namespace chouette::test {

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

int open_output(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), file.string());
  return fd;
}

// Runs between fork and exec of a program with threads: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, char* const* environment, int out, int err,
                         pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)std::signal(SIGPIPE, SIG_DFL);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);
  execve(argv[0], argv, environment);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const Environment& environment) {
  auto arguments = argv;
  arguments.at(0) = find_program(argv.at(0));
  if (arguments[0].empty()) throw std::runtime_error("no such program: " + argv[0]);
  std::vector<std::string> variables;
  variables.reserve(environment.size());
  for (const auto& [name, value] : environment) {
    variables.push_back(name);
    variables.back().append("=").append(value);
  }

  const auto argument_pointers = pointers(arguments);
  const auto variable_pointers = pointers(variables);
  const int out = open_output(files_ / "out");
  const int err = open_output(files_ / "err");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(argument_pointers.data(), variable_pointers.data(), out, err, parent);
  const int fork_errno = errno;
  close(out);
  close(err);
  if (pid_ < 0) throw std::system_error(fork_errno, std::generic_category(), "fork");
}

ChildProcess::~ChildProcess() {
  kill();
}

bool ChildProcess::running() {
  if (exit_) return false;
  int status = 0;
  const pid_t reaped = waitpid(pid_, &status, WNOHANG);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) return true;
  exit_.emplace();
  if (reaped == pid_ && WIFEXITED(status)) exit_->code = WEXITSTATUS(status);
  if (reaped == pid_ && WIFSIGNALED(status)) exit_->signal = WTERMSIG(status);
  return false;
}

void ChildProcess::signal(int number) {
  if (running()) ::kill(pid_, number);
}

std::optional<ExitStatus> ChildProcess::wait(std::chrono::milliseconds timeout) {
  eventually([this] { return !running(); }, timeout);
  return exit_;
}

ExitStatus ChildProcess::kill() {
  while (running()) {
    ::kill(-pid_, SIGKILL);  // with the children it may have; not yet there just after the fork
    ::kill(pid_, SIGKILL);
    wait(std::chrono::seconds(1));
  }
  return *exit_;
}

std::string ChildProcess::out() const {
  return read_file(files_ / "out");
}

std::string ChildProcess::err() const {
  return read_file(files_ / "err");
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return access(name.c_str(), X_OK) == 0 ? name : std::string();
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) +
                             ":/usr/local/bin:/usr/bin:/bin:/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = std::filesystem::path(folder) / name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace chouette::test
