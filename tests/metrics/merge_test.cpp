#include "metrics/merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr double largest = std::numeric_limits<double>::max();

RawMetric raw(std::string_view name, std::string_view type, double timestamp, double value,
              const Tags& tags = {}) {
  RawMetric metric;
  metric.name = name;
  metric.type = type;
  metric.timestamp = timestamp;
  metric.value = value;
  for (const auto& tag : tags) {
    metric.tags.add(tag);
  }
  return metric;
}

RawMetric raw_set(double timestamp, std::vector<std::string> elements) {
  auto metric = raw("s", "set", timestamp, 0);
  metric.elements = std::move(elements);
  return metric;
}

std::vector<MergedMetric> take(Merger& merger) {
  std::vector<MergedMetric> result;
  for (const auto* const metric : merger.take()) {
    result.push_back(*metric);
  }
  return result;
}

std::vector<MergedMetric> merge(const std::vector<RawMetric>& metrics) {
  Merger merger;
  for (const auto& metric : metrics) {
    merger.add(metric);
  }
  return take(merger);
}

double sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (const auto value : values) {
    sum.add(value);
  }
  return sum.value();
}

/// Expects `sum` in each order of `values`.
void expect_sum_in_each_order(std::vector<double> values, double sum) {
  std::sort(values.begin(), values.end());
  do {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(sum_of(values)), std::bit_cast<std::uint64_t>(sum))
        << sum_of(values) << " is not " << sum;
  } while (std::next_permutation(values.begin(), values.end()));
}

auto bits(const MergedMetric& metric) {
  const auto bits_of = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  std::vector<std::uint64_t> values;
  std::transform(metric.values.begin(), metric.values.end(), std::back_inserter(values), bits_of);
  return std::tuple(metric.name, metric.type, metric.tags, metric.count,
                    bits_of(metric.first_timestamp), bits_of(metric.last_timestamp),
                    bits_of(metric.sum), bits_of(metric.latest), values, metric.distinct);
}

auto bits(const std::vector<MergedMetric>& metrics) {
  std::vector<decltype(bits(metrics.front()))> result;
  result.reserve(metrics.size());
  for (const auto& metric : metrics) {
    result.push_back(bits(metric));
  }
  return result;
}

TEST(ExactSum, OfNothingIsZero) {
  EXPECT_EQ(ExactSum().value(), 0);
}

TEST(ExactSum, IsTheDoubleNextToTheTrueSum) {
  EXPECT_EQ(sum_of(std::vector<double>(10, 0.1)), 1.0);
  expect_sum_in_each_order({0.1, 0.2, 0.3}, 0.6);
  expect_sum_in_each_order({0.1, 0.2, 0.3, -0.6}, 2.7755575615628914e-17);
  expect_sum_in_each_order({1e16, 1, -1e16}, 1);
  expect_sum_in_each_order({1, 1e100, 1, -1e100}, 2);
  expect_sum_in_each_order({1e100, 1, 1e50, -1e100, -1e50}, 1);
  expect_sum_in_each_order({5e-324, 5e-324, 5e-324}, 1.5e-323);
  expect_sum_in_each_order({5e-324, 1e300, -1e300}, 5e-324);
}

TEST(ExactSum, RoundsATieByWhatLiesFarBelow) {
  const auto half = std::ldexp(1.0, -53);
  const auto next = std::ldexp(1.0, -52);
  const auto speck = std::ldexp(1.0, -200);
  expect_sum_in_each_order({1, half}, 1);
  expect_sum_in_each_order({1, half, speck}, 1 + next);
  expect_sum_in_each_order({1, half, -speck}, 1);
  expect_sum_in_each_order({1, next, half}, 1 + 2 * next);
  expect_sum_in_each_order({1, next, half, -speck}, 1 + next);
  expect_sum_in_each_order({-1, -half, -speck}, -1 - next);
}

