#include "exec/exec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <fstream>
#include <future>

#include "plugins/capture_time.hpp"
#include "process/processes.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::has_children;
using test::is_alive;
using test::open_descriptors;
using test::pid_in;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using Clock = std::chrono::steady_clock;

ExecCommand shell(const std::string& script, std::optional<seconds> timeout = std::nullopt) {
  return {{"/bin/sh", "-c", script}, timeout};
}

std::vector<std::string> names_of(const Capture& capture) {
  std::vector<std::string> names;
  for (const auto& metric : capture.metrics) names.push_back(metric.name);
  return names;
}

/// Fails the test if a child, zombies included, or an open file is left.
class ExecPlugin : public testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(has_children()); }
  void TearDown() override {
    EXPECT_FALSE(has_children());
    EXPECT_EQ(open_descriptors(), descriptors_);
  }

  std::unique_ptr<Plugin> plugin(std::vector<ExecCommand> commands) const {
    return make_exec_plugin({std::move(commands), timeout}, surroundings, stop.get_token());
  }

  Capture capture(std::vector<ExecCommand> commands) const {
    return plugin(std::move(commands))->capture(now);
  }

  seconds timeout{20};
  ExecSurroundings surroundings{seconds{20}, seconds{30}, {{"PATH", "/usr/bin:/bin"}}};
  std::stop_source stop;

private:
  std::size_t descriptors_ = open_descriptors();
};

// output

TEST_F(ExecPlugin, SendsWhatCommandsPrint) {
  const auto captured = capture({shell("echo door.open 1 zone:north; echo rain 0.2 rate"),
                                 {{"printf", R"({"metric":"json","value":7}\n)"}, std::nullopt}});
  EXPECT_THAT(captured.faults, IsEmpty());
  EXPECT_EQ(captured.malformed, 0U);
  ASSERT_EQ(captured.metrics.size(), 3U);
  EXPECT_EQ(captured.metrics[0],
            (WrappedMetric{"door.open", SeriesType::gauge, {"zone:north"}, now, 1}));
  EXPECT_EQ(captured.metrics[1], (WrappedMetric{"json", SeriesType::gauge, {}, now, 7}));
  EXPECT_EQ(captured.metrics[2],
            (WrappedMetric{"rain", SeriesType::rate, {}, now, 0.2, seconds{30}}));
}

TEST_F(ExecPlugin, RunsCommandsAnewAtEachCapture) {
  const TempDir dir;
  const auto file = (dir / "count").string();
  const auto exec = plugin({shell("echo x >> " + file + "; echo lines $(wc -l < " + file + ")")});
  EXPECT_EQ(exec->capture(now).metrics.at(0).value, 1);
  const auto second = exec->capture(now + 30);
  EXPECT_EQ(second.metrics.at(0).value, 2);
  EXPECT_EQ(second.metrics.at(0).timestamp, now + 30);
}

TEST_F(ExecPlugin, UsesNoShell) {
  EXPECT_THAT(capture({{{"echo", "a", "1", "$HOME;id"}, std::nullopt}}).metrics.at(0).tags,
              ElementsAre("$HOME;id"));
}

TEST_F(ExecPlugin, GivesOnlyTheEnvironmentThatItWasGiven) {
  ::setenv("CHOUETTE_TEST_SECRET", "s3cret", 1);
  surroundings.environment["ZONE"] = "north";
  const auto captured = capture({shell("echo a 1 zone:$ZONE,secret:$CHOUETTE_TEST_SECRET")});
  EXPECT_THAT(captured.metrics.at(0).tags, ElementsAre("secret:", "zone:north"));
  ::unsetenv("CHOUETTE_TEST_SECRET");
}

TEST_F(ExecPlugin, AddsUpCountsThatSeveralCommandsPrint) {
  const auto captured = capture({shell("echo e 1 count; echo e 1 count"), shell("echo e 5 count")});
  ASSERT_EQ(captured.metrics.size(), 1U);
  EXPECT_EQ(captured.metrics[0].value, 7);
}

TEST_F(ExecPlugin, TakesALastLineWithoutEndFromACommandThatEndedWell) {
  EXPECT_THAT(names_of(capture({shell("printf 'a 1\\nb 2'")})), ElementsAre("a", "b"));
}

TEST_F(ExecPlugin, SendsNothingAndSaysNothingForACommandThatPrintsNothing) {
  const auto captured = capture({{{"true"}, std::nullopt}});
  EXPECT_THAT(captured.metrics, IsEmpty());
  EXPECT_THAT(captured.faults, IsEmpty());
}

