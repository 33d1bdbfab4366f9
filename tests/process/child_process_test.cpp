#include "process/child_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <type_traits>

#include "process/processes.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::has_children;
using test::is_alive;
using test::open_descriptors;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = ChildProcess::Clock;
using Outcome = ChildProcess::Outcome;

const ChildProcess::Environment usual{{"PATH", "/usr/local/bin:/usr/bin:/bin"}};

ChildProcess start(const std::vector<std::string>& arguments,
                   const ChildProcess::Environment& environment = usual) {
  auto child = ChildProcess::start(arguments, environment);
  if (!child) throw std::runtime_error(child.error());
  return std::move(*child);
}

ChildProcess shell(const std::string& script) {
  return start({"/bin/sh", "-c", script});
}

std::string error_of(const std::vector<std::string>& arguments,
                     const ChildProcess::Environment& environment = usual) {
  const auto child = ChildProcess::start(arguments, environment);
  return child ? "started" : child.error();
}

void wait_readable(int descriptor) {
  pollfd readable{descriptor, POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 10000), 1);
}

/// All of stdout up to its end.
std::string output_of(ChildProcess& child) {
  constexpr std::size_t much = 1 << 20;
  std::string text;
  while (child.out() >= 0) {
    wait_readable(child.out());
    child.read_out(text, much);
  }
  return text;
}

std::string first_line_of(ChildProcess& child) {
  std::string text;
  while (child.out() >= 0 && !text.ends_with('\n')) {
    wait_readable(child.out());
    child.read_out(text, 1);
  }
  return text;
}

std::optional<ExitStatus> result_of(ChildProcess& child) {
  return child.wait(Clock::now() + seconds{10});
}

fs::path write_program(const fs::path& path, std::string_view text, bool executable = true) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
  fs::permissions(path, executable ? fs::perms::owner_all : fs::perms::owner_read);
  return path;
}

/// Fails the test if a child, zombies included, or an open file is left.
class ChildProcessTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(has_children()); }
  void TearDown() override {
    EXPECT_FALSE(has_children());
    EXPECT_EQ(open_descriptors(), descriptors_);
  }

private:
  std::size_t descriptors_ = open_descriptors();
};

// what a program gets

TEST_F(ChildProcessTest, GivesOutputAndErrorsApart) {
  auto child = shell("echo out; echo err >&2");
  EXPECT_EQ(result_of(child), (ExitStatus{0, 0}));
  EXPECT_EQ(output_of(child), "out\n");
  std::string errors;
  EXPECT_EQ(child.read_err(errors, 100), Outcome::data);
  EXPECT_EQ(errors, "err\n");
  EXPECT_EQ(child.read_err(errors, 100), Outcome::end);
}

TEST_F(ChildProcessTest, PassesArgumentsAsTheyAre) {
  auto child = start({"/usr/bin/printf", "<%s>", "a b", "", "$HOME", "*", "\"'\\\n"});
  EXPECT_EQ(output_of(child), "<a b><><$HOME><*><\"'\\\n>");
}

TEST_F(ChildProcessTest, PassesExactlyTheEnvironmentGiven) {
  ::setenv("CHOUETTE_TEST_SECRET", "s3cret", 1);
  auto child = start({"/usr/bin/env"}, {{"EMPTY", ""}, {"NAME", "a = b"}});
  EXPECT_EQ(output_of(child), "EMPTY=\nNAME=a = b\n");
  auto bare = start({"/usr/bin/env"}, {});
  EXPECT_EQ(output_of(bare), "");
  ::unsetenv("CHOUETTE_TEST_SECRET");
}

TEST_F(ChildProcessTest, HasNothingOnItsStdin) {
  auto child = shell("readlink /proc/self/fd/0; cat; echo done");
  EXPECT_EQ(output_of(child), "/dev/null\ndone\n");
}

