#include "queue/clock_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace chouette {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::seconds;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double hour = 3600;
constexpr double year = 365.25 * 24 * hour;
constexpr double today = 1'800'000'000;  // 2027
constexpr double remember = 18 * hour;

/// A device whose wall clock can be turned, observed every minute. Time is counted by a clock that
/// shows the wall time the device started with and never jumps.
class Device {
public:
  explicit Device(double wall) : wall_(wall) { observe(); }

  /// Lets time pass.
  Device& pass(double elapsed, double drift = 0) {
    for (double left = elapsed; left > 0; left -= 60) {
      const auto step = std::min(left, 60.0);
      move(step, step + drift * step / elapsed);
    }
    return *this;
  }

  /// The wall clock jumps half a minute after the last observation, and half a minute later there
  /// is the next.
  Device& jump(double by) {
    move(60, 60 + by);
    return *this;
  }

  /// The wall clock goes on while the steady clock stands still.
  Device& suspend(double elapsed) {
    move(0.001, elapsed);
    return *this;
  }

  double wall() const { return wall_; }
  const ClockHistory& history() const { return history_; }

  /// What became of a record that was stamped when the wall clock showed `stamp`: how many seconds
  /// ago it seems to have been written.
  double age(double stamp) const { return wall_ - history_.restamp(stamp); }

  std::optional<double> expiry_age(double time_to_live) const {
    const auto before = history_.expire_before(seconds(static_cast<int>(time_to_live)));
    return before ? std::optional(wall_ - *before) : std::nullopt;
  }

private:
  void move(double steady, double wall) {
    steady_ += steady;
    wall_ += wall;
    observe();
  }

  void observe() {
    history_.observe(
        wall_, ClockHistory::SteadyTime(
                   duration_cast<ClockHistory::SteadyTime::duration>(duration<double>(steady_))));
  }

  ClockHistory history_{seconds(static_cast<int>(remember))};
  double wall_;
  double steady_ = 1000;
};

struct Jump {
  std::string what;
  double by;
};

void PrintTo(const Jump& jump, std::ostream* out) {
  *out << jump.what;
}

class AnyJump : public testing::TestWithParam<Jump> {
protected:
  double by() const { return GetParam().by; }
};

class ForwardJump : public AnyJump {};
class BackwardJump : public AnyJump {};

const Jump three_years_forward{"ThreeYearsForward", 3 * year};
const Jump five_hours_forward{"FiveHoursForward", 5 * hour};
const Jump two_minutes_forward{"TwoMinutesForward", 120};
const Jump three_years_backward{"ThreeYearsBackward", -3 * year};
const Jump an_hour_backward{"AnHourBackward", -hour};
const Jump two_minutes_backward{"TwoMinutesBackward", -120};

std::string name_of(const testing::TestParamInfo<Jump>& info) {
  return info.param.what;
}

INSTANTIATE_TEST_SUITE_P(ClockHistory, ForwardJump,
                         testing::Values(three_years_forward, five_hours_forward,
                                         two_minutes_forward),
                         name_of);
INSTANTIATE_TEST_SUITE_P(ClockHistory, BackwardJump,
                         testing::Values(three_years_backward, an_hour_backward,
                                         two_minutes_backward),
                         name_of);
INSTANTIATE_TEST_SUITE_P(ClockHistory, AnyJump,
                         testing::Values(three_years_forward, five_hours_forward,
                                         two_minutes_forward, three_years_backward,
                                         an_hour_backward, two_minutes_backward),
                         name_of);

TEST(ClockHistory, KnowsNothingBeforeTheFirstObservation) {
  const ClockHistory history(seconds(60));
  EXPECT_FALSE(history.in_step());
  EXPECT_FALSE(history.is_set());
  EXPECT_EQ(history.expire_before(seconds(60)), std::nullopt);
  EXPECT_EQ(history.restamp(0), 0);
  EXPECT_EQ(history.restamp(today), today);
  EXPECT_THAT(history.former_walls(), IsEmpty());
}