TEST_F(ExecPlugin, SaysThatNoCommandIsSet) {
  EXPECT_THAT(capture({}).faults, ElementsAre("EXEC_COMMANDS: no command is set"));
}

TEST_F(ExecPlugin, CountsBadLinesAndShowsOne) {
  const auto captured = capture({shell("echo a 1; echo b; echo c d; echo e 2"), shell("echo f 3")});
  EXPECT_THAT(names_of(captured), UnorderedElementsAre("a", "e", "f"));
  EXPECT_EQ(captured.malformed, 2U);
  EXPECT_THAT(captured.faults,
              ElementsAre("command 1 (/bin/sh): 2 malformed, the first in line 2: no value: b"));
}

TEST_F(ExecPlugin, BoundsTheMetricsOfAllCommandsTogether) {
  const auto captured = capture({shell("seq -f 'a%g 1' 3000"), shell("seq -f 'b%g 1' 3000")});
  EXPECT_EQ(captured.metrics.size(), 5000U);
  EXPECT_EQ(captured.malformed, 1000U);
  EXPECT_THAT(captured.faults,
              ElementsAre("command 2 (/bin/sh): 1000 malformed, the first in line 2001: more "
                          "metrics than a capture may hold: b2001 1"));
}

TEST_F(ExecPlugin, RepeatsTheFirstFaultUntilAllIsWell) {
  const TempDir dir;
  const auto say = [&dir](std::string_view script) { std::ofstream(dir / "script") << script; };
  const auto exec = plugin({{{"sh", (dir / "script").string()}, std::nullopt}});
  const auto faults = [&exec] { return exec->capture(now).faults; };
  say("echo one >&2; exit 1");
  EXPECT_THAT(faults(), ElementsAre("command 1 (sh): exit code 1: one"));
  say("echo two >&2; exit 2");
  EXPECT_THAT(faults(), ElementsAre("command 1 (sh): exit code 1: one"));
  say("echo a 1");
  EXPECT_THAT(faults(), IsEmpty());
  say("echo three >&2; exit 3");
  EXPECT_THAT(faults(), ElementsAre("command 1 (sh): exit code 3: three"));
}

// ends

TEST_F(ExecPlugin, UsesLinesOfACommandThatFailed) {
  const auto captured = capture(
      {shell("echo a 1; printf 'b 2'; echo first >&2; printf 'no \\033sensor\\n\\n' >&2; exit 3")});
  EXPECT_THAT(names_of(captured), ElementsAre("a"));
  EXPECT_THAT(captured.faults, ElementsAre("command 1 (/bin/sh): exit code 3: no ?sensor"));
}

TEST_F(ExecPlugin, TellsASignalAndAnExitCodeWithoutErrorText) {
  EXPECT_THAT(
      capture({shell("kill -9 $$"), shell("exit 1")}).faults,
      ElementsAre("command 1 (/bin/sh): killed by signal 9", "command 2 (/bin/sh): exit code 1"));
}

TEST_F(ExecPlugin, SaysNothingOfErrorTextIfTheCommandEndedWell) {
  EXPECT_THAT(capture({shell("echo a 1; echo warning >&2")}).faults, IsEmpty());
}

TEST_F(ExecPlugin, ShowsTheLastOfMuchErrorText) {
  const auto faults =
      capture(
          {shell("head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; head -c 500 /dev/zero "
                 "| tr '\\0' 'y' >&2; exit 2")})
          .faults;
  EXPECT_THAT(faults,
              ElementsAre("command 1 (/bin/sh): exit code 2: " + std::string(200, 'y') + "…"));
}

TEST_F(ExecPlugin, NamesCommandsThatCannotBeStartedWithoutTheirArguments) {
  const auto captured = capture({{{"/nowhere/tool", "--token=s3cret"}, std::nullopt},
                                 shell("echo a 1"),
                                 {{"no-such-tool\n"}, std::nullopt}});
  EXPECT_THAT(names_of(captured), ElementsAre("a"));
  EXPECT_THAT(captured.faults,
              ElementsAre("command 1 (/nowhere/tool): cannot be started: No such file or directory",
                          "command 3 (no-such-tool?): cannot be started: not found in PATH"));
}

TEST_F(ExecPlugin, EndsCommandsThatTakeTooLongAndUsesTheirLines) {
  surroundings.longest_timeout = milliseconds{200};
  const auto begin = Clock::now();
  const auto captured = capture({shell("echo a 1; printf 'b 2'; sleep 60"), shell("echo c 3")});
  EXPECT_GE(Clock::now() - begin, milliseconds{200});
  EXPECT_LT(Clock::now() - begin, seconds{10});
  EXPECT_THAT(names_of(captured), ElementsAre("a", "c"));
  EXPECT_THAT(captured.faults, ElementsAre("command 1 (/bin/sh): not done after 0.200 s, ended"));
}

