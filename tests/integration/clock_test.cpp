#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

constexpr double hour = 3600;
constexpr double years = 3 * 365 * 24 * hour;

/// The library that gives a process another clock; empty if it is not installed.
std::filesystem::path faketime_library() {
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator("/usr/lib", none)) {
    auto library = folder.path() / "faketime" / "libfaketimeMT.so.1";
    if (std::filesystem::exists(library, none)) {
      return library;
    }
  }
  return {};
}

/// Why no process can be given another clock; empty if one can.
std::string why_no_fake_clock() {
#ifdef CHOUETTE_SANITIZED
  return "sanitizers and LD_PRELOAD do not go together";
#else
  return faketime_library().empty() ? "libfaketime is not installed" : "";
#endif
}

/// A wall clock that is wrong by as much as one likes, for an agent and those who write for it.
/// The steady clock, Redis and the intake go on as ever.
class FakeClock {
public:
  explicit FakeClock(double offset) { set(offset); }

  /// Jumps to so many seconds ahead of the real time.
  void set(double offset) {
    {
      std::ofstream file(folder_ / "next");
      file << (offset < 0 ? "" : "+") << static_cast<std::int64_t>(offset);
    }
    std::filesystem::rename(folder_ / "next", folder_ / "offset");
    offset_ = offset;
  }

  double now() const { return unix_now() + offset_; }

