#include "tegrastats/tegrastats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "config/config.hpp"
#include "fake_tegrastats.hpp"
#include "plugins.hpp"
#include "plugins/capture_time.hpp"
#include "process/processes.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test::eventually;
using test::FakeTegrastats;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Clock = std::chrono::steady_clock;

const std::vector<std::string> all_kinds{"ram", "temp", "gpu", "power", "swap"};
const std::string stay = "\nwhile :; do sleep 1; done";

/// Patient where something is to come, so that slow machines pass.
constexpr TegrastatsTimes patient{.first_line = 10s};

/// Quick in all else.
constexpr TegrastatsTimes quick{.first_line = 10s,
                                .late = 300ms,
                                .first_pause = 40ms,
                                .longest_pause = 160ms,
                                .breath = 10ms,
                                .grace = 100ms};

std::unique_ptr<Plugin> make_plugin(const FakeTegrastats& fake, milliseconds interval = 60s,
                                    const TegrastatsTimes& times = patient,
                                    std::vector<std::string> metrics = {"ram"},
                                    std::stop_token stop = {}) {
  return make_tegrastats_plugin({.path = fake.path(), .metrics = std::move(metrics)}, interval,
                                {{"PATH", "/usr/local/bin:/usr/bin:/bin"}}, std::move(stop), times);
}

/// One metric a line: name{tag} value.
std::string to_text(const Capture& capture) {
  std::string text;
  for (const auto& metric : capture.metrics) {
    text += metric.name;
    if (!metric.tags.empty()) text += '{' + metric.tags.at(0) + '}';
    std::array<char, 64> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), metric.value,
                                       std::chars_format::fixed);
    text += ' ' + std::string(digits.data(), written.ptr) + '\n';
  }
  return text;
}

/// Of the memory in use, if it was captured.
std::vector<double> used_mib(const Capture& capture) {
  std::vector<double> values;
  for (const auto& metric : capture.metrics) {
    if (metric.name == "Chouette.tegrastats.ram.used")
      values.push_back(metric.value / (1024.0 * 1024));
  }
  return values;
}

/// Captures until there is a fault.
std::vector<std::string> faults_of(Plugin& plugin) {
  Capture capture;
  eventually([&] { return !(capture = plugin.capture(now)).faults.empty(); });
  return capture.faults;
}

/// Captures until there are metrics.
Capture metrics_of(Plugin& plugin) {
  Capture capture;
  eventually([&] { return !(capture = plugin.capture(now)).metrics.empty(); });
  return capture;
}

milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