TEST(ExactSum, IsFiniteAndInNoOrderLosesWhatOverflowsOnTheWay) {
  expect_sum_in_each_order({1e308, 1e308, -1e308}, 1e308);
  expect_sum_in_each_order({1e308, 1e308, 1e308, -1e308, -1e308, -1e308, 1}, 1);
  expect_sum_in_each_order({largest, largest, -largest, -largest, 5e-324}, 5e-324);
  expect_sum_in_each_order({largest, largest}, largest);
  expect_sum_in_each_order({largest, 1}, largest);
  expect_sum_in_each_order({-largest, -largest, 1}, -largest);
  expect_sum_in_each_order({1e300, 1e308, -1e308, 0.5, -1e300}, 0.5);
  expect_sum_in_each_order({largest, -1e300}, largest - 1e300);
  EXPECT_EQ(sum_of(std::vector<double>(100000, largest)), largest);
}

TEST(ExactSum, DoesNotDependOnTheOrder) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> mantissa(-1, 1);
  for (const int widest : {2, 40, 300, 1020}) {
    std::uniform_int_distribution<int> exponent(-widest, widest);
    std::vector<double> values;
    values.reserve(300);
    for (int i = 0; i < 300; ++i) {
      values.push_back(std::ldexp(mantissa(random), exponent(random)));
    }
    const auto sum = sum_of(values);
    for (int round = 0; round < 100; ++round) {
      std::shuffle(values.begin(), values.end(), random);
      ASSERT_EQ(sum_of(values), sum) << "with exponents up to " << widest;
    }
    auto cancelled = values;
    for (const auto value : values) {
      cancelled.push_back(-value);
    }
    std::shuffle(cancelled.begin(), cancelled.end(), random);
    ASSERT_EQ(sum_of(cancelled), 0) << "with exponents up to " << widest;
  }
}

TEST(Merger, OfNothingIsNothing) {
  EXPECT_THAT(Merger().take(), IsEmpty());
}

TEST(Merger, MergesOneMetricToItself) {
  const auto merged = merge({raw("a.b", "count", 1590000000.123, 1.5, {"k:v"})});
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_EQ(merged[0].name, "a.b");
  EXPECT_EQ(merged[0].type, "count");
  EXPECT_THAT(merged[0].tags, ElementsAre("k:v"));
  EXPECT_EQ(merged[0].count, 1);
  EXPECT_EQ(merged[0].first_timestamp, 1590000000.123);
  EXPECT_EQ(merged[0].last_timestamp, 1590000000.123);
  EXPECT_EQ(merged[0].sum, 1.5);
  EXPECT_EQ(merged[0].latest, 1.5);
  EXPECT_EQ(merged[0].distinct, 0);
  EXPECT_THAT(merged[0].values, IsEmpty());
}

TEST(Merger, MergesOnlyWhatIsEqualInNameTypeAndTags) {
  const auto merged = merge({
      raw("a", "count", 1, 1),                                            //
      raw("b", "count", 1, 2),                                            //
      raw("a", "gauge", 1, 3),                                            //
      raw("a", "count", 1, 4, {"k:v"}),                                   //
      raw("a", "count", 1, 5, {"k:w"}),                                   //
      raw("a", "count", 1, 6, {"k:v", "l:v"}), raw("a", "count", 2, 10),  //
      raw("a", "count", 2, 40, {"k:v"}),                                  //
      raw("a", "count", 2, 60, {"k:v", "l:v"}),                           //
  });
  ASSERT_THAT(merged, SizeIs(6));
  // In the order of name, type and tags.
  EXPECT_EQ(merged[0].sum, 11);
  EXPECT_EQ(merged[1].sum, 44);
  EXPECT_EQ(merged[2].sum, 66);
  EXPECT_EQ(merged[3].sum, 5);
  EXPECT_EQ(merged[4].sum, 3);
  EXPECT_EQ(merged[5].sum, 2);
}

TEST(Merger, IsNotFooledByTextsThatImitateABorder) {
  using namespace std::string_literals;
  const auto zero = "a\0"s;
  EXPECT_THAT(merge({
                  raw("ab", "c", 1, 1),
                  raw("a", "bc", 1, 1),
                  raw("abc", "", 1, 1),
                  raw("ab", "", 1, 1, {"c"}),
                  raw("ab", "", 1, 1, {"", "c"}),
                  raw("a", "b", 1, 1, {"c"}),
                  raw("a", "", 1, 1, {"b,c"}),
                  raw("a", "", 1, 1, {"b", "c"}),
                  raw(zero, "", 1, 1),
                  raw("a", "\0"s, 1, 1),
              }),
              SizeIs(10));
}