  ChildProcess::Environment environment() const {
    return {{"LD_PRELOAD", faketime_library()},
            {"FAKETIME_TIMESTAMP_FILE", folder_ / "offset"},
            {"FAKETIME_NO_CACHE", "1"},
            {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  }

private:
  TempDir folder_;
  double offset_ = 0;
};

/// An agent that goes by a fake clock.
class AgentWithClock : public AgentProcess {
public:
  AgentWithClock(const RedisServer& redis, const Intake& intake, const FakeClock& clock)
      : AgentProcess(redis, intake, clock.environment()) {}

  /// libfaketime leaves its shared memory behind where it is killed.
  ~AgentWithClock() {
    kill();
    std::error_code none;
    for (const auto* file : {"/dev/shm/faketime_shm_", "/dev/shm/sem.faketime_sem_"}) {
      std::filesystem::remove(file + std::to_string(pid()), none);
    }
  }
};

/// An agent with a clock of its own between a Redis and an intake, and an application.
class Clock : public ::testing::Test {
protected:
  void SetUp() override {
    if (const auto reason = why_no_fake_clock(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }

  /// Writes a count of `phase`, and one of `hits`, each 20 ms.
  void write_for(std::chrono::milliseconds duration, const std::string& phase) {
    const auto end = std::chrono::steady_clock::now() + duration;
    auto& times = written_[phase];
    times.first = unix_now();
    while (std::chrono::steady_clock::now() < end) {
      const auto now = clock_.now();
      const auto value = static_cast<double>(++records_);
      redis_.add({{"hits", "count", value, now}, {phase, "count", value, now}});
      sums_["hits"] += value;
      sums_[phase] += value;
      std::this_thread::sleep_for(20ms);
    }
    times.second = unix_now();
    redis_.add_log({{"message", phase}}, clock_.now());
  }

  void jump_to(double offset) {
    clock_.set(offset);
    ++jumps_;
  }

  /// What may be missing of `metric`: only `hits` is written on both sides of a jump, where the
  /// last second before it may meet the first one after it (docs/reliability.md, "not exact").
  double may_be_missing(const std::string& metric) {
    double largest = 0;
    if (metric == "hits") {
      for (const auto& [phase, times] : written_) {
        for (const auto& [second, point] : intake_.points(phase)) {
          largest = std::max(largest, point.value);
        }
      }
    }
    return jumps_ * largest;
  }

  bool all_arrived() {
    return std::all_of(sums_.begin(), sums_.end(),
                       [&](const auto& sum) {
                         return intake_.sum(sum.first) >= sum.second - may_be_missing(sum.first);
                       }) &&
           intake_.logs().size() == written_.size();
  }

  void expect_sums() {
    for (const auto& [metric, sum] : sums_) {
      EXPECT_LE(intake_.sum(metric), sum) << metric;
      EXPECT_GE(intake_.sum(metric), sum - may_be_missing(metric)) << metric;
    }
  }

  void expect_all_arrived() {
    intake_.wait_until([&] { return all_arrived(); }, 20s);
    expect_sums();
    EXPECT_EQ(intake_.logs().size(), written_.size());
    EXPECT_TRUE(eventually([&] {
      return redis_.size(raw_metrics) + redis_.size(wrapped_metrics) + redis_.size(wrapped_logs) ==
             0;
    }));
    EXPECT_EQ(intake_.sum("chouette.dropped.metrics"), 0);
    EXPECT_EQ(intake_.sum("chouette.dropped.logs"), 0);
    EXPECT_EQ(intake_.violations(), Violations{});
  }

  /// The points of `phase` bear the times that a clock with `offset` showed when it was written.
  void expect_times(const std::string& phase, double offset) {
    constexpr double tolerance = 5;
    const auto [begin, end] = written_.at(phase);
    for (const auto& [second, point] : intake_.points(phase)) {
      EXPECT_GE(static_cast<double>(second), begin + offset - tolerance) << phase;
      EXPECT_LE(static_cast<double>(second), end + offset + tolerance) << phase;
    }
  }

  /// None of what arrives after `real_time` is of the future for a clock with `offset`.
  void expect_no_future_since(double real_time, double offset) {
    for (const auto& request : intake_.metric_requests()) {
      const auto time = std::chrono::duration<double>(request.http.time.time_since_epoch()).count();
      if (time < real_time) {
        continue;
      }
      for (const auto& series : request.payload.at("series")) {
        for (const auto& point : series.at("points")) {
          EXPECT_LE(point.at(0).get<double>(), time + offset + 2) << series;
        }
      }
    }
  }

  /// What the agent said last about its clock, in seconds behind the intake's.
  double told_offset(double now) {
    const auto points = intake_.points("chouette.clock.offset");
    double told = NAN;
    for (const auto& [second, point] : points) {
      if (std::abs(static_cast<double>(second) - now) < 60) {
        told = point.value;
      }
    }
    return told;
  }

  RedisServer server_;
  Intake intake_;
  RedisClient redis_ = server_.client();
  FakeClock clock_{0};
  int records_ = 0;
  int jumps_ = 0;
  std::map<std::string, double> sums_;
  std::map<std::string, std::pair<double, double>> written_;  ///< Real times, by phase.
};

struct Jump {
  std::string name;
  double before;
  double after;
};

void PrintTo(const Jump& jump, std::ostream* out) {
  *out << jump.name;
}

class ClockJump : public Clock, public ::testing::WithParamInterface<Jump> {};

TEST_P(ClockJump, StopsNothingAndDeletesNothing) {
  const auto& [name, before, after] = GetParam();
  clock_.set(before);
  AgentWithClock agent(server_, intake_, clock_);
  write_for(2s, "sent");
  expect_all_arrived();
  EXPECT_NEAR(told_offset(clock_.now()), -before, 3);
  intake_.set_down();
  write_for(2s, "held");
  jump_to(after);
  const auto jumped = unix_now();
  write_for(2s, "held_and_new");
  intake_.set_up();
  write_for(2s, "fresh");

  expect_all_arrived();
  expect_times("sent", before);
  expect_times("held", after);
  expect_times("held_and_new", after);
  expect_times("fresh", after);
  expect_no_future_since(jumped, after);
  EXPECT_TRUE(eventually([&] { return std::abs(told_offset(clock_.now()) + after) <= 3; }))
      << told_offset(clock_.now());
  // One of the two clocks was wrong; each sender says so once.
  EXPECT_EQ(agent.count_in_log("[MetricsSender] this device's clock is "), 1U);
  EXPECT_LE(agent.count_in_log("[LogsSender] this device's clock is "), 1U);
  EXPECT_EQ(agent.count_in_log("the clock is not set"), 0U);
  EXPECT_EQ(agent.count_in_log("older than their time to live"), 0U);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

// Three years before any day on which this is likely to run may lie before 2024, where a clock
// counts as not set: so the clock is three years ahead first.
INSTANTIATE_TEST_SUITE_P(OfTheWallClock, ClockJump,
                         ::testing::Values(Jump{"ThreeYearsBack", years, 0},
                                           Jump{"ThreeYearsAhead", 0, years},
                                           Jump{"AnHourBack", 0, -hour},
                                           Jump{"FiveHoursAhead", 0, 5 * hour}),
                         [](const auto& info) { return info.param.name; });

TEST_F(Clock, ThatIsNotSetAtBootHoldsAllUntilItIs) {
  clock_.set(100 - std::floor(unix_now()));
  AgentWithClock agent(server_, intake_, clock_);
  write_for(4s, "held");
  EXPECT_EQ(intake_.requests().size(), 0U);
  jump_to(0);
  write_for(2s, "fresh");
  expect_all_arrived();
  expect_times("held", 0);
  expect_times("fresh", 0);
  EXPECT_NEAR(told_offset(clock_.now()), 0, 3);
  for (const auto* sender : {"[MetricsSender]", "[LogsSender]"}) {
    EXPECT_EQ(agent.count_in_log(std::string(sender) + " the clock is not set"), 1U);
    EXPECT_EQ(agent.count_in_log(std::string(sender) + " the clock is set"), 1U);
  }
  EXPECT_EQ(agent.count_in_log("older than their time to live"), 0U);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

TEST_F(Clock, ThatJumpsAheadAndBackAgainMovesNothing) {
  AgentWithClock agent(server_, intake_, clock_);
  write_for(1s, "sent");
  expect_all_arrived();
  intake_.set_down();
  write_for(2s, "held");
  jump_to(5 * hour);
  write_for(2s, "ahead");
  jump_to(0);
  write_for(2s, "back");
  intake_.set_up();
  write_for(1s, "fresh");
  expect_all_arrived();
  for (const auto* phase : {"sent", "held", "ahead", "back", "fresh"}) {
    expect_times(phase, 0);
  }
  EXPECT_EQ(agent.count_in_log("older than their time to live"), 0U);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

TEST_F(Clock, ThatJumpsWhileAnswersAreLostDoublesNothing) {
  AgentWithClock agent(server_, intake_, clock_);
  write_for(1s, "sent");
  expect_all_arrived();
  // Unlike an intake that is down, one that refuses the key is asked again each second.
  intake_.set_judge([](const IntakeRequest&) { return answer(403); });
  write_for(3s, "held");
  jump_to(5 * hour);
  std::this_thread::sleep_for(1500ms);
  // What is sent again must bear the times it bore before: else it is there twice.
  intake_.script(std::vector<Behaviour>(3, lose_answer()));
  intake_.set_judge({});
  EXPECT_TRUE(intake_.wait_until([&] { return intake_.scripted() == 0; }, 60s));
  EXPECT_TRUE(intake_.wait_until(
      [&] { return redis_.size(raw_metrics) + redis_.size(wrapped_metrics) == 0; }, 30s));
  expect_sums();
  expect_times("held", 5 * hour);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

}  // namespace
}  // namespace chouette::test