std::size_t open_files() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool is_gone(pid_t pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

// Metrics

TEST(TegrastatsPlugin, MakesOfARecordedLineWhatIsExpected) {
  for (const auto& recorded : test::recorded_lines()) {
    const FakeTegrastats fake("cat line" + stay);
    fake.write("line", recorded.line + '\n');
    EXPECT_EQ(to_text(make_plugin(fake, 60s, patient, all_kinds)->capture(now)), recorded.expected)
        << recorded.name;
  }
}

TEST(TegrastatsPlugin, SendsOnlyTheKindsThatAreListed) {
  const FakeTegrastats fake("echo 'RAM 1/3MB SWAP 4/6MB GR3D_FREQ 5% CPU@7C VDD_IN 8/9'" + stay);
  const auto text = [&fake](const std::string& kind) {
    const auto capture = make_plugin(fake, 60s, patient, {kind})->capture(now);
    EXPECT_THAT(capture.faults, IsEmpty());
    return to_text(capture);
  };
  EXPECT_EQ(text("ram"),
            "Chouette.tegrastats.ram.used 1048576\nChouette.tegrastats.ram.free 2097152\n");
  EXPECT_EQ(text("temp"), "Chouette.tegrastats.temperature{zone:CPU} 7\n");
  EXPECT_EQ(text("gpu"), "Chouette.tegrastats.gpu.percentage 5\n");
  EXPECT_EQ(text("power"), "Chouette.tegrastats.power{rail:VDD_IN} 8\n");
  EXPECT_EQ(text("swap"),
            "Chouette.tegrastats.swap.used 4194304\nChouette.tegrastats.swap.free 2097152\n");
}

TEST(TegrastatsPlugin, SaysWhichKindTheBoardDoesNotPrint) {
  const FakeTegrastats fake("echo 'RAM 1/3MB CPU@7C GPU@-256C GR3D_FREQ @[0,0,0]'" + stay);
  const auto capture = make_plugin(fake, 60s, patient, all_kinds)->capture(now);
  EXPECT_EQ(capture.metrics.size(), 3U);
  EXPECT_THAT(capture.faults, ElementsAre("gpu: none in the line of tegrastats",
                                          "power: none in the line of tegrastats",
                                          "swap: none in the line of tegrastats"));
}

TEST(TegrastatsPlugin, SendsGaugesThatCarryTheTimeOfALineThatIsNew) {
  const FakeTegrastats fake("echo 'RAM 0/3MB'" + stay);
  const auto capture = make_plugin(fake)->capture(now);
  ASSERT_EQ(capture.metrics.size(), 2U);
  for (const auto& metric : capture.metrics) {
    EXPECT_EQ(metric.timestamp, now);
    EXPECT_EQ(metric.type, SeriesType::gauge);
    EXPECT_EQ(metric.interval, 0s);
  }
  EXPECT_EQ(capture.metrics[0].value, 0);
}

TEST(TegrastatsPlugin, DatesALineBackToWhenItWasPrinted) {
  const FakeTegrastats fake(
      "echo 'RAM 1/3MB'; while ! [ -e go ]; do sleep 0.01; done\n"
      "echo 'RAM 2/3MB'; touch done.$$" +
      stay);
  const auto plugin = make_plugin(fake);
  const auto other = make_plugin(fake);
  ASSERT_THAT(used_mib(plugin->capture(now)), ElementsAre(1));
  ASSERT_THAT(used_mib(other->capture(now)), ElementsAre(1));
  const auto asked = Clock::now();
  fake.write("go", "");
  for (const auto& start : fake.starts()) {
    ASSERT_TRUE(eventually([&] { return fake.has("done." + std::to_string(start.pid)); }));
  }
  std::this_thread::sleep_for(1200ms);

  const auto capture = plugin->capture(now + 60);
  const auto oldest = std::chrono::ceil<std::chrono::seconds>(since(asked)).count();
  ASSERT_THAT(used_mib(capture), ElementsAre(2));
  // The clock may have shown any part of that second: not later than the line was printed.
  EXPECT_LE(capture.metrics[0].timestamp, now + 58);
  EXPECT_GE(capture.metrics[0].timestamp, now + 60 - oldest);

  // A second that has its point already is not used again.
  const auto next = other->capture(now + 1);
  ASSERT_THAT(used_mib(next), ElementsAre(2));
  EXPECT_EQ(next.metrics[0].timestamp, now + 1);
}

TEST(TegrastatsPlugin, SendsALineOnce) {
  const FakeTegrastats fake("echo 'RAM 1/3MB'" + stay);
  const auto plugin = make_plugin(fake);
  ASSERT_EQ(plugin->capture(now).metrics.size(), 2U);
  const auto begin = Clock::now();
  const auto second = plugin->capture(now + 1);
  EXPECT_LT(since(begin), 5s);
  EXPECT_THAT(second.metrics, IsEmpty());
  EXPECT_THAT(second.faults, IsEmpty());
}

TEST(TegrastatsPlugin, SendsTheLatestOfSeveralLines) {
  const FakeTegrastats fake("cat lines" + stay);
  fake.write("lines", "RAM 1/9MB\nRAM 2/9MB\nRAM 3/9MB\nRAM 4/");
  EXPECT_THAT(used_mib(make_plugin(fake)->capture(now)), ElementsAre(3));
}

TEST(TegrastatsPlugin, PutsTogetherALineThatComesInPieces) {
  const FakeTegrastats fake("printf 'RA'; sleep 0.05; printf 'M 1/9'; sleep 0.05; echo MB" + stay);
  EXPECT_THAT(used_mib(make_plugin(fake)->capture(now)), ElementsAre(1));
}

TEST(TegrastatsPlugin, PassesOverLinesThatAreNotUnderstood) {
  const FakeTegrastats fake(R"(printf 'a banner\n\nRAM 1/9MB\nWarning: \377\000!\n\n')" + stay);
  const auto plugin = make_plugin(fake);
  EXPECT_THAT(used_mib(plugin->capture(now)), ElementsAre(1));
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
}

TEST(TegrastatsPlugin, WaitsForTheLineThatFollowsABanner) {
  const FakeTegrastats fake("echo 'a banner'; sleep 0.3; echo 'RAM 1/9MB'" + stay);
  const auto plugin = make_plugin(fake, 60s, quick);
  const auto capture = plugin->capture(now);
  EXPECT_THAT(used_mib(capture), ElementsAre(1));
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST(TegrastatsPlugin, DropsALineOfMoreThan64KiB) {
  const FakeTegrastats fake(
      "echo 'RAM 1/9MB'; head -c 70000 /dev/zero | tr '\\0' x; echo ' RAM 2/9MB'; touch long\n"
      "while ! [ -e go ]; do sleep 0.01; done; echo 'RAM 3/9MB'" +
      stay);
  const auto plugin = make_plugin(fake);
  EXPECT_THAT(used_mib(plugin->capture(now)), ElementsAre(1));
  ASSERT_TRUE(eventually([&] { return fake.has("long"); }));
  fake.write("go", "");
  EXPECT_THAT(used_mib(metrics_of(*plugin)), ElementsAre(3));
}

// The program's start

TEST(TegrastatsPlugin, AsksForFourLinesAnInterval) {
  const auto arguments = [](milliseconds interval) {
    const FakeTegrastats fake("echo 'RAM 1/3MB'" + stay);
    const auto plugin = make_plugin(fake, interval);
    eventually([&fake] { return !fake.starts().empty(); });
    return fake.starts().at(0).arguments;
  };
  EXPECT_EQ(arguments(30s), "--interval 7500");
  EXPECT_EQ(arguments(40s), "--interval 10000");
  EXPECT_EQ(arguments(41s), "--interval 10000");
  EXPECT_EQ(arguments(1ms), "--interval 100");
  EXPECT_EQ(arguments(std::chrono::hours(24 * 365)), "--interval 10000");
}

TEST(TegrastatsPlugin, GivesItTheEnvironmentAndThePlainLocale) {
  const FakeTegrastats fake("env >environment; echo 'RAM 1/3MB'" + stay);
  const auto plugin = make_tegrastats_plugin(
      {.path = fake.path(), .metrics = {"ram"}}, 60s,
      {{"PATH", "/usr/bin:/bin"}, {"ONE", "1"}, {"LC_ALL", "de_DE.UTF-8"}}, {}, patient);
  ASSERT_THAT(used_mib(plugin->capture(now)), ElementsAre(1));
  const auto environment = fake.read("environment");
  EXPECT_THAT(environment, HasSubstr("ONE=1\n"));
  EXPECT_THAT(environment, HasSubstr("LC_ALL=C\n"));
  EXPECT_THAT(environment, Not(HasSubstr("HOME=")));
}

TEST(TegrastatsPlugin, SaysThatThereIsNoSuchProgram) {
  const auto plugin = make_tegrastats_plugin({.path = "/nowhere/tegrastats", .metrics = {"ram"}},
                                             60s, {}, {}, patient);
  const auto begin = Clock::now();
  const auto capture = plugin->capture(now);
  EXPECT_LT(since(begin), 5s);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre("/nowhere/tegrastats: No such file or directory"));
}

TEST(TegrastatsPlugin, FindsTheProgramOnceItIsThere) {
  const FakeTegrastats fake("echo 'RAM 1/3MB'" + stay);
  std::filesystem::rename(fake.path(), fake.path() + ".later");
  const auto plugin = make_plugin(fake, 60s, quick);
  EXPECT_EQ(plugin->capture(now).faults.size(), 1U);
  std::filesystem::rename(fake.path() + ".later", fake.path());
  EXPECT_THAT(used_mib(metrics_of(*plugin)), ElementsAre(1));
}

// Its end

TEST(TegrastatsPlugin, SaysHowItEndedAndWhatItSaidLast) {
  const auto fault = [](const std::string& script) {
    const FakeTegrastats fake(script);
    auto faults = make_plugin(fake, 60s, quick)->capture(now).faults;
    return faults.empty() ? "" : faults[0].substr(fake.path().size());
  };
  EXPECT_EQ(fault("exit 3"), ": exit code 3");
  EXPECT_EQ(fault("exit 0"), ": exit code 0");
  EXPECT_EQ(fault("kill -9 $$"), ": killed by signal 9");
  EXPECT_EQ(fault("echo one >&2; echo 'must be root' >&2; exit 1"), ": exit code 1: must be root");
  EXPECT_EQ(fault("printf 'a\\033b\\tc\\303\\244' >&2; exit 1"), ": exit code 1: a?b?c??");
  EXPECT_EQ(fault("head -c 9999 /dev/zero | tr '\\0' x >&2; exit 1"),
            ": exit code 1: " + std::string(200, 'x'));
  EXPECT_EQ(fault("exec >&-; sleep 1000"), ": closed its output");
  EXPECT_EQ(fault("echo 'RAM: 1 of 3 MB'; exit 0"),
            ": exit code 0, printed what is not understood");
}

TEST(TegrastatsPlugin, SendsTheLastLineBeforeItSaysThatTheProgramEnded) {
  const FakeTegrastats fake("echo 'RAM 1/3MB'; exit 3");
  auto times = quick;
  times.first_pause = 60s;
  const auto plugin = make_plugin(fake, 60s, times);
  const auto first = metrics_of(*plugin);
  EXPECT_THAT(used_mib(first), ElementsAre(1));
  EXPECT_THAT(first.faults, IsEmpty());
  EXPECT_THAT(faults_of(*plugin), ElementsAre(fake.path() + ": exit code 3"));
}

TEST(TegrastatsPlugin, StartsAProgramThatFailsEverMoreSeldom) {
  const FakeTegrastats fake("exit 1");
  const auto begin = Clock::now();
  const auto plugin = make_plugin(fake, 60s, quick);
  ASSERT_TRUE(eventually([&fake] { return fake.starts().size() >= 5; }));
  EXPECT_GE(since(begin), 40ms + 80ms + 160ms + 160ms);
}

TEST(TegrastatsPlugin, StartsAProgramThatHasLastedAgainAtOnce) {
  const FakeTegrastats fake(
      "[ $(wc -l <starts) -ge 4 ] || exit 1\n"
      "echo 'RAM 1/3MB'; sleep 0.15; echo 'RAM 1/3MB'; exit 1");
  auto times = quick;
  times.longest_pause = 60s;
  const auto plugin = make_plugin(fake, 100ms, times);
  // Pauses that went on doubling would add up to 40 s.
  EXPECT_TRUE(eventually([&fake] { return fake.starts().size() >= 11; }));
}

TEST(TegrastatsPlugin, StartsAProgramThatPrintsALineAndEndsEverMoreSeldomAndSaysSo) {
  const FakeTegrastats fake("echo 'RAM 1/3MB'; exit 3");
  const auto begin = Clock::now();
  const auto plugin = make_plugin(fake, 60s, quick);
  ASSERT_TRUE(eventually([&fake] { return fake.starts().size() >= 5; }));
  EXPECT_GE(since(begin), 40ms + 80ms + 160ms + 160ms);
  const auto capture = plugin->capture(now);
  EXPECT_THAT(used_mib(capture), ElementsAre(1));
  EXPECT_THAT(capture.faults, ElementsAre(fake.path() + ": exit code 3"));
}

TEST(TegrastatsPlugin, StartsNoSecondProgramBesideOneThatCannotBeEnded) {
  const FakeTegrastats fake("echo $$ >pid.new; mv pid.new pid; sleep 1000");
  auto times = quick;
  times.late = 1s;
  test::HeldProcess holder(fake.folder() / "pid");
  const auto plugin = make_plugin(fake, 100ms, times);
  if (!holder.held()) GTEST_SKIP() << "no process may trace another here";
  EXPECT_TRUE(eventually([&] {
    const auto faults = plugin->capture(now).faults;
    return faults == std::vector<std::string>{fake.path() + ": cannot be ended"};
  }));
  std::this_thread::sleep_for(500ms);  // more than the longest pause
  EXPECT_EQ(fake.starts().size(), 1U);
  holder.release();
  EXPECT_TRUE(eventually([&fake] { return fake.starts().size() > 1; }));
}

TEST(TegrastatsPlugin, EndsSoonBesideAProgramThatCannotBeEnded) {
  const FakeTegrastats fake("echo $$ >pid.new; mv pid.new pid; echo 'RAM 1/3MB'; sleep 1000");
  test::HeldProcess holder(fake.folder() / "pid");
  auto plugin = make_plugin(fake, 60s, quick);
  if (!holder.held()) GTEST_SKIP() << "no process may trace another here";
  const auto begin = Clock::now();
  plugin.reset();
  EXPECT_LT(since(begin), 2s);
  holder.release();
  const auto left = fake.starts().at(0).pid;
  EXPECT_TRUE(eventually([left] { return ::waitpid(left, nullptr, WNOHANG) == left; }));
}

TEST(TegrastatsPlugin, KillsAProgramThatFallsSilentAndStartsItAgain) {
  const FakeTegrastats fake(
      "if [ -e again ]; then while ! [ -e go ]; do sleep 0.01; done; echo 'RAM 2/3MB'\n"
      "else touch again; for i in 1 2 3 4; do echo 'RAM 1/3MB'; sleep 0.05; done; fi" +
      stay);
  const auto plugin = make_plugin(fake, 100ms, quick);
  EXPECT_THAT(used_mib(metrics_of(*plugin)), ElementsAre(1));
  EXPECT_THAT(faults_of(*plugin), ElementsAre(fake.path() + ": printed no line for 500 ms"));
  EXPECT_TRUE(eventually([&fake] { return is_gone(fake.starts().at(0).pid); }));
  fake.write("go", "");
  const auto capture = metrics_of(*plugin);
  EXPECT_THAT(used_mib(capture), ElementsAre(2));
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST(TegrastatsPlugin, CountsNeitherHalfALineNorGarbageAsALifeSign) {
  const auto fault = [](const std::string& script) {
    const FakeTegrastats fake(script);
    const auto plugin = make_plugin(fake, 100ms, quick);
    std::string last;
    eventually([&] {
      last = faults_of(*plugin).at(0).substr(fake.path().size());
      return last.find("for") != std::string::npos;
    });
    return last;
  };
  EXPECT_EQ(fault("printf 'RAM 1/3MB'" + stay), ": printed no line for 500 ms");
  EXPECT_EQ(fault("cat /dev/zero"), ": printed no line for 500 ms");
  EXPECT_EQ(fault("while :; do echo garbage; sleep 0.02; done"),
            ": printed no line that is understood for 500 ms");
}

TEST(TegrastatsPlugin, IsNotHeldUpByAFlood) {
  for (const std::string script :
       {"yes 'RAM 1/3MB'", "echo 'RAM 1/3MB'; yes error >&2", "yes garbage & yes 'RAM 1/3MB'"}) {
    const FakeTegrastats fake(script);
    auto plugin = make_plugin(fake, 60s, quick);
    EXPECT_THAT(used_mib(metrics_of(*plugin)), ElementsAre(1)) << script;
    const auto begin = Clock::now();
    plugin.reset();
    EXPECT_LT(since(begin), 2s) << script;
  }
}

// Waiting

TEST(TegrastatsPlugin, WaitsForTheFirstLineNoLongerThanItMay) {
  const FakeTegrastats fake("sleep 1000");
  auto times = patient;
  times.first_line = 50ms;
  const auto plugin = make_plugin(fake, 60s, times);
  const auto begin = Clock::now();
  const auto capture = plugin->capture(now);
  EXPECT_GE(since(begin), 50ms);
  EXPECT_LT(since(begin), 5s);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST(TegrastatsPlugin, NeverWaitsAWholeInterval) {
  const FakeTegrastats fake("sleep 1000");
  const auto plugin = make_plugin(fake, 2s, patient);
  const auto begin = Clock::now();
  EXPECT_THAT(plugin->capture(now).metrics, IsEmpty());
  EXPECT_GE(since(begin), 1600ms);
  EXPECT_LT(since(begin), 2s);
}

TEST(TegrastatsPlugin, WaitsOnlyOnce) {
  const FakeTegrastats fake("sleep 1000");
  auto times = patient;
  times.first_line = 500ms;
  const auto plugin = make_plugin(fake, 60s, times);
  plugin->capture(now);
  const auto begin = Clock::now();
  for (int i = 0; i < 20; ++i) plugin->capture(now);
  EXPECT_LT(since(begin), 5s);
}

TEST(TegrastatsPlugin, StopsWaitingWhenItIsToldTo) {
  const FakeTegrastats fake("sleep 1000");
  auto times = patient;
  times.first_line = 60s;
  std::stop_source source;
  const auto plugin = make_plugin(fake, 600s, times, {"ram"}, source.get_token());
  const auto begin = Clock::now();
  const std::jthread stopper([&source] {
    std::this_thread::sleep_for(30ms);
    source.request_stop();
  });
  plugin->capture(now);
  EXPECT_LT(since(begin), 5s);
}

// Leftovers

TEST(TegrastatsPlugin, LeavesNoProcessAndNoFileOpen) {
  auto times = quick;
  times.first_line = 500ms;
  const auto files = open_files();
  for (const std::string& script : std::vector<std::string>{
           "echo 'RAM 1/3MB'" + stay, "echo 'RAM 1/3MB'", "exit 1", "yes" + stay}) {
    const FakeTegrastats fake(script);
    auto plugin = make_plugin(fake, 60s, times);
    plugin->capture(now);
    plugin.reset();
    EXPECT_EQ(open_files(), files) << script;
    for (const auto& start : fake.starts()) EXPECT_TRUE(is_gone(start.pid)) << script;
  }
}

TEST(TegrastatsPlugin, EndsAProgramThatIgnoresItAndWhatItHasStarted) {
  const FakeTegrastats fake("trap '' TERM; sleep 1000 & echo $! >grandchild; echo 'RAM 1/3MB'" +
                            stay);
  auto plugin = make_plugin(fake, 60s);
  ASSERT_THAT(used_mib(plugin->capture(now)), ElementsAre(1));
  const auto grandchild = static_cast<pid_t>(std::stol(fake.read("grandchild")));
  ASSERT_TRUE(test::is_running(grandchild));
  const auto begin = Clock::now();
  plugin.reset();
  EXPECT_LT(since(begin), 2s);
  EXPECT_TRUE(is_gone(fake.starts().at(0).pid));
  EXPECT_TRUE(eventually([grandchild] { return !test::is_running(grandchild); }));
}

TEST(TegrastatsPlugin, EndsWhileItWaitsToStartTheProgramAgain) {
  const FakeTegrastats fake("exit 1");
  auto times = patient;
  times.first_pause = 60s;
  auto plugin = make_plugin(fake, 60s, times);
  EXPECT_EQ(plugin->capture(now).faults.size(), 1U);
  const auto begin = Clock::now();
  plugin.reset();
  EXPECT_LT(since(begin), 2s);
}

TEST(TegrastatsPlugin, CanBeMadeAndDestroyedAtAnyTime) {
  const FakeTegrastats fake("echo 'RAM 1/3MB'" + stay);
  const auto files = open_files();
  for (int i = 0; i < 20; ++i) {
    const auto plugin = make_plugin(fake, 60s, quick);
    std::this_thread::sleep_for(milliseconds(i));
  }
  EXPECT_EQ(open_files(), files);
  for (const auto& start : fake.starts()) EXPECT_TRUE(is_gone(start.pid));
}

TEST(TegrastatsPlugin, IsMadeFromTheTable) {
  const FakeTegrastats fake("echo 'RAM 1/3MB CPU@7C'; env >environment" + stay);
  const auto table = plugin_table();
  const auto entry = std::find_if(table.begin(), table.end(),
                                  [](const auto& each) { return each.name == "tegrastats"; });
  ASSERT_NE(entry, table.end());
  Config config{};
  config.capture_interval = 10s;
  config.tegrastats_plugin = {.path = fake.path(), .metrics = {"temp"}};
  config.child_environment = {{"PATH", "/usr/bin:/bin"}, {"ONE", "1"}};
  const auto plugin = entry->make({config, {}, {}});
  EXPECT_EQ(to_text(metrics_of(*plugin)), "Chouette.tegrastats.temperature{zone:CPU} 7\n");
  EXPECT_EQ(fake.starts().at(0).arguments, "--interval 2500");
  EXPECT_TRUE(
      eventually([&] { return fake.has("environment") && !fake.read("environment").empty(); }));
  EXPECT_THAT(fake.read("environment"), HasSubstr("ONE=1\n"));
}

}  // namespace
}  // namespace chouette
