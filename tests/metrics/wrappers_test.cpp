#include "metrics/wrappers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string>

namespace chouette {

namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

WrapperSettings settings(std::vector<std::string> aggregates = {"max", "median", "avg", "count"},
                         std::vector<double> percentiles = {0.95}) {
  return {.interval = seconds(10),
          .histogram_aggregates = std::move(aggregates),
          .histogram_percentiles = std::move(percentiles)};
}

/// Four raw metrics from 1590000001.9 to 1590000008.2.
MergedMetric merged(const std::string& type) {
  return {.name = "a.b",
          .type = type,
          .tags = {"k:v"},
          .count = 4,
          .first_timestamp = 1590000001.9,
          .last_timestamp = 1590000008.2,
          .sum = 25,
          .latest = 7,
          .values = {},
          .distinct = 3};
}

MergedMetric histogram(std::vector<double> values) {
  auto metric = merged("histogram");
  metric.count = values.size();
  metric.sum = 0;
  for (const auto value : values) {
    metric.sum += value;
  }
  metric.values = std::move(values);
  return metric;
}

std::vector<WrappedMetric> wrap(std::string_view wrapper, const MergedMetric& metric,
                                const WrapperSettings& how = settings()) {
  std::vector<WrappedMetric> points;
  EXPECT_TRUE(make_wrapper(wrapper, how)->wrap(metric, points)) << metric.type;
  return points;
}

/// For instance "a.b count 1.5 at 1590000001 for 10 s [k:v]".
std::string shown(const WrappedMetric& metric) {
  std::ostringstream out;
  out.precision(15);
  out << metric.name << " " << to_string(metric.type) << " " << metric.value << " at "
      << metric.timestamp << " for " << metric.interval.count() << " s [";
  for (const auto& tag : metric.tags) {
    out << tag;
  }
  return out.str() + "]";
}

std::vector<std::string> wrapped(std::string_view wrapper, const MergedMetric& metric,
                                 const WrapperSettings& how = settings()) {
  std::vector<std::string> points;
  for (const auto& point : wrap(wrapper, metric, how)) {
    points.push_back(shown(point));
  }
  return points;
}

/// The one value that `percentile` of `values` is.
double percentile(std::vector<double> values, double fraction) {
  const auto points = wrap("datadog", histogram(std::move(values)), settings({}, {fraction}));
  EXPECT_EQ(points.size(), 1);
  return points.at(0).value;
}

std::string percentile_name(double fraction) {
  return wrap("datadog", histogram({1}), settings({}, {fraction})).at(0).name;
}

TEST(Wrappers, AreFoundByName) {
  std::vector<std::string_view> names;
  for (const auto& row : wrapper_table()) {
    names.push_back(row.name);
    EXPECT_NE(make_wrapper(row.name, settings()), nullptr);
  }
  EXPECT_THAT(names, ElementsAre("datadog", "simple"));
  for (const auto* name : {"", "Datadog", "datadog ", "other"}) {
    EXPECT_EQ(make_wrapper(name, settings()), nullptr) << name;
  }
}

TEST(Wrappers, AppendToWhatIsThere) {
  for (const auto& row : wrapper_table()) {
    std::vector<WrappedMetric> points(1);
    points[0].name = "before";
    ASSERT_TRUE(row.make(settings())->wrap(merged("count"), points));
    ASSERT_EQ(points.size(), 2);
    EXPECT_EQ(points[0].name, "before");
  }
}

TEST(DatadogWrapper, SumsACount) {
  EXPECT_THAT(wrapped("datadog", merged("count")),
              ElementsAre("a.b count 25 at 1590000001 for 10 s [k:v]"));
}

TEST(DatadogWrapper, DividesARateByTheInterval) {
  EXPECT_THAT(wrapped("datadog", merged("rate")),
              ElementsAre("a.b rate 2.5 at 1590000001 for 10 s [k:v]"));
}

TEST(DatadogWrapper, TakesTheLatestOfAGaugeAtTheEarliestTime) {
  EXPECT_THAT(wrapped("datadog", merged("gauge")),
              ElementsAre("a.b gauge 7 at 1590000001 for 0 s [k:v]"));
}

TEST(DatadogWrapper, CountsTheDistinctElementsOfASet) {
  EXPECT_THAT(wrapped("datadog", merged("set")),
              ElementsAre("a.b count 3 at 1590000001 for 10 s [k:v]"));
}

TEST(DatadogWrapper, MakesOfAHistogramWhatItIsTold) {
  // Sum 24, ranks 0 to 3: the median lies half way from 4 to 6, the 95th percentile at rank 2.85.
  const auto metric = histogram({2, 4, 6, 12});
  EXPECT_THAT(wrapped("datadog", metric),
              ElementsAre("a.b.max gauge 12 at 1590000001 for 0 s [k:v]",
                          "a.b.median gauge 5 at 1590000001 for 0 s [k:v]",
                          "a.b.avg gauge 6 at 1590000001 for 0 s [k:v]",
                          "a.b.count rate 0.4 at 1590000001 for 10 s [k:v]",
                          "a.b.95percentile gauge 11.1 at 1590000001 for 0 s [k:v]"));
  EXPECT_THAT(wrapped("datadog", metric, settings({"sum", "min"}, {0.5, 0.25})),
              ElementsAre("a.b.sum gauge 24 at 1590000001 for 0 s [k:v]",
                          "a.b.min gauge 2 at 1590000001 for 0 s [k:v]",
                          "a.b.50percentile gauge 5 at 1590000001 for 0 s [k:v]",
                          "a.b.25percentile gauge 3.5 at 1590000001 for 0 s [k:v]"));
  EXPECT_THAT(wrapped("datadog", metric, settings({}, {})), IsEmpty());
}

TEST(DatadogWrapper, MakesAHistogramOfOneValue) {
  EXPECT_THAT(wrapped("datadog", histogram({-3}),
                      settings({"avg", "count", "sum", "min", "max", "median"}, {0.001, 0.999})),
              ElementsAre("a.b.avg gauge -3 at 1590000001 for 0 s [k:v]",
                          "a.b.count rate 0.1 at 1590000001 for 10 s [k:v]",
                          "a.b.sum gauge -3 at 1590000001 for 0 s [k:v]",
                          "a.b.min gauge -3 at 1590000001 for 0 s [k:v]",
                          "a.b.max gauge -3 at 1590000001 for 0 s [k:v]",
                          "a.b.median gauge -3 at 1590000001 for 0 s [k:v]",
                          "a.b.0.1percentile gauge -3 at 1590000001 for 0 s [k:v]",
                          "a.b.99.9percentile gauge -3 at 1590000001 for 0 s [k:v]"));
}

TEST(DatadogWrapper, InterpolatesBetweenTheClosestRanks) {
  EXPECT_EQ(percentile({1, 2, 3}, 0.5), 2);
  EXPECT_EQ(percentile({1, 2}, 0.5), 1.5);
  EXPECT_EQ(percentile({1, 3}, 0.25), 1.5);
  EXPECT_EQ(percentile({0, 10, 20, 30, 40}, 0.75), 30);
  EXPECT_EQ(percentile({0, 10, 20, 30, 40}, 0.625), 25);
  EXPECT_EQ(percentile({-8, 8}, 0.75), 4);
  EXPECT_EQ(percentile({5, 5, 5, 5}, 0.95), 5);
  std::vector<double> hundred_and_one;
  for (int i = 0; i <= 100; ++i) {
    hundred_and_one.push_back(i);
  }
  EXPECT_DOUBLE_EQ(percentile(hundred_and_one, 0.95), 95);
  EXPECT_DOUBLE_EQ(percentile(hundred_and_one, 0.999), 99.9);
}

TEST(DatadogWrapper, InterpolatesWithoutOverflow) {
  constexpr auto largest = std::numeric_limits<double>::max();
  EXPECT_EQ(percentile({-largest, largest}, 0.5), 0);
  EXPECT_EQ(percentile({largest, largest}, 0.3), largest);
}

TEST(DatadogWrapper, NamesAPercentileWithoutTrailingZeros) {
  EXPECT_EQ(percentile_name(0.95), "a.b.95percentile");
  EXPECT_EQ(percentile_name(0.5), "a.b.50percentile");
  EXPECT_EQ(percentile_name(0.1), "a.b.10percentile");
  EXPECT_EQ(percentile_name(0.05), "a.b.5percentile");
  EXPECT_EQ(percentile_name(0.999), "a.b.99.9percentile");
  EXPECT_EQ(percentile_name(0.9999), "a.b.99.99percentile");
  EXPECT_EQ(percentile_name(0.125), "a.b.12.5percentile");
  for (int percent = 1; percent < 100; ++percent) {
    EXPECT_EQ(percentile_name(percent / 100.0), "a.b." + std::to_string(percent) + "percentile");
  }
}

// A minus sign in a name would become an underscore at Datadog.
TEST(DatadogWrapper, NamesAPercentileWithoutAnExponent) {
  EXPECT_EQ(percentile_name(0.0001), "a.b.0.01percentile");
  EXPECT_EQ(percentile_name(0.000001), "a.b.0.0001percentile");
  EXPECT_EQ(percentile_name(0.0000001), "a.b.0.00001percentile");
}

TEST(DatadogWrapper, DropsOtherTypes) {
  const auto wrapper = make_wrapper("datadog", settings());
  for (const auto* type : {"distribution", "", "Count", "timing", "monotonic_count"}) {
    std::vector<WrappedMetric> points;
    EXPECT_FALSE(wrapper->wrap(merged(type), points)) << type;
    EXPECT_THAT(points, IsEmpty()) << type;
  }
}

TEST(DatadogWrapper, RoundsTimesDown) {
  auto metric = merged("count");
  metric.first_timestamp = 1590000001.999999;
  EXPECT_EQ(wrap("datadog", metric).at(0).timestamp, 1590000001);
  metric.first_timestamp = 0;
  EXPECT_EQ(wrap("datadog", metric).at(0).timestamp, 0);
}

TEST(SimpleWrapper, SumsACountAtTheLatestTime) {
  EXPECT_THAT(wrapped("simple", merged("count")),
              ElementsAre("a.b count 25 at 1590000008 for 10 s [k:v]"));
}

TEST(SimpleWrapper, MakesOfAnythingElseAnAverageAndANumber) {
  for (const auto* type : {"gauge", "rate", "histogram", "distribution", "", "Count"}) {
    EXPECT_THAT(wrapped("simple", merged(type)),
                ElementsAre("a.b gauge 6.25 at 1590000008 for 0 s [k:v]",
                            "a.b.count count 4 at 1590000008 for 10 s [k:v]"))
        << type;
  }
}

TEST(SimpleWrapper, TakesForASetsAverageItsNumberOfDistinctElements) {
  EXPECT_THAT(wrapped("simple", merged("set")),
              ElementsAre("a.b gauge 3 at 1590000008 for 0 s [k:v]",
                          "a.b.count count 4 at 1590000008 for 10 s [k:v]"));
}

}  // namespace
}  // namespace chouette