TEST(Merger, SortsTagsAndDropsRepetitions) {
  const auto merged = merge({
      raw("a", "count", 1, 1, {"l:w", "k:v"}),
      raw("a", "count", 1, 2, {"k:v", "l:w"}),
      raw("a", "count", 1, 4, {"k:v", "l:w", "k:v"}),
      raw("a", "count", 1, 8, {"l:w", "k:v"}),
      raw("b", "count", 1, 16, {"l:w", "k:v"}),
  });
  ASSERT_THAT(merged, SizeIs(2));
  EXPECT_THAT(merged[0].tags, ElementsAre("k:v", "l:w"));
  EXPECT_EQ(merged[0].count, 4);
  EXPECT_EQ(merged[0].sum, 15);
  EXPECT_THAT(merged[1].tags, ElementsAre("k:v", "l:w"));
  EXPECT_EQ(merged[1].sum, 16);
}

TEST(Merger, KnowsManySeriesHoweverTheirTagsAreWritten) {
  Merger merger;
  constexpr std::size_t series = 20000;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < series; ++i) {
      const auto tag = "room:" + std::to_string(i);
      merger.add(raw("a", "count", 1, 1, {tag, "device:sensor in a shed"}));
      merger.add(raw("a", "count", 1, 2, {"device:sensor in a shed", tag}));
    }
  }
  const auto merged = take(merger);
  ASSERT_THAT(merged, SizeIs(series));
  EXPECT_TRUE(std::all_of(merged.begin(), merged.end(), [](const MergedMetric& metric) {
    return metric.count == 4 && metric.sum == 6 && metric.tags.size() == 2;
  }));
}

TEST(Merger, KnowsTheEarliestAndTheLatest) {
  std::vector<RawMetric> metrics{raw("a", "gauge", 5.5, 30), raw("a", "gauge", 2.25, 10),
                                 raw("a", "gauge", 9.75, 20)};
  std::sort(metrics.begin(), metrics.end(),
            [](const auto& a, const auto& b) { return a.value < b.value; });
  do {
    const auto merged = merge(metrics);
    ASSERT_THAT(merged, SizeIs(1));
    EXPECT_EQ(merged[0].count, 3);
    EXPECT_EQ(merged[0].first_timestamp, 2.25);
    EXPECT_EQ(merged[0].last_timestamp, 9.75);
    EXPECT_EQ(merged[0].latest, 20);
    EXPECT_EQ(merged[0].sum, 60);
  } while (std::next_permutation(metrics.begin(), metrics.end(),
                                 [](const auto& a, const auto& b) { return a.value < b.value; }));
}

TEST(Merger, TakesTheLargestOfTheLatest) {
  EXPECT_EQ(merge({raw("a", "gauge", 5, 1), raw("a", "gauge", 5, 2)})[0].latest, 2);
  EXPECT_EQ(merge({raw("a", "gauge", 5, 2), raw("a", "gauge", 5, 1)})[0].latest, 2);
  EXPECT_EQ(merge({raw("a", "gauge", 5, -1), raw("a", "gauge", 5, -2)})[0].latest, -1);
  EXPECT_EQ(merge({raw("a", "gauge", 4, 100), raw("a", "gauge", 5, -2)})[0].latest, -2);
}

TEST(Merger, KeepsTheValuesSortedWhereTheTypeNeedsThem) {
  for (const auto* type : {"histogram", "distribution", "", "Count"}) {
    const auto merged = merge({raw("a", type, 1, 3), raw("a", type, 1, -1), raw("a", type, 1, 3),
                               raw("a", type, 1, 2.5)});
    EXPECT_THAT(merged[0].values, ElementsAre(-1, 2.5, 3, 3)) << type;
    EXPECT_EQ(merged[0].sum, 7.5) << type;
  }
  for (const auto* type : {"count", "rate", "gauge", "set"}) {
    EXPECT_THAT(merge({raw("a", type, 1, 3)})[0].values, IsEmpty()) << type;
  }
}

TEST(Merger, CountsDistinctElementsOverAllLists) {
  const auto merged = merge({raw_set(1, {"1", "sx"}), raw_set(3, {}), raw_set(2, {"1", "s1"})});
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_EQ(merged[0].count, 3);
  EXPECT_EQ(merged[0].distinct, 3);
  EXPECT_EQ(merged[0].first_timestamp, 1);
  EXPECT_EQ(merged[0].last_timestamp, 3);
  EXPECT_EQ(merge({raw_set(1, {})})[0].distinct, 0);
}