TEST_F(ExecPlugin, TakesACommandsOwnTimeoutBeforeTheCommonOne) {
  const auto captured = capture({shell("sleep 60", seconds{1})});
  EXPECT_THAT(captured.faults, ElementsAre("command 1 (/bin/sh): not done after 1 s, ended"));
}

TEST_F(ExecPlugin, RunsCommandsSideBySideAndEndsThoseThatIgnoreSigterm) {
  const TempDir dir;
  surroundings.longest_timeout = milliseconds{400};
  std::vector<ExecCommand> commands;
  for (int i = 0; i < 10; ++i) {
    commands.push_back(shell("trap '' TERM; sleep 60 & echo $! > " +
                             (dir / std::to_string(i)).string() +
                             "; echo hangs 1 i:" + std::to_string(i) + "; wait; sleep 60"));
  }
  commands.push_back(shell("echo good 1"));
  const auto begin = Clock::now();
  const auto captured = capture(commands);
  EXPECT_LT(Clock::now() - begin, seconds{3});
  EXPECT_EQ(captured.metrics.size(), 11U);
  EXPECT_EQ(captured.faults.size(), 10U);
  for (int i = 0; i < 10; ++i) {
    const auto grandchild = pid_in(dir / std::to_string(i));
    ASSERT_GT(grandchild, 0);
    EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
  }
}

TEST_F(ExecPlugin, LetsACommandThatIsToldToEndSayItsLastWords) {
  surroundings.longest_timeout = milliseconds{800};
  const auto captured =
      capture({shell("trap 'echo last 1; exit 0' TERM; while :; do sleep 0.01; done")});
  EXPECT_THAT(names_of(captured), ElementsAre("last"));
  EXPECT_THAT(captured.faults, ElementsAre(HasSubstr("not done after 0.800 s")));
}

TEST_F(ExecPlugin, DoesNotWaitForWhatACommandLeavesBehind) {
  const TempDir dir;
  const auto begin = Clock::now();
  const auto captured = capture(
      {shell("(sleep 60; echo late 1) & echo $! > " + (dir / "pid").string() + "; echo a 1")});
  EXPECT_LT(Clock::now() - begin, seconds{10});
  EXPECT_THAT(names_of(captured), ElementsAre("a"));
  EXPECT_THAT(captured.faults, IsEmpty());
  const auto left = pid_in(dir / "pid");
  EXPECT_TRUE(eventually([left] { return !is_alive(left); }));
}

TEST_F(ExecPlugin, DoesNotReadWithoutEndFromWhatLeftItsGroup) {
  const TempDir dir;
  const auto file = (dir / "pid").string();
  const auto begin = Clock::now();
  const auto captured =
      capture({shell("setsid sh -c 'echo $$ > " + file + "; exec yes >&2' & while [ ! -s " + file +
                     " ]; do :; done; echo a 1")});
  EXPECT_LT(Clock::now() - begin, seconds{10});
  EXPECT_THAT(names_of(captured), ElementsAre("a"));
  const auto left = pid_in(dir / "pid");
  EXPECT_TRUE(eventually([left] { return !is_alive(left); })) << "SIGPIPE ends it";
}

TEST_F(ExecPlugin, WaitsForACommandThatClosedItsOutput) {
  const auto captured = capture({shell("echo a 1; exec >&- 2>&-; sleep 0.1; exit 9")});
  EXPECT_THAT(names_of(captured), ElementsAre("a"));
  EXPECT_THAT(captured.faults, ElementsAre("command 1 (/bin/sh): exit code 9"));
}

// too much

TEST_F(ExecPlugin, EndsACommandThatPrintsTooMuchAndUsesItsWholeLines) {
  const auto begin = Clock::now();
  const auto captured = capture({shell("echo a 1; yes '# comment'"), shell("echo b 2")});
  EXPECT_LT(Clock::now() - begin, seconds{10});
  EXPECT_THAT(names_of(captured), ElementsAre("a", "b"));
  EXPECT_EQ(captured.malformed, 0U) << "the line that was cut";
  EXPECT_THAT(captured.faults,
              ElementsAre("command 1 (/bin/sh): printed more than 1048576 bytes, ended"));
}

