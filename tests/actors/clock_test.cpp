#include "actors/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace chouette {
namespace {

using namespace std::chrono_literals;

double seconds(caf::timespan span) {
  return std::chrono::duration<double>(span).count();
}

TEST(FirstTick, IsTheNextMultipleOfThePeriodPlusTheOffset) {
  EXPECT_NEAR(seconds(first_tick(100, 10s, 1)), 1, 1e-6);
  EXPECT_NEAR(seconds(first_tick(100.5, 10s, 1)), 0.5, 1e-6);
  EXPECT_NEAR(seconds(first_tick(107, 10s, 1)), 4, 1e-6);
  EXPECT_NEAR(seconds(first_tick(1795416003.25, 60s, 0)), 56.75, 1e-6);
}

TEST(FirstTick, IsAWholePeriodAwayAtTheVeryMoment) {
  EXPECT_NEAR(seconds(first_tick(101, 10s, 1)), 10, 1e-6);
}

TEST(FirstTick, WorksBefore1970) {
  EXPECT_NEAR(seconds(first_tick(-3, 10s, 1)), 4, 1e-6);
}

TEST(NextTick, LeavesOutNoPeriodAndMakesNoTwoTicksOfOne) {
  EXPECT_NEAR(seconds(next_tick(101, 10s, 1)), 10, 1e-6);          // on time
  EXPECT_NEAR(seconds(next_tick(100.998, 10s, 1)), 10.002, 1e-6);  // woken early by a slewed clock
  EXPECT_NEAR(seconds(next_tick(103, 10s, 1)), 8, 1e-6);           // late
}

TEST(NextTick, IsBetweenHalfAPeriodAndOneAndAHalfAfterAnyJump) {
  for (double wall = 0; wall < 40; wall += 0.37) {
    const auto delay = seconds(next_tick(wall, 10s, 1));
    EXPECT_GT(delay, 4.999) << wall;
    EXPECT_LT(delay, 15.001) << wall;
  }
}

}  // namespace
}  // namespace chouette