TEST(ClockHistory, IsInStepFromTheSecondObservationOn) {
  Device device(today);
  EXPECT_FALSE(device.history().in_step());
  device.pass(60);
  EXPECT_TRUE(device.history().in_step());
}

TEST(ClockHistory, TakesAClockFrom2024OnAsSet) {
  EXPECT_FALSE(Device(0).history().is_set());
  EXPECT_FALSE(Device(earliest_credible_time - 1).history().is_set());
  EXPECT_TRUE(Device(earliest_credible_time).history().is_set());
}

TEST(ClockHistory, ChangesNoStampWithoutAJump) {
  Device device(today);
  device.pass(2 * hour);
  for (const double age : {-3 * year, -hour, -2.0, 0.0, 1.0, hour, 3 * hour, 3 * year}) {
    const auto stamp = device.wall() - age;
    EXPECT_EQ(device.history().restamp(stamp), stamp) << age;
  }
}

TEST(ClockHistory, RemembersNoFormerClockWhileTheClockIsSlewed) {
  // NTP moves a clock by up to 500 ppm.
  for (const double ppm : {-500.0, 500.0}) {
    Device device(today);
    const auto elapsed = 20 * hour;
    device.pass(elapsed, elapsed * ppm / 1e6);
    EXPECT_TRUE(device.history().in_step());
    EXPECT_THAT(device.history().former_walls(), IsEmpty());
    EXPECT_EQ(device.history().restamp(today + hour), today + hour);
    EXPECT_NEAR(device.expiry_age(hour).value_or(0), hour, 1e-3);
  }
}

TEST_P(AnyJump, IsOutOfStepForOneObservation) {
  Device device(today);
  device.pass(hour).jump(by());
  EXPECT_FALSE(device.history().in_step());
  EXPECT_EQ(device.expiry_age(hour), std::nullopt);
  device.pass(60);
  EXPECT_TRUE(device.history().in_step());
}

TEST_P(AnyJump, LetsRecordsExpireByTheClockThatMakesThemYounger) {
  Device device(today);
  device.pass(hour).jump(by()).pass(60);
  const auto behind = std::max(by(), 0.0);
  EXPECT_NEAR(device.expiry_age(4 * hour).value_or(0), 4 * hour + behind, 1e-3);
  EXPECT_NEAR(device.expiry_age(18 * hour).value_or(0), 18 * hour + behind, 1e-3);
  // Now whatever bears a stamp of the former time is older than the shorter time to live.
  device.pass(4 * hour);
  EXPECT_NEAR(device.expiry_age(4 * hour).value_or(0), 4 * hour, 1e-3);
  EXPECT_NEAR(device.expiry_age(18 * hour).value_or(0), 18 * hour + behind, 1e-3);
}

TEST_P(AnyJump, ShowsWhatTheFormerClockWouldShow) {
  Device device(today);
  device.pass(hour).jump(by()).pass(600);
  EXPECT_THAT(device.history().former_walls(), ElementsAre(DoubleNear(today + hour + 660, 1e-3)));
}

TEST_P(AnyJump, ChangesNoStampOfTodaysClock) {
  Device device(today);
  device.pass(hour).jump(by());
  const auto first = device.wall();
  for (int i = 0; i < 30; ++i) {
    device.pass(hour);
    for (double stamp = first; stamp <= device.wall(); stamp += 600) {
      EXPECT_EQ(device.history().restamp(stamp), stamp);
    }
  }
}

TEST_P(AnyJump, IsForgottenInTime) {
  Device device(today);
  device.pass(hour);
  const auto stamp = device.wall();
  device.jump(by()).pass(remember);
  EXPECT_EQ(device.history().former_walls().size(), 1U);
  device.pass(60);
  EXPECT_THAT(device.history().former_walls(), IsEmpty());
  EXPECT_EQ(device.history().restamp(stamp), stamp);
  EXPECT_NEAR(device.expiry_age(remember).value_or(0), remember, 1e-3);
}

