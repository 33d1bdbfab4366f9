#include "queue/retention.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace chouette {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr double start = 1'700'000'000;      // 2023
constexpr double set_right = 1'800'000'000;  // 2027
constexpr double time_to_live = 14400;

/// A device with a wall clock that can be turned, asked after each step.
class Device {
public:
  explicit Device(double wall) : wall_(wall) {}

  /// `elapsed` seconds later, the wall clock having moved by `jump` more than that.
  std::optional<double> after(double elapsed, double jump = 0) {
    steady_ += elapsed;
    wall_ += elapsed + jump;
    return retention_.expire_before(
        wall_, Retention::SteadyTime(
                   duration_cast<Retention::SteadyTime::duration>(duration<double>(steady_))));
  }

  /// Expects that after `elapsed` seconds everything older than 14,400 s may be deleted by a clock
  /// that is `behind` the wall clock.
  void expect_ages_after(double elapsed, double behind = 0, double jump = 0) {
    const auto before = after(elapsed, jump);
    ASSERT_TRUE(before);
    EXPECT_NEAR(*before, wall_ - behind - time_to_live, 1e-3);
  }

private:
  Retention retention_{seconds(14400)};
  double wall_;
  double steady_ = 1000;
};

TEST(Retention, DeletesNothingAtFirst) {
  Device device(set_right);
  EXPECT_EQ(device.after(0), std::nullopt);
}

TEST(Retention, DeletesWhatIsOlderThanItsTimeToLive) {
  Device device(set_right);
  device.after(0);
  EXPECT_EQ(device.after(60), 1799985660);
  EXPECT_EQ(device.after(0), 1799985660);
  EXPECT_EQ(device.after(86400), 1800072060);
}

TEST(Retention, DeletesNothingJustAfterAJump) {
  for (const double jump : {-1e9, -86400.0, -3.0, 3.0, 3600.0, 86400.0, 1e8}) {
    Device device(set_right);
    device.after(0);
    device.after(60);
    EXPECT_EQ(device.after(60, jump), std::nullopt) << jump;
  }
}

TEST(Retention, GoesByTheClockThatMakesRecordsYoungerAsLongAsTheyMayLive) {
  Device device(set_right);
  device.after(0);
  device.after(60);
  // A day forward: what was stamped before the jump would look a day old.
  device.after(60, 86400);
  device.expect_ages_after(60, 86400);
  device.expect_ages_after(14200, 86400);
  // Now whatever bears a stamp of the former time is really too old.
  device.expect_ages_after(300);
}

TEST(Retention, GoesByTheNewClockAtOnceWhereThatMakesRecordsYounger) {
  Device device(set_right);
  device.after(0);
  device.after(60);
  device.after(60, -3600);
  device.expect_ages_after(60);
  device.expect_ages_after(20000);
}

TEST(Retention, RemembersEachOfSeveralJumps) {
  Device device(set_right);
  device.after(0);
  device.after(60, 1000);
  device.after(60);
  device.after(7000, 5000);
  device.expect_ages_after(60, 6000);
  device.expect_ages_after(7300, 5000);
  device.expect_ages_after(7300);
}

TEST(Retention, TrustsAClockThatIsSlewed) {
  // NTP moves a clock by up to 500 ppm.
  for (const double ppm : {-500.0, 500.0}) {
    Device device(set_right);
    device.after(0);
    for (const double elapsed : {1.0, 60.0, 3600.0, 86400.0}) {
      device.expect_ages_after(elapsed, 0, elapsed * ppm / 1e6);
    }
  }
}

TEST(Retention, HoldsEverythingWhileTheClockIsUnset) {
  for (const double unset : {0.0, 946684800.0, start, earliest_credible_time - 100000}) {
    Device device(unset);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(device.after(600), std::nullopt) << unset;
    }
  }
}

TEST(Retention, AgesWhatWasHeldOnceTheClockIsSet) {
  Device device(60);  // 1970
  device.after(0);
  device.after(600);
  EXPECT_EQ(device.after(60, set_right), std::nullopt);
  // Records of 1970 live on for their time ...
  device.expect_ages_after(60, set_right);
  device.expect_ages_after(14300, set_right);
  // ... and no longer.
  device.expect_ages_after(100);
}

TEST(Retention, TrustsAClockFrom2024On) {
  Device device(earliest_credible_time - 30);
  device.after(0);
  EXPECT_EQ(device.after(29), std::nullopt);
  device.expect_ages_after(1);
}

TEST(Retention, HoldsEverythingWhileTheClockJumpsAllTheTime) {
  Device device(set_right);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(device.after(60, i % 2 == 0 ? 100 : -100), std::nullopt);
  }
}

}  // namespace
}  // namespace chouette