TEST_F(ChildProcessTest, InheritsNoOpenFile) {
  const int open = ::open("/dev/null", O_RDONLY);  // NOLINT(android-cloexec-open)
  const int high = ::fcntl(open, F_DUPFD, 200);
  auto child = shell("for n in " + std::to_string(open) + " " + std::to_string(high) +
                     "; do test -e /proc/$$/fd/$n && echo $n; done; echo end");
  EXPECT_EQ(output_of(child), "end\n");
  ::close(open);
  ::close(high);
}

TEST_F(ChildProcessTest, InheritsNoBlockedOrIgnoredSignal) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&blocked, signal);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  auto* const pipe_before = std::signal(SIGPIPE, SIG_IGN);
  auto* const hangup_before = std::signal(SIGHUP, SIG_IGN);
  auto child = start({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"});
  const auto output = output_of(child);
  EXPECT_THAT(output, HasSubstr("SigBlk:\t0000000000000000\n"));
  // Numbers 32 and 33 belong to glibc, which leaves them ignored.
  constexpr unsigned long long of_libc = 0x180000000;
  const auto ignored = output.find("SigIgn:\t");
  ASSERT_NE(ignored, std::string::npos);
  EXPECT_EQ(std::stoull(output.substr(ignored + 8), nullptr, 16) & ~of_libc, 0U);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  (void)std::signal(SIGPIPE, pipe_before);
  (void)std::signal(SIGHUP, hangup_before);
}

TEST_F(ChildProcessTest, LeadsAGroupOfItsOwn) {
  auto child = shell("sleep 60");
  EXPECT_EQ(::getpgid(child.pid()), child.pid());
}

TEST_F(ChildProcessTest, StartsWhereThisProcessHasNoStdioLeft) {
  const pid_t without_stdio = ::fork();
  if (without_stdio == 0) {
    for (const int standard : {0, 1, 2}) ::close(standard);
    auto child = ChildProcess::start({"/bin/sh", "-c", "echo out; echo err >&2"}, usual);
    std::string out;
    std::string err;
    if (!child || !child->wait(Clock::now() + seconds{10})) ::_exit(1);
    if (child->out() < 3 || child->err() < 3) ::_exit(3);
    child->read_out(out, 100);
    child->read_err(err, 100);
    ::_exit(out == "out\n" && err == "err\n" ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(without_stdio, &status, 0), without_stdio);
  EXPECT_EQ(status, 0);
}

// finding the program

TEST_F(ChildProcessTest, LooksInThePathOfTheEnvironmentGiven) {
  const TempDir dir;
  write_program(dir / "first/tool", "not to be run", false);
  write_program(dir / "second/tool", "#!/bin/sh\necho second\n");
  write_program(dir / "third/tool", "#!/bin/sh\necho third\n");
  fs::create_directories(dir / "zeroth/tool");
  const auto path = [&dir](std::string_view name) { return (dir / name).string(); };
  const ChildProcess::Environment environment{
      {"PATH", ":/nowhere:" + path("zeroth") + ":" + path("second") + ":" + path("third")}};
  auto child = start({"tool"}, environment);
  EXPECT_EQ(output_of(child), "second\n");
  EXPECT_EQ(error_of({"tool"}, {{"PATH", path("zeroth")}}), "not found in PATH");
  EXPECT_EQ(error_of({"sh"}, {{"PATH", ""}}), "not found in PATH");
  EXPECT_EQ(error_of({"sh"}, {{"PATH", ":::"}}), "not found in PATH");
}

TEST_F(ChildProcessTest, LooksInTheUsualFoldersWithoutAPath) {
  auto child = start({"sh", "-c", "echo found"}, {});
  EXPECT_EQ(output_of(child), "found\n");
}

TEST_F(ChildProcessTest, NamesTheReasonWhenAProgramCannotBeStarted) {
  const TempDir dir;
  const auto plain = write_program(dir / "plain", "#!/bin/sh\n", false).string();
  const auto bare = write_program(dir / "bare", "echo hello\n").string();
  const auto lost = write_program(dir / "lost", "#!/nowhere/interpreter\n").string();
  EXPECT_EQ(error_of({"/nowhere/program"}), "No such file or directory");
  EXPECT_EQ(error_of({"no-such-program-here"}), "not found in PATH");
  EXPECT_EQ(error_of({plain}), "Permission denied");
  EXPECT_EQ(error_of({dir.path().string()}), "Permission denied");
  EXPECT_EQ(error_of({bare}),
            "neither a program for this machine nor a script that begins with #!");
  EXPECT_EQ(error_of({lost}), "No such file or directory");
  EXPECT_EQ(error_of({}), "no program");
  EXPECT_EQ(error_of({""}), "not found in PATH");
}

TEST_F(ChildProcessTest, KeepsArgumentsOutOfTheReason) {
  EXPECT_THAT(error_of({"/nowhere/s3cret", "--token=s3cret"}), Not(HasSubstr("s3cret")));
}

// how it ends

TEST_F(ChildProcessTest, TellsExitCodesAndSignals) {
  for (const int code : {0, 1, 77, 255}) {
    auto child = shell("exit " + std::to_string(code));
    EXPECT_EQ(result_of(child), (ExitStatus{code, 0}));
  }
  auto killed = shell("kill -9 $$");
  EXPECT_EQ(result_of(killed), (ExitStatus{-1, SIGKILL}));
}

TEST_F(ChildProcessTest, SaysHowItEnded) {
  EXPECT_EQ(to_text(ExitStatus{3, 0}), "exit code 3");
  EXPECT_EQ(to_text(ExitStatus{-1, 9}), "killed by signal 9");
}

TEST_F(ChildProcessTest, DoesNothingToOneThatHasNotEndedByTheDeadline) {
  auto child = shell("echo on; read line < /dev/zero & wait");
  EXPECT_EQ(child.wait(Clock::now()), std::nullopt);
  EXPECT_EQ(child.wait(Clock::now() + milliseconds{20}), std::nullopt);
  EXPECT_FALSE(child.gone());
  EXPECT_EQ(first_line_of(child), "on\n");
  EXPECT_TRUE(is_alive(child.pid()));
}

TEST_F(ChildProcessTest, TellsTheSameEndEachTime) {
  auto child = shell("exit 4");
  EXPECT_EQ(result_of(child), (ExitStatus{4, 0}));
  EXPECT_EQ(result_of(child), (ExitStatus{4, 0}));
  EXPECT_EQ(child.end(seconds{5}), (ExitStatus{4, 0}));
  EXPECT_TRUE(child.gone());
}

TEST_F(ChildProcessTest, TellsTheExitCodeOfOneThatEndedBeforeItWasToldTo) {
  auto child = shell("exit 4");
  output_of(child);
  ASSERT_TRUE(eventually([&] { return !is_alive(child.pid()); }));
  EXPECT_EQ(child.end(seconds{5}), (ExitStatus{4, 0}));
}

TEST_F(ChildProcessTest, GivesTimeToEndWell) {
  auto child = shell("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done");
  ASSERT_EQ(first_line_of(child), "ready\n");
  EXPECT_EQ(child.end(seconds{10}), (ExitStatus{5, 0}));
  EXPECT_EQ(output_of(child), "bye\n");
}

TEST_F(ChildProcessTest, EndsAtOnceWithoutGrace) {
  auto child = shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done");
  ASSERT_EQ(first_line_of(child), "ready\n");
  EXPECT_EQ(child.end(milliseconds{0}), (ExitStatus{-1, SIGKILL}));
}

TEST_F(ChildProcessTest, EndsOneThatIgnoresSigtermOnlyAfterItsGrace) {
  auto child = shell("trap '' TERM; echo ready; sleep 60; sleep 60");
  ASSERT_EQ(first_line_of(child), "ready\n");
  const auto begin = Clock::now();
  EXPECT_EQ(child.end(milliseconds{100}), (ExitStatus{-1, SIGKILL}));
  EXPECT_GE(Clock::now() - begin, milliseconds{100});
  EXPECT_LT(Clock::now() - begin, seconds{10});
}

TEST_F(ChildProcessTest, EndsAStoppedOne) {
  auto child = shell("kill -STOP $$");
  ASSERT_TRUE(eventually([&child] { return test::state_of(child.pid()) == 'T'; }));
  EXPECT_EQ(child.end(milliseconds{20}), (ExitStatus{-1, SIGKILL}));
}

TEST_F(ChildProcessTest, EndsGrandchildrenThatIgnoreSigterm) {
  auto child = shell("trap '' TERM; sleep 60 & echo $!; wait");
  const pid_t grandchild = std::stoi(first_line_of(child));
  ASSERT_TRUE(is_alive(grandchild));
  child.end(milliseconds{50});
  EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
}

TEST_F(ChildProcessTest, EndsWhatALeaderThatHasEndedLeftInItsGroup) {
  auto child = shell("trap '' TERM; (sleep 60 & echo $!)");
  const pid_t orphan = std::stoi(first_line_of(child));
  ASSERT_TRUE(result_of(child));
  EXPECT_TRUE(eventually([&] { return !is_alive(orphan); }));
}

TEST_F(ChildProcessTest, SendsEachSignalOnce) {
  // Signals of real time are counted, and the lower one comes first.
  auto child =
      start({"/usr/bin/perl", "-MPOSIX", "-e",
             "$last = POSIX::SigSet->new(SIGRTMIN + 1);"
             "sigaction(SIGRTMIN, POSIX::SigAction->new(sub { syswrite STDOUT, 'x' }, $last));"
             "sigaction(SIGRTMIN + 1, POSIX::SigAction->new(sub { POSIX::_exit(0) }));"
             "syswrite STDOUT, qq(ready\\n); sleep 60 while 1"});
  ASSERT_EQ(first_line_of(child), "ready\n");
  child.signal(SIGRTMIN);
  child.signal(SIGRTMIN + 1);
  EXPECT_EQ(output_of(child), "x");
}

TEST_F(ChildProcessTest, EndsALeaderThatLeftItsGroup) {
  auto child =
      start({"/usr/bin/perl", "-e",
             "$| = 1; $p = fork; if (!$p) { sleep 60; exit } setpgrp(0, getpgrp(getppid)); "
             "print \"$p\\n\"; sleep 60"});
  const pid_t grandchild = std::stoi(first_line_of(child));
  EXPECT_EQ(child.end(seconds{5}), (ExitStatus{-1, SIGTERM}));
  EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
}

TEST_F(ChildProcessTest, ReapsOrphansWhereTheyBecomeItsChildren) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  {
    auto child = shell("(sleep 60 & echo $!; sleep 60 & echo $!); sleep 60 &");
    ASSERT_TRUE(result_of(child));
    child.end(milliseconds{0});
    EXPECT_TRUE(child.gone());
    EXPECT_FALSE(has_children());
  }
  {
    auto child = shell("trap '' TERM; (sleep 60 &); echo ready; sleep 60");
    first_line_of(child);
    child.end(milliseconds{20});
    EXPECT_FALSE(has_children());
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(ChildProcessTest, WaitsForNoOrphanThatCannotBeEnded) {
  const TempDir dir;
  const auto pid_file = dir / "pid";
  test::HeldProcess holder(pid_file);
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  auto child = shell("(sleep 60 & echo $! > " + pid_file.string() + "); exec sleep 60");
  const bool held = holder.held();
  if (held) {
    ::kill(child.pid(), SIGTERM);
    ASSERT_TRUE(eventually([&child] { return !is_alive(child.pid()); }));
    const auto begin = Clock::now();
    EXPECT_EQ(child.wait(begin), (ExitStatus{-1, SIGTERM}));
    EXPECT_LT(Clock::now() - begin, milliseconds{500});
    EXPECT_FALSE(child.gone());
    holder.release();
  }
  child.end(milliseconds{0});
  EXPECT_TRUE(child.gone());
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  if (!held) GTEST_SKIP() << "no process may trace another here";
}

TEST_F(ChildProcessTest, EndsWithItsObject) {
  pid_t leader = 0;
  pid_t grandchild = 0;
  {
    auto child = shell("sleep 60 & echo $!; wait");
    leader = child.pid();
    grandchild = std::stoi(first_line_of(child));
  }
  EXPECT_FALSE(is_alive(leader));
  EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
}

TEST_F(ChildProcessTest, SurvivesThatSomebodyElseReapsIt) {
  auto child = shell("exit 3");
  ASSERT_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());
  EXPECT_EQ(result_of(child), (ExitStatus{-1, 0}));
  EXPECT_EQ(to_text(*result_of(child)), "ended unseen");
}

TEST_F(ChildProcessTest, WaitsNoLongerThanASecondForOneThatCannotBeEnded) {
  const TempDir dir;
  const auto pid_file = dir / "pid";
  test::HeldProcess holder(pid_file);
  auto child = shell("echo $$ > " + pid_file.string() + "; sleep 60");
  if (!holder.held()) GTEST_SKIP() << "no process may trace another here";
  auto begin = Clock::now();
  EXPECT_EQ(child.end(milliseconds{10}), (ExitStatus{-1, SIGKILL}));
  EXPECT_LT(Clock::now() - begin, seconds{5});
  EXPECT_FALSE(child.gone());
  begin = Clock::now();
  child.end(seconds{10});
  EXPECT_LT(Clock::now() - begin, seconds{5});
  holder.release();
  EXPECT_EQ(child.end(seconds{10}), (ExitStatus{-1, SIGKILL}));
  EXPECT_TRUE(child.gone());
}

TEST_F(ChildProcessTest, DoesNotWaitAgainForOneThatWasKilledLongAgo) {
  const TempDir dir;
  const auto pid_file = dir / "pid";
  test::HeldProcess holder(pid_file);
  auto child = shell("echo $$ > " + pid_file.string() + "; sleep 60");
  if (!holder.held()) GTEST_SKIP() << "no process may trace another here";
  child.signal(SIGKILL);
  EXPECT_EQ(child.wait(Clock::now() + seconds{1}), std::nullopt);
  const auto begin = Clock::now();
  child.end(seconds{10});
  EXPECT_LT(Clock::now() - begin, milliseconds{500});
  EXPECT_FALSE(child.gone());
  holder.release();
  child.end(milliseconds{0});
  EXPECT_TRUE(child.gone());
}

// reading

TEST_F(ChildProcessTest, ReadsWithoutWaiting) {
  auto child = shell("sleep 60");
  std::string text;
  EXPECT_EQ(child.read_out(text, 100), Outcome::nothing_yet);
  EXPECT_EQ(child.read_err(text, 100), Outcome::nothing_yet);
  EXPECT_EQ(text, "");
}

TEST_F(ChildProcessTest, ReadsNoMoreThanTheLimitAtATime) {
  auto child = shell("head -c 50000 /dev/zero");
  ASSERT_TRUE(result_of(child));
  std::string text = "before";
  EXPECT_EQ(child.read_out(text, 0), Outcome::nothing_yet);
  EXPECT_EQ(child.read_out(text, 10), Outcome::data);
  EXPECT_EQ(text.size(), 16U);
  EXPECT_EQ(child.read_out(text, 40000), Outcome::data);
  EXPECT_EQ(text.size(), 40016U);
  EXPECT_EQ(child.read_out(text, 40000), Outcome::data);
  EXPECT_EQ(text.size(), 50006U);
  EXPECT_EQ(child.read_out(text, 1), Outcome::end);
  EXPECT_EQ(child.out(), -1);
  EXPECT_EQ(child.read_out(text, 1), Outcome::end);
}

TEST_F(ChildProcessTest, HoldsBackOneThatPrintsWithoutEnd) {
  auto child = start({"yes"});
  std::string text;
  for (int i = 0; i < 50; ++i) {
    wait_readable(child.out());
    const auto before = text.size();
    EXPECT_EQ(child.read_out(text, 100000), Outcome::data);
    EXPECT_LE(text.size(), before + 100000);
  }
}

TEST_F(ChildProcessTest, KeepsWhatWasPrintedBeforeTheEnd) {
  auto child = shell("echo last words; kill -9 $$");
  ASSERT_TRUE(result_of(child));
  EXPECT_EQ(output_of(child), "last words\n");
}

// moving

TEST_F(ChildProcessTest, LeavesNothingInAMovedObject) {
  auto first = shell("echo moved; exit 6");
  const auto pid = first.pid();
  ChildProcess second(std::move(first));
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_EQ(first.pid(), -1);
  EXPECT_EQ(first.out(), -1);
  EXPECT_EQ(first.err(), -1);
  EXPECT_TRUE(first.gone());
  EXPECT_EQ(first.end(milliseconds{0}), ExitStatus{});
  std::string text;
  EXPECT_EQ(first.read_out(text, 10), Outcome::end);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(second.pid(), pid);
  EXPECT_EQ(output_of(second), "moved\n");
  EXPECT_EQ(result_of(second), (ExitStatus{6, 0}));
}

TEST_F(ChildProcessTest, EndsTheProcessThatIsAssignedOver) {
  auto first = shell("sleep 60");
  const auto former = first.pid();
  first = shell("exit 7");
  EXPECT_FALSE(is_alive(former));
  EXPECT_EQ(result_of(first), (ExitStatus{7, 0}));
  static_assert(std::is_nothrow_move_constructible_v<ChildProcess>);
  static_assert(!std::is_copy_constructible_v<ChildProcess>);
}

TEST_F(ChildProcessTest, FailsWithoutLeaksWhenTooManyFilesAreOpen) {
  // UndefinedBehaviorSanitizer needs files for what it has not looked at before.
  EXPECT_NE(error_of({"/nowhere"}), "started");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> taken;
  for (int copy = ::dup(2); copy >= 0; copy = ::dup(2)) taken.push_back(copy);
  for (int free = 0; free < 4; ++free) {
    EXPECT_EQ(error_of({"/bin/true"}), "Too many open files") << free;
    ::close(taken.back());
    taken.pop_back();
  }
  EXPECT_EQ(error_of({"/bin/true"}), "started");
  for (const int copy : taken) ::close(copy);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// the stop signal

bool is_readable(int descriptor, int timeout) {
  pollfd readable{descriptor, POLLIN, 0};
  return ::poll(&readable, 1, timeout) == 1;
}

TEST(StopSignal, WakesAPoll) {
  std::stop_source source;
  const StopSignal signal(source.get_token());
  EXPECT_FALSE(is_readable(signal.descriptor(), 0));
  EXPECT_FALSE(signal.requested());
  const std::jthread other([&source] { source.request_stop(); });
  EXPECT_TRUE(is_readable(signal.descriptor(), 10000));
  EXPECT_TRUE(signal.requested());
  EXPECT_TRUE(is_readable(signal.descriptor(), 0));
}

TEST(StopSignal, IsReadableIfTheStopCameBefore) {
  std::stop_source source;
  source.request_stop();
  const StopSignal signal(source.get_token());
  EXPECT_TRUE(is_readable(signal.descriptor(), 0));
}

TEST(StopSignal, MayEndBeforeTheStop) {
  const auto before = open_descriptors();
  std::stop_source source;
  { const StopSignal signal(source.get_token()); }
  EXPECT_EQ(open_descriptors(), before);
  source.request_stop();
}

}  // namespace
}  // namespace chouette
