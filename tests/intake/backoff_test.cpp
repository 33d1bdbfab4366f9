#include "intake/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace chouette {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::vector<milliseconds> waits(Backoff& backoff, int failures) {
  std::vector<milliseconds> result(static_cast<std::size_t>(failures));
  std::generate(result.begin(), result.end(), [&] { return backoff.failed(); });
  return result;
}

/// The n-th wait, counted from 1, of each of 2,000 devices.
std::vector<milliseconds> waits_of_a_fleet(int n) {
  std::vector<milliseconds> result;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Backoff backoff(seed);
    result.push_back(waits(backoff, n).back());
  }
  std::sort(result.begin(), result.end());
  return result;
}

/// Expects the sorted waits to be spread evenly over [250 ms, limit].
void expect_spread(const std::vector<milliseconds>& sorted, milliseconds limit) {
  const auto near = (limit - 250ms) / 20;
  EXPECT_GE(sorted.front(), 250ms);
  EXPECT_LE(sorted.front(), 250ms + near);
  EXPECT_NEAR(static_cast<double>(sorted[sorted.size() / 2].count()),
              static_cast<double>((limit + 250ms).count()) / 2, static_cast<double>(near.count()));
  EXPECT_GE(sorted.back(), limit - near);
  EXPECT_LE(sorted.back(), limit);
}

TEST(Backoff, SpreadsAFleetsWaitsOverTwiceTheTimeWithEachFailureInARow) {
  expect_spread(waits_of_a_fleet(1), 2s);
  expect_spread(waits_of_a_fleet(2), 4s);
  expect_spread(waits_of_a_fleet(3), 8s);
  expect_spread(waits_of_a_fleet(5), 32s);
}

TEST(Backoff, SpreadsAFleetsWaitsAlsoAtTheCap) {
  expect_spread(waits_of_a_fleet(6), 64s);
  expect_spread(waits_of_a_fleet(7), 64s);
  expect_spread(waits_of_a_fleet(500), 64s);
}

TEST(Backoff, KeepsToTheCapAfterThousandsOfFailures) {
  Backoff backoff(1);
  auto all = waits(backoff, 100000);
  all.erase(all.begin(), all.begin() + 6);
  std::sort(all.begin(), all.end());
  expect_spread(all, 64s);
}

TEST(Backoff, StartsAnewAfterASuccess) {
  Backoff backoff(1);
  for (int i = 0; i < 1000; ++i) {
    waits(backoff, 20);
    backoff.succeeded();
    EXPECT_LE(backoff.failed(), 2s);
    EXPECT_LE(backoff.failed(), 4s);
    backoff.succeeded();
    backoff.succeeded();
    EXPECT_LE(backoff.failed(), 2s);
  }
}

TEST(Backoff, GivesTheSameWaitsForTheSameSeedOnly) {
  Backoff one(7);
  Backoff same(7);
  Backoff other(8);
  const auto expected = waits(one, 50);
  EXPECT_EQ(waits(same, 50), expected);
  EXPECT_NE(waits(other, 50), expected);
}

TEST(Backoff, WaitsAsLongAsTheIntakeAskedAndTheJitterOnTop) {
  std::set<milliseconds> different;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff(seed);
    const auto wait = backoff.failed(30s);
    EXPECT_GE(wait, 30s + 250ms);
    EXPECT_LE(wait, 32s);
    different.insert(wait);
  }
  EXPECT_GT(different.size(), 150U);
}

TEST(Backoff, CountsAFailureForWhichTheIntakeAskedForATime) {
  Backoff backoff(1);
  for (int i = 0; i < 6; ++i) {
    backoff.failed(1s);
  }
  const auto later = waits(backoff, 50);
  EXPECT_GT(*std::max_element(later.begin(), later.end()), 32s);
}

TEST(Backoff, WaitsNoMoreThanAnHourBecauseTheIntakeAsked) {
  for (const auto asked : {std::chrono::seconds{3601}, std::chrono::seconds::max()}) {
    Backoff backoff(1);
    EXPECT_GE(backoff.failed(asked), 1h);
    EXPECT_LE(backoff.failed(asked), 1h + 4s);
  }
}

TEST(Backoff, TakesANegativeTimeAskedForAsNone) {
  for (const auto asked : {-1s, std::chrono::seconds::min(), 0s}) {
    Backoff backoff(1);
    EXPECT_EQ(backoff.failed(asked), Backoff(1).failed());
  }
}

TEST(Backoff, NeverSpinsWhateverItsBounds) {
  const std::vector<milliseconds> bounds{milliseconds::min(), -1ms, 0ms, 1ms, 250ms, 10000s,
                                         milliseconds::max()};
  for (const auto base : bounds) {
    for (const auto cap : bounds) {
      Backoff backoff(1, base, cap);
      for (const auto wait : waits(backoff, 200)) {
        EXPECT_GE(wait, 250ms);
        EXPECT_LE(wait, std::max(cap, 250ms));
      }
    }
  }
}

}  // namespace
}  // namespace chouette
