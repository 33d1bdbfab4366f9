#include "metrics/taken_seconds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

namespace chouette {
namespace {

constexpr TimeRange bucket{100, 110};

WrappedMetric point(std::int64_t timestamp, std::string name = "a", Tags tags = {}) {
  return {.name = std::move(name), .tags = std::move(tags), .timestamp = timestamp};
}

std::int64_t claim(TakenSeconds& taken, WrappedMetric metric, TimeRange range = bucket) {
  taken.claim(metric, range);
  return metric.timestamp;
}

TEST(TakenSeconds, LeavesAPointOnAFreeSecond) {
  TakenSeconds taken;
  EXPECT_EQ(claim(taken, point(103)), 103);
  EXPECT_EQ(claim(taken, point(104)), 104);
  EXPECT_EQ(claim(taken, point(100)), 100);
  EXPECT_EQ(claim(taken, point(109)), 109);
}

TEST(TakenSeconds, MovesAPointToTheNextFreeSecondOfItsBucket) {
  TakenSeconds taken;
  claim(taken, point(103));
  EXPECT_EQ(claim(taken, point(103)), 104);
  EXPECT_EQ(claim(taken, point(103)), 105);
  EXPECT_EQ(claim(taken, point(104)), 106);
}

TEST(TakenSeconds, GoesRoundAtTheEndOfTheBucket) {
  TakenSeconds taken;
  claim(taken, point(109));
  EXPECT_EQ(claim(taken, point(109)), 100);
  EXPECT_EQ(claim(taken, point(109)), 101);
}

TEST(TakenSeconds, GivesEachPointASecondOfItsOwnEvenWhereTheBucketHasNoneLeft) {
  TakenSeconds taken;
  std::set<std::int64_t> seconds;
  for (int i = 0; i < 10; ++i) {
    const auto second = claim(taken, point(107));
    EXPECT_TRUE(bucket.contains(static_cast<double>(second))) << second;
    EXPECT_TRUE(seconds.insert(second).second) << second;
  }
  EXPECT_EQ(claim(taken, point(107)), 110);
  EXPECT_EQ(claim(taken, point(100)), 111);
}

TEST(TakenSeconds, OfAFullBucketDoNotReachIntoTakenOnesOfTheNext) {
  TakenSeconds taken;
  claim(taken, point(5, "a"), {5, 6});
  claim(taken, point(6, "a"), {6, 7});
  EXPECT_EQ(claim(taken, point(5, "a"), {5, 6}), 7);
}

TEST(TakenSeconds, AreEachSeriesOwn) {
  TakenSeconds taken;
  EXPECT_EQ(claim(taken, point(103, "a")), 103);
  EXPECT_EQ(claim(taken, point(103, "b")), 103);
  EXPECT_EQ(claim(taken, point(103, "a", {"k:v"})), 103);
  EXPECT_EQ(claim(taken, point(103, "a", {"k:w"})), 103);
  EXPECT_EQ(claim(taken, point(103, "a", {"k:v", "k:w"})), 103);
  EXPECT_EQ(claim(taken, point(103, "a", {"k:v"})), 104);
}

// Datadog tells series apart by name and tags alone.
TEST(TakenSeconds, AreSharedByPointsThatDifferOnlyInType) {
  TakenSeconds taken;
  auto count = point(103);
  count.type = SeriesType::count;
  count.interval = std::chrono::seconds(10);
  EXPECT_EQ(claim(taken, count), 103);
  EXPECT_EQ(claim(taken, point(103)), 104);
}

TEST(TakenSeconds, FindASecondForAPointOutsideItsBucket) {
  TakenSeconds taken;
  EXPECT_EQ(claim(taken, point(50)), 50);
  EXPECT_EQ(claim(taken, point(50)), 51);
  EXPECT_EQ(claim(taken, point(110)), 110);
  EXPECT_EQ(claim(taken, point(110)), 111);
  const TimeRange before_1970{-std::numeric_limits<double>::infinity(), 0};
  EXPECT_EQ(claim(taken, point(0), before_1970), 0);
  EXPECT_EQ(claim(taken, point(0), before_1970), 1);
}

TEST(TakenSeconds, StayTakenOnceKept) {
  TakenSeconds taken;
  claim(taken, point(103));
  taken.keep();
  EXPECT_EQ(claim(taken, point(103)), 104);
  taken.give_back();
  EXPECT_EQ(claim(taken, point(103)), 104);
}

TEST(TakenSeconds, AreFreeAgainOnceGivenBack) {
  TakenSeconds taken;
  claim(taken, point(103));
  claim(taken, point(103));
  taken.give_back();
  EXPECT_EQ(claim(taken, point(103)), 103);
  taken.give_back();
  taken.give_back();
  EXPECT_EQ(claim(taken, point(103)), 103);
}

TEST(TakenSeconds, ForgetFirstWhatWasClaimedLongestAgo) {
  TakenSeconds taken(3);
  for (const auto* name : {"a", "b", "c", "d"}) {
    claim(taken, point(103, name));
    taken.keep();
  }
  EXPECT_EQ(claim(taken, point(103, "d")), 104);
  EXPECT_EQ(claim(taken, point(103, "b")), 104);
  EXPECT_EQ(claim(taken, point(103, "a")), 103);
}

TEST(TakenSeconds, DoNotForgetWhatIsNotYetKept) {
  TakenSeconds taken(2);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(claim(taken, point(100)), 100 + i);
  }
}

}  // namespace
}  // namespace chouette
