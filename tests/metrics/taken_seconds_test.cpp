#include "metrics/taken_seconds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace chouette {
namespace {

using testing::ElementsAre;

constexpr std::chrono::seconds interval{10};
constexpr TimeRange bucket{100, 110};

WrappedMetric point(std::int64_t timestamp, std::string name = "a", Tags tags = {}) {
  return {.name = std::move(name), .tags = std::move(tags), .timestamp = timestamp};
}

/// What the queue would keep between rounds.
class Stored {
public:
  /// Places `points` in a round of their own; returns their seconds.
  std::vector<std::int64_t> round(std::vector<WrappedMetric> points, TimeRange range = bucket,
                                  std::chrono::seconds length = interval) {
    TakenSeconds taken(range, length);
    while (const auto needed = taken.place(points)) {
      loads.push_back(*needed);
      taken.load(*needed, marks_[*needed]);
    }
    for (const auto& [start, marks] : taken.taken()) {
      marks_[start].insert(marks_[start].end(), marks.begin(), marks.end());
    }
    std::vector<std::int64_t> seconds;
    for (const auto& placed : points) {
      seconds.push_back(placed.timestamp);
    }
    return seconds;
  }

  std::vector<std::int64_t> loads;

private:
  std::map<std::int64_t, std::vector<std::int64_t>> marks_;
};

TEST(TakenSeconds, LeaveAPointOnAFreeSecond) {
  EXPECT_THAT(Stored().round({point(103), point(104), point(100), point(109)}),
              ElementsAre(103, 104, 100, 109));
}

TEST(TakenSeconds, MoveAPointToTheNextFreeSecondOfItsBucket) {
  EXPECT_THAT(Stored().round({point(103), point(103), point(103), point(104)}),
              ElementsAre(103, 104, 105, 106));
}

TEST(TakenSeconds, GoRoundAtTheEndOfTheBucket) {
  EXPECT_THAT(Stored().round({point(109), point(109), point(109)}), ElementsAre(109, 100, 101));
}

TEST(TakenSeconds, AreRememberedFromRoundToRound) {
  Stored stored;
  EXPECT_THAT(stored.round({point(103)}), ElementsAre(103));
  EXPECT_THAT(stored.round({point(103)}), ElementsAre(104));
  EXPECT_THAT(stored.round({point(104), point(103)}), ElementsAre(105, 106));
}

TEST(TakenSeconds, AreLoadedOnceABucketAndNotWhereThereIsNoPoint) {
  Stored stored;
  stored.round({});
  EXPECT_THAT(stored.loads, ElementsAre());
  stored.round({point(103), point(104), point(103, "b")});
  EXPECT_THAT(stored.loads, ElementsAre(100));
}

TEST(TakenSeconds, GoOnInTheNextBucketsWhereTheirOwnHasNoneLeft) {
  Stored stored;
  std::set<std::int64_t> seconds;
  for (int i = 0; i < 10; ++i) {
    const auto second = stored.round({point(107)})[0];
    EXPECT_TRUE(bucket.contains(static_cast<double>(second))) << second;
    EXPECT_TRUE(seconds.insert(second).second) << second;
  }
  EXPECT_THAT(stored.round({point(107), point(100)}), ElementsAre(110, 111));
  EXPECT_EQ(stored.loads.back(), 110);
  // And the next bucket knows.
  EXPECT_THAT(stored.round({point(110), point(112)}, {110, 120}), ElementsAre(112, 113));
}

TEST(TakenSeconds, OfBucketsOfOneSecondAreEachPointsOwn) {
  Stored stored;
  std::set<std::int64_t> seconds;
  for (int round = 0; round < 5; ++round) {
    for (std::int64_t second = 100; second < 105; ++second) {
      const auto from = static_cast<double>(second);
      const auto placed =
          stored.round({point(second)}, {from, from + 1}, std::chrono::seconds(1))[0];
      EXPECT_TRUE(seconds.insert(placed).second) << placed;
      EXPECT_GE(placed, second);
    }
  }
  EXPECT_EQ(*seconds.rbegin(), 124);
}

TEST(TakenSeconds, AreEachSeriesOwn) {
  EXPECT_THAT(Stored().round({point(103, "a"), point(103, "b"), point(103, "a", {"k:v"}),
                              point(103, "a", {"k:w"}), point(103, "a", {"k:v", "k:w"}),
                              point(103, "a", {"k:w", "k:v"}), point(103, "a", {"k:v"})}),
              ElementsAre(103, 103, 103, 103, 103, 103, 104));
}

// Datadog tells series apart by name and tags alone.
TEST(TakenSeconds, AreSharedByPointsThatDifferOnlyInType) {
  auto count = point(103);
  count.type = SeriesType::count;
  count.interval = interval;
  EXPECT_THAT(Stored().round({count, point(103)}), ElementsAre(103, 104));
}

TEST(TakenSeconds, AreFoundForAPointOutsideItsBucket) {
  Stored stored;
  EXPECT_THAT(stored.round({point(50), point(50), point(500)}), ElementsAre(50, 51, 500));
  EXPECT_THAT(stored.round({point(50)}), ElementsAre(52));
  EXPECT_THAT(stored.round({point(0), point(0)}, {-std::numeric_limits<double>::infinity(), 0}),
              ElementsAre(0, 1));
}

// The widest that a point may come with.
TEST(TakenSeconds, AreFoundAtTheEndsOfTime) {
  constexpr std::int64_t bound = 9007199254740992;
  EXPECT_THAT(Stored().round({point(bound), point(bound), point(-bound), point(-bound)}),
              ElementsAre(bound, bound + 1, -bound, -bound + 1));
}

TEST(TakenSeconds, OverflowOverSeveralBuckets) {
  Stored stored;
  std::set<std::int64_t> seconds;
  for (const auto second : stored.round(std::vector<WrappedMetric>(25, point(104)))) {
    EXPECT_TRUE(seconds.insert(second).second) << second;
    EXPECT_GE(second, 100);
    EXPECT_LT(second, 125);
  }
  EXPECT_THAT(stored.loads, ElementsAre(100, 110, 120));
}

// What is stored today is read tomorrow, perhaps by another build. The numbers were worked out from
// the definitions of FNV-1a and splitmix64.
TEST(TakenSeconds, AreMarkedInTheSameWayForEver) {
  TakenSeconds taken(bucket, interval);
  taken.load(100, {});
  std::vector<WrappedMetric> points{point(103, "a", {"k:v"}), point(104, "a", {"k:v"})};
  EXPECT_EQ(taken.place(points), std::nullopt);
  const auto stored = taken.taken();
  ASSERT_EQ(stored.size(), 1);
  EXPECT_EQ(stored[0].bucket, 100);
  EXPECT_THAT(stored[0].marks, ElementsAre(8457485376960681678, -1452402853199131910));
}

}  // namespace
}  // namespace chouette
