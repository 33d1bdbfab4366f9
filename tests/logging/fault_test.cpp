#include "logging/fault.hpp"

#include <gtest/gtest.h>

namespace chouette {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Fault::Time start{hours(100)};

TEST(Fault, BeginsOnce) {
  Fault fault;
  EXPECT_FALSE(fault.lasts());
  EXPECT_TRUE(fault.begin(start));
  EXPECT_TRUE(fault.lasts());
  EXPECT_FALSE(fault.begin(start + hours(1)));
  EXPECT_TRUE(fault.lasts());
}

TEST(Fault, EndsOnceAndTellsHowLongItLasted) {
  Fault fault;
  fault.begin(start);
  fault.begin(start + seconds(30));
  EXPECT_EQ(fault.end(start + seconds(90) + milliseconds(999)), seconds(90));
  EXPECT_FALSE(fault.lasts());
  EXPECT_EQ(fault.end(start + seconds(100)), std::nullopt);
}

TEST(Fault, ThatNeverBeganDoesNotEnd) {
  Fault fault;
  EXPECT_EQ(fault.end(start), std::nullopt);
}

TEST(Fault, BeginsAnewAfterItsEnd) {
  Fault fault;
  fault.begin(start);
  fault.end(start + seconds(1));
  EXPECT_TRUE(fault.begin(start + seconds(2)));
  EXPECT_EQ(fault.end(start + seconds(5)), seconds(3));
}

TEST(Fault, ThatLastedNoTimeDidLast) {
  Fault fault;
  fault.begin(start);
  EXPECT_EQ(fault.end(start), seconds(0));
}

TEST(Throttle, SaysTheFirstAtOnce) {
  Throttle throttle;
  EXPECT_EQ(throttle.add("a", 3, start), 3);
}

TEST(Throttle, SaysNothingOfNothing) {
  Throttle throttle;
  EXPECT_EQ(throttle.add("a", 0, start), std::nullopt);
  EXPECT_EQ(throttle.add("a", 1, start), 1);
  EXPECT_EQ(throttle.add("a", 0, start + hours(1)), std::nullopt);
}

TEST(Throttle, SaysAtMostOnceAMinuteHowManyThereWere) {
  Throttle throttle;
  EXPECT_EQ(throttle.add("a", 1, start), 1);
  EXPECT_EQ(throttle.add("a", 2, start + seconds(1)), std::nullopt);
  EXPECT_EQ(throttle.add("a", 4, start + seconds(60) - milliseconds(1)), std::nullopt);
  EXPECT_EQ(throttle.add("a", 8, start + seconds(60)), 14);
  EXPECT_EQ(throttle.add("a", 16, start + seconds(119)), std::nullopt);
  EXPECT_EQ(throttle.add("a", 32, start + seconds(120)), 48);
}

TEST(Throttle, SaysWhatItKeptBackAsSoonAsItMay) {
  Throttle throttle;
  throttle.add("a", 1, start);
  throttle.add("a", 5, start + seconds(30));
  EXPECT_EQ(throttle.add("a", 0, start + seconds(60)), 5);
  EXPECT_EQ(throttle.add("a", 0, start + hours(2)), std::nullopt);
}

TEST(Throttle, CountsEachKindForItself) {
  Throttle throttle;
  EXPECT_EQ(throttle.add("a", 1, start), 1);
  EXPECT_EQ(throttle.add("b", 2, start), 2);
  EXPECT_EQ(throttle.add("", 3, start), 3);
  EXPECT_EQ(throttle.add("a", 4, start + minutes(1)), 4);
}

TEST(Throttle, LosesNoneOfAMillion) {
  Throttle throttle;
  std::uint64_t said = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    said += throttle.add("a", 1, start + milliseconds(i)).value_or(0);
  }
  said += throttle.add("a", 0, start + hours(1)).value_or(0);
  EXPECT_EQ(said, 1'000'000);
}

TEST(DurationText, IsReadableAtAnyLength) {
  EXPECT_EQ(to_text(seconds(0)), "0 s");
  EXPECT_EQ(to_text(seconds(45)), "45 s");
  EXPECT_EQ(to_text(seconds(119)), "119 s");
  EXPECT_EQ(to_text(seconds(120)), "2 min");
  EXPECT_EQ(to_text(minutes(12)), "12 min");
  EXPECT_EQ(to_text(seconds(7199)), "119 min");
  EXPECT_EQ(to_text(hours(2)), "2.0 h");
  EXPECT_EQ(to_text(seconds(12600)), "3.5 h");
  EXPECT_EQ(to_text(hours(240)), "240.0 h");
}

}  // namespace
}  // namespace chouette