TEST_P(AnyJump, NeverMovesAStampIntoTheFuture) {
  Device device(today);
  device.pass(hour).jump(by());
  for (double age = 0; age < 2 * hour; age += 0.25) {
    const auto stamp = today + 2 * hour - age;
    const auto moved = device.history().restamp(stamp);
    if (moved != stamp) {
      EXPECT_LE(moved, device.wall());
    }
  }
}

TEST_P(ForwardJump, MovesAllStampsFromBeforeTheJump) {
  Device device(today);
  device.pass(hour);
  const auto before = device.wall();
  device.jump(by());
  EXPECT_NEAR(device.age(before), 60, 1e-3);
  device.pass(600);
  EXPECT_NEAR(device.age(before), 660, 1e-3);
  EXPECT_NEAR(device.age(before - hour), hour + 660, 1e-3);
  EXPECT_NEAR(device.age(before - 17 * hour), 17 * hour + 660, 1e-3);
  // The old clock may have gone on until just before the jump was seen.
  EXPECT_NEAR(device.age(before + 59), 601, 1e-3);
}

TEST_P(ForwardJump, LeavesHistoryAlone) {
  Device device(today);
  device.pass(hour).jump(by());
  const auto history = today + hour + 60 - remember - 1;
  EXPECT_EQ(device.history().restamp(history), history);
  EXPECT_EQ(device.history().restamp(0), 0);
}

TEST(ClockHistory, LeavesStampsAloneThatNoClockHasShown) {
  Device device(today);
  device.pass(hour).jump(5 * hour).pass(600);
  const auto skipped = today + 3 * hour;
  EXPECT_EQ(device.history().restamp(skipped), skipped);
  const auto ahead = device.wall() + hour;
  EXPECT_EQ(device.history().restamp(ahead), ahead);
}

TEST(ClockHistory, LeavesStampsAloneThatTodaysClockMayHaveMadeBeforeTheJumpWasSeen) {
  Device device(today);
  device.pass(hour);
  const auto before = device.wall();
  device.jump(10);
  EXPECT_NEAR(device.age(before + 9), 61 - 10, 1e-3);
  EXPECT_EQ(device.history().restamp(before + 10), before + 10);
}

TEST_P(BackwardJump, MovesTheStampsThatAreNowOfTheFuture) {
  Device device(today);
  device.pass(hour);
  const auto before = device.wall();
  device.jump(by());
  EXPECT_NEAR(device.age(before), 60, 1e-3);
  EXPECT_NEAR(device.age(before - 30), 90, 1e-3);
  EXPECT_NEAR(device.age(before + 59), 1, 1e-3);
}

TEST_P(BackwardJump, LeavesEarlierStampsAloneAsTodaysClockMayHaveMadeThem) {
  Device device(today);
  device.pass(hour).jump(by());
  for (const double age : {-1.0, 0.0, 60.0, hour, 10 * hour}) {
    const auto stamp = device.wall() - age;
    EXPECT_EQ(device.history().restamp(stamp), stamp) << age;
  }
}

TEST(ClockHistory, LeavesStampsOfTheFutureAloneThatNoClockHasShown) {
  Device device(today);
  device.pass(hour);
  const auto before = device.wall();
  device.jump(-hour);
  EXPECT_EQ(device.history().restamp(before + hour), before + hour);
}

TEST(ClockHistory, MovesWhatWasStampedAtBootWhileTheClockWasUnset) {
  Device device(5);  // 1970
  device.pass(120);
  EXPECT_TRUE(device.history().in_step());
  EXPECT_FALSE(device.history().is_set());
  EXPECT_EQ(device.expiry_age(hour), std::nullopt);
  device.jump(today);
  EXPECT_TRUE(device.history().is_set());
  EXPECT_NEAR(device.age(125), 60, 1e-3);
  EXPECT_NEAR(device.age(5), 180, 1e-3);
  EXPECT_NEAR(device.age(0), 185, 1e-3);
}