TEST_F(ExecPlugin, TakesAsMuchAsMayBePrinted) {
  const auto captured =
      capture({shell("echo '#'; head -c 1048568 /dev/zero | tr '\\0' ' '; echo 'a 1'; "
                     "printf 'b '")});
  EXPECT_THAT(captured.faults, ElementsAre(HasSubstr("line 3: no value: b")));
  EXPECT_THAT(names_of(captured), ElementsAre("a"));
  const auto more =
      capture({shell("echo '#'; head -c 1048568 /dev/zero | tr '\\0' ' '; echo 'a 1'; "
                     "printf 'b 2'")});
  EXPECT_THAT(more.faults, ElementsAre(HasSubstr("printed more than")));
  EXPECT_THAT(names_of(more), ElementsAre("a"));
}

TEST_F(ExecPlugin, SaysTooMuchOfACommandThatHasEndedToo) {
  const auto captured = capture({shell("head -c 1048577 /dev/zero | tr '\\0' '\\n'")});
  EXPECT_THAT(captured.faults, ElementsAre(HasSubstr("printed more than 1048576 bytes")));
}

TEST_F(ExecPlugin, SurvivesGarbage) {
  const auto captured = capture({shell("head -c 100000 /dev/urandom"), shell("echo a 1")});
  EXPECT_THAT(names_of(captured), testing::Contains("a"));
  EXPECT_GT(captured.malformed, 0U);
}

// stopping, and what cannot be ended

TEST_F(ExecPlugin, ReturnsSoonWhenStopped) {
  const TempDir dir;
  const auto file = dir / "pid";
  const auto exec = plugin(
      {shell("trap '' TERM; echo a 1; echo $$ > " + file.string() + "; sleep 60; sleep 60")});
  auto captured = std::async(std::launch::async, [&exec] { return exec->capture(now); });
  ASSERT_TRUE(eventually([&file] { return pid_in(file) > 0; }));
  const auto begin = Clock::now();
  stop.request_stop();
  EXPECT_THAT(names_of(captured.get()), ElementsAre("a"));
  EXPECT_LT(Clock::now() - begin, milliseconds{1500});
  EXPECT_FALSE(is_alive(pid_in(file)));
}

TEST_F(ExecPlugin, StartsNothingOnceStopped) {
  const auto exec = plugin({{{"/nowhere/tool"}, std::nullopt}});
  stop.request_stop();
  EXPECT_THAT(exec->capture(now).faults, IsEmpty());
}

TEST_F(ExecPlugin, LeavesACommandThatCannotBeEndedAndRunsTheOthers) {
  const TempDir dir;
  const auto file = dir / "pid";
  surroundings.longest_timeout = milliseconds{400};
  const auto script = "test -e " + file.string() + " && echo back 1 && exit; echo $$ > " +
                      file.string() + "; sleep 60";
  test::HeldProcess holder(file);
  {
    const auto exec = plugin({shell(script), shell("echo a 1")});
    const auto first = exec->capture(now);
    if (!holder.held()) GTEST_SKIP() << "no process may trace another here";
    EXPECT_THAT(names_of(first), ElementsAre("a"));
    EXPECT_THAT(first.faults,
                ElementsAre("command 1 (/bin/sh): not done after 0.400 s, cannot be ended"));
    const auto pid = pid_in(file);

    const auto second = exec->capture(now);
    EXPECT_THAT(names_of(second), ElementsAre("a"));
    EXPECT_EQ(second.faults, first.faults);
    EXPECT_EQ(pid_in(file), pid) << "it was started again";

    holder.release();
    EXPECT_TRUE(eventually([&] { return exec->capture(now).metrics.size() == 2; }));
  }
}

TEST_F(ExecPlugin, StartsNoCommandAgainWhoseOrphanCannotBeEnded) {
  const TempDir dir;
  const auto file = dir / "pid";
  test::HeldProcess holder(file);
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  bool held = false;
  {
    // Its leader ends once the orphan is held.
    const auto exec = plugin({shell("sleep 60 & echo $! > " + file.string() +
                                    "; for i in $(seq 300); do grep -q 'TracerPid:.0$' "
                                    "/proc/$!/status || break; sleep 0.01; done; echo a 1")});
    const auto first = exec->capture(now);
    held = holder.held();
    EXPECT_THAT(names_of(first), ElementsAre("a"));
    EXPECT_THAT(first.faults, IsEmpty());
    if (held) {
      const auto second = exec->capture(now);
      EXPECT_THAT(second.metrics, IsEmpty());
      EXPECT_THAT(second.faults,
                  ElementsAre("command 1 (/bin/sh): an earlier run of it cannot be ended"));
    }
    holder.release();
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  if (!held) GTEST_SKIP() << "no process may trace another here";
}

}  // namespace
}  // namespace chouette