TEST(Merger, IsEmptyOnceTaken) {
  Merger merger;
  const Tags unsorted{"l:w", "k:v"};
  merger.add(raw("a", "count", 1, 1, unsorted));
  EXPECT_THAT(merger.take(), SizeIs(1));
  EXPECT_THAT(merger.take(), IsEmpty());
  merger.add(raw("a", "count", 2, 5, unsorted));
  const auto merged = take(merger);
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_EQ(merged[0].sum, 5);
  EXPECT_EQ(merged[0].count, 1);
  EXPECT_EQ(merged[0].first_timestamp, 2);
}

TEST(Merger, TellsASeriesByItsSpellingUntilItForgets) {
  auto a = raw("a", "count", 1, 1, {"k:v", "l:w"});
  a.spelling = 1;
  auto a_again = raw("a", "count", 1, 2, {"l:w", "k:v"});
  a_again.spelling = 3;
  auto b = raw("b", "gauge", 1, 4);
  b.spelling = 2;
  Merger merger;
  for (int bucket = 0; bucket < 2; ++bucket) {
    for (const auto& metric : {a, b, a, a_again, raw("a", "count", 1, 8, {"l:w", "k:v"})}) {
      merger.add(metric);
    }
    const auto merged = take(merger);
    ASSERT_THAT(merged, SizeIs(2));
    EXPECT_EQ(merged[0].sum, 12);
    EXPECT_EQ(merged[0].count, 4);
    EXPECT_EQ(merged[1].sum, 4);
    EXPECT_EQ(merger.size(), 2);
  }
  merger.forget();
  EXPECT_EQ(merger.size(), 0);
  b.spelling = 1;
  merger.add(b);
  const auto merged = take(merger);
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_EQ(merged[0].name, "b");
}

TEST(Merger, ReturnsOnlySeriesOfWhichThereWasOneInThisBucket) {
  Merger merger;
  merger.add(raw("a", "histogram", 1, 1));
  merger.add(raw_set(1, {"1"}));
  EXPECT_THAT(merger.take(), SizeIs(2));
  merger.add(raw_set(2, {"2"}));
  const auto sets = take(merger);
  ASSERT_THAT(sets, SizeIs(1));
  EXPECT_EQ(sets[0].distinct, 1);
  merger.add(raw("a", "histogram", 0, 5));
  const auto histograms = take(merger);
  ASSERT_THAT(histograms, SizeIs(1));
  EXPECT_THAT(histograms[0].values, ElementsAre(5));
  EXPECT_EQ(histograms[0].sum, 5);
  EXPECT_EQ(histograms[0].last_timestamp, 0);
}

TEST(Merger, MergesInWhateverOrderRecordsLie) {
  std::mt19937_64 random(4);
  const std::vector<std::string> names{"a", "b", "c.d"};
  const std::vector<std::string> types{"count", "rate", "gauge", "set", "histogram", "odd"};
  const std::vector<Tags> tags{{}, {"k:v"}, {"k:v", "l:w"}, {"l:w", "k:v"}, {"k:v", "k:v"}};
  const auto pick = [&random](std::size_t size) {
    return std::uniform_int_distribution<std::size_t>(0, size - 1)(random);
  };
  std::uniform_real_distribution<double> any_value(-1000, 1000);
  std::vector<RawMetric> metrics;
  for (int i = 0; i < 3000; ++i) {
    auto metric = raw(names[pick(names.size())], types[pick(types.size())],
                      1590000000 + static_cast<double>(pick(40)) / 4,
                      std::ldexp(any_value(random), static_cast<int>(pick(120)) - 60),
                      tags[pick(tags.size())]);
    if (metric.type == "set") {
      metric.value = 0;
      metric.elements = {std::to_string(pick(30)), std::to_string(pick(30))};
    }
    metrics.push_back(metric);
  }
  const auto expected = bits(merge(metrics));
  EXPECT_THAT(expected, SizeIs(3 * 6 * 3));
  for (int round = 0; round < 30; ++round) {
    std::shuffle(metrics.begin(), metrics.end(), random);
    ASSERT_EQ(bits(merge(metrics)), expected);
  }
}

}  // namespace
}  // namespace chouette