TEST(ClockHistory, TakesTheTimeInWhichADeviceWasSuspendedAsAJumpForward) {
  Device device(today);
  device.pass(hour);
  const auto before = device.wall();
  device.suspend(8 * hour);
  EXPECT_FALSE(device.history().in_step());
  device.pass(60);
  EXPECT_NEAR(device.age(before), 60, 1.1);
  EXPECT_NEAR(device.expiry_age(hour).value_or(0), 9 * hour, 0.1);
}

// Jumps by the first and then by the second; records of each time are looked at 10 minutes later.
struct TwoJumps {
  std::string what;
  double first;
  double second;
};

void PrintTo(const TwoJumps& jumps, std::ostream* out) {
  *out << jumps.what;
}

class RepeatedJumps : public testing::TestWithParam<TwoJumps> {};

INSTANTIATE_TEST_SUITE_P(ClockHistory, RepeatedJumps,
                         testing::Values(TwoJumps{"FiveHoursForwardAndBack", 5 * hour, -5 * hour},
                                         TwoJumps{"ThreeYearsBackwardAndForward", -3 * year,
                                                  3 * year},
                                         TwoJumps{"AnHourBackwardAndForward", -hour, hour},
                                         TwoJumps{"TwiceForward", 5 * hour, 3 * year},
                                         TwoJumps{"TwiceBackward", -hour, -3 * year},
                                         TwoJumps{"ForwardAndFurtherBack", 5 * hour, -8 * hour},
                                         TwoJumps{"BackwardAndFurtherForward", -hour, 5 * hour}),
                         [](const auto& info) { return info.param.what; });

TEST_P(RepeatedJumps, AddUpInOrder) {
  Device device(today);
  device.pass(hour);
  const auto at_first = device.wall();
  device.jump(GetParam().first).pass(600);
  const auto between = device.wall();
  device.jump(GetParam().second).pass(600);
  EXPECT_NEAR(device.age(at_first), 1320, 1e-3);
  EXPECT_NEAR(device.age(between), 660, 1e-3);
  EXPECT_NEAR(device.age(device.wall()), 0, 1e-3);
  EXPECT_THAT(device.history().former_walls(),
              ElementsAre(DoubleNear(between + 660, 1e-3), DoubleNear(at_first + 1320, 1e-3)));
}

TEST(ClockHistory, AddsUpManyJumps) {
  Device device(60);  // 1970
  std::vector<double> stamps;
  for (const double by : {today, 3 * year, -3 * year, 5 * hour, -5 * hour, 2 * year}) {
    device.pass(600);
    stamps.push_back(device.wall());
    device.jump(by);
  }
  double age = 60;
  for (; !stamps.empty(); stamps.pop_back()) {
    EXPECT_NEAR(device.age(stamps.back()), age, 1e-3);
    age += 660;
  }
}

TEST(ClockHistory, StaysSmallAndExpiresNothingTooEarlyWhereTheClockJumpsAllTheTime) {
  Device device(today);
  for (int i = 0; i < 1000; ++i) {
    device.jump(10);
    EXPECT_EQ(device.expiry_age(remember), std::nullopt);
  }
  EXPECT_LE(device.history().former_walls().size(), 100U);
  device.pass(60);
  EXPECT_GE(device.expiry_age(remember).value_or(0), remember + 1000 * 10 - 1e-3);
}

TEST(ClockHistory, LeavesAStampAloneThatIsNoNumber) {
  Device device(today);
  device.pass(hour).jump(-hour).pass(60).jump(5 * hour);
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(device.history().restamp(infinity), infinity);
  EXPECT_EQ(device.history().restamp(-infinity), -infinity);
  EXPECT_TRUE(std::isnan(device.history().restamp(std::nan(""))));
}

}  // namespace
}  // namespace chouette
