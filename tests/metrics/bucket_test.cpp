#include "metrics/bucket.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <random>

namespace chouette {
namespace {

using std::chrono::seconds;

double just_before(double time) {
  return std::nextafter(time, -INFINITY);
}

TEST(ClosingGrace, IsAQuarterOfTheIntervalButAtMostASecond) {
  EXPECT_EQ(closing_grace(seconds(1)), 0.25);
  EXPECT_EQ(closing_grace(seconds(2)), 0.5);
  EXPECT_EQ(closing_grace(seconds(3)), 0.75);
  EXPECT_EQ(closing_grace(seconds(4)), 1);
  EXPECT_EQ(closing_grace(seconds(5)), 1);
  EXPECT_EQ(closing_grace(seconds(10)), 1);
  EXPECT_EQ(closing_grace(seconds(86400)), 1);
}

TEST(ClosedBefore, IsTheEndOfTheBucketWhoseGraceIsOver) {
  EXPECT_EQ(closed_before(1590000010.0, seconds(10)), 1590000000);
  EXPECT_EQ(closed_before(1590000010.999, seconds(10)), 1590000000);
  EXPECT_EQ(closed_before(1590000011.0, seconds(10)), 1590000010);
  EXPECT_EQ(closed_before(1590000020.999, seconds(10)), 1590000010);
  EXPECT_EQ(closed_before(1590000021.0, seconds(10)), 1590000020);
}

TEST(ClosedBefore, WaitsLessForAShortInterval) {
  EXPECT_EQ(closed_before(100.24, seconds(1)), 99);
  EXPECT_EQ(closed_before(100.25, seconds(1)), 100);
  EXPECT_EQ(closed_before(100.49, seconds(2)), 98);
  EXPECT_EQ(closed_before(100.5, seconds(2)), 100);
}

TEST(BucketOf, IsTheMultipleOfTheIntervalThatTheTimeLiesIn) {
  EXPECT_EQ(bucket_of(1590000000, seconds(10)).from, 1590000000);
  EXPECT_EQ(bucket_of(1590000000, seconds(10)).to, 1590000010);
  EXPECT_EQ(bucket_of(1590000009.999, seconds(10)).from, 1590000000);
  EXPECT_EQ(bucket_of(1590000010, seconds(10)).from, 1590000010);
  EXPECT_EQ(bucket_of(1590000000.123, seconds(7)).from, 1589999999);
  EXPECT_EQ(bucket_of(1590000000.123, seconds(7)).to, 1590000006);
  EXPECT_EQ(bucket_of(59.5, seconds(1)).from, 59);
  EXPECT_EQ(bucket_of(0, seconds(10)).from, 0);
}

TEST(BucketOf, IsOneForAllTimeBefore1970) {
  for (const double time :
       std::initializer_list<double>{-INFINITY, -1e300, -1590000000.0, -10.0, -0.5, -5e-324}) {
    const auto bucket = bucket_of(time, seconds(10));
    EXPECT_EQ(bucket.from, -INFINITY) << time;
    EXPECT_EQ(bucket.to, 0) << time;
    EXPECT_TRUE(bucket.contains(time)) << time;
  }
  EXPECT_TRUE(bucket_of(-0.0, seconds(10)).contains(-0.0));
}

// A bucket that did not hold the record it was made for would be read in vain for ever.
TEST(BucketOf, HoldsTheTimeItWasMadeFor) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int> any_interval(1, 100000);
  std::uniform_real_distribution<double> any_time(0, 253402300800.0);
  for (int round = 0; round < 20000; ++round) {
    const seconds interval(round < 3600 ? round + 1 : any_interval(random));
    const auto length = static_cast<double>(interval.count());
    const auto start = bucket_of(any_time(random), interval).from;
    for (const double time :
         {start, just_before(start + length), start + length, start + length / 3}) {
      const auto bucket = bucket_of(time, interval);
      ASSERT_TRUE(bucket.contains(time)) << time << " in buckets of " << length;
      ASSERT_EQ(std::fmod(bucket.from, length), 0) << time << " in buckets of " << length;
      ASSERT_EQ(bucket.to - bucket.from, length) << time << " in buckets of " << length;
    }
  }
}

TEST(BucketOf, LiesWhollyOnOneSideOfWhatIsClosed) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> any_time(1.5e9, 1.6e9);
  for (int round = 0; round < 20000; ++round) {
    const seconds interval(1 + round % 900);
    const auto closed = closed_before(any_time(random), interval);
    EXPECT_EQ(bucket_of(just_before(closed), interval).to, closed);
    EXPECT_EQ(bucket_of(closed, interval).from, closed);
  }
}

}  // namespace
}  // namespace chouette
