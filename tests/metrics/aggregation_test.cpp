#include "metrics/aggregation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <stdexcept>
#include <string>

#include "metrics/wrappers.hpp"

namespace chouette {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class AggregationTest : public testing::Test {
protected:
  void add(const std::vector<std::string>& records) {
    PackedStrings packed;
    for (const auto& record : records) {
      packed.push_back(record);
    }
    aggregation_.add(packed);
  }

  static std::vector<json> series_of(const AggregatedBucket& bucket) {
    std::vector<json> result;
    for (const auto& record : to_records(bucket.points)) {
      result.push_back(json::parse(record.value));
    }
    return result;
  }

  static const Dropped& malformed(const AggregatedBucket& bucket, Malformed reason) {
    return bucket.report.malformed.at(static_cast<std::size_t>(reason));
  }

  std::unique_ptr<Wrapper> wrapper_ =
      make_wrapper("datadog", {.interval = seconds(10),
                               .histogram_aggregates = {"max", "count"},
                               .histogram_percentiles = {0.5}});
  Aggregation aggregation_{*wrapper_};
};

std::string record(const std::string& name, const std::string& type, const std::string& value,
                   double timestamp, const std::string& tags = "null") {
  return R"({"metric":")" + name + R"(","type":")" + type + R"(","value":)" + value +
         R"(,"timestamp":)" + json(timestamp).dump() + R"(,"tags":)" + tags + "}";
}

TEST_F(AggregationTest, OfNothingIsNothing) {
  const auto result = aggregation_.finish();
  EXPECT_THAT(result.points, IsEmpty());
  EXPECT_EQ(result.report.merged, 0);
}

TEST_F(AggregationTest, MakesPointsOfRecords) {
  add({record("a", "count", "1", 1590000003.5), record("b", "gauge", "1.5", 1590000004)});
  add({record("a", "count", "2", 1590000002.5),
       record("a", "count", "10", 1590000001, R"({"k":"v"})")});
  const auto result = aggregation_.finish();
  EXPECT_THAT(
      series_of(result),
      ElementsAre(
          json::parse(
              R"({"metric":"a","type":"count","interval":10,"tags":[],"points":[[1590000002,3]]})"),
          json::parse(
              R"({"metric":"a","type":"count","interval":10,"tags":["k:v"],"points":[[1590000001,10]]})"),
          json::parse(R"({"metric":"b","type":"gauge","tags":[],"points":[[1590000004,1.5]]})")));
  EXPECT_EQ(result.report.merged, 4);
  EXPECT_THAT(result.report.malformed, Each(testing::Field(&Dropped::count, 0U)));
  EXPECT_EQ(result.report.unsupported.count, 0);
}

TEST_F(AggregationTest, GivesEachRecordAKeyAndItsTime) {
  add({record("a", "histogram", "1", 1590000003.5)});
  const auto result = aggregation_.finish();
  ASSERT_THAT(result.points, SizeIs(3));
  std::set<std::string> keys;
  for (const auto& record : to_records(result.points)) {
    keys.insert(record.key);
    EXPECT_EQ(record.key.size(), 36);
    EXPECT_EQ(record.timestamp, 1590000003);
  }
  EXPECT_THAT(keys, SizeIs(3));
}

TEST_F(AggregationTest, MergesTagsHoweverTheyAreWritten) {
  add({record("a", "count", "1", 1590000003, R"({"k":"v","n":1})"),
       record("a", "count", "2", 1590000003, R"({"n":1,"k":"v"})"),
       record("a", "count", "4", 1590000003, R"(["n:1","k:v"])")});
  const auto result = aggregation_.finish();
  ASSERT_THAT(result.points, SizeIs(1));
  EXPECT_EQ(series_of(result)[0]["points"][0][1], 7);
}

TEST_F(AggregationTest, CountsWhatIsMalformedByItsReasonWithAnExample) {
  PackedStrings packed;
  packed.push_back("{");
  packed.push_absent();
  packed.push_back("NaN");
  packed.push_back("[]");
  packed.push_back(record("a", "count", "1", 1590000003));
  packed.push_back(record("", "count", "1", 1590000003));
  packed.push_back(record("a", "count", "null", 1590000003));
  packed.push_absent();
  aggregation_.add(packed);
  const auto result = aggregation_.finish();
  EXPECT_THAT(result.points, SizeIs(1));
  EXPECT_EQ(result.report.merged, 1);
  EXPECT_EQ(malformed(result, Malformed::half).count, 2);
  EXPECT_EQ(malformed(result, Malformed::half).example, "");
  EXPECT_EQ(malformed(result, Malformed::json).count, 2);
  EXPECT_EQ(malformed(result, Malformed::json).example, "{");
  EXPECT_EQ(malformed(result, Malformed::object).count, 1);
  EXPECT_EQ(malformed(result, Malformed::object).example, "[]");
  EXPECT_EQ(malformed(result, Malformed::metric).count, 1);
  EXPECT_EQ(malformed(result, Malformed::value).count, 1);
  EXPECT_EQ(malformed(result, Malformed::type).count, 0);
}

TEST_F(AggregationTest, ShortensExamples) {
  add({std::string(1'000'000, 'x')});
  const auto result = aggregation_.finish();
  EXPECT_EQ(malformed(result, Malformed::json).example, std::string(200, 'x'));
}

TEST_F(AggregationTest, CountsWhatTheWrapperDoesNotKnow) {
  add({record("d", "distribution", "1", 1590000003), record("d", "distribution", "2", 1590000004),
       record("e", "timing", "2", 1590000004), record("a", "count", "1", 1590000003)});
  const auto result = aggregation_.finish();
  EXPECT_THAT(result.points, SizeIs(1));
  EXPECT_EQ(result.report.merged, 1);
  EXPECT_EQ(result.report.unsupported.count, 3);
  EXPECT_EQ(result.report.unsupported.example, "d of type distribution");
}

TEST_F(AggregationTest, StartsAnewForTheNextBucket) {
  add({"{", record("a", "count", "1", 1590000003), record("d", "distribution", "1", 1590000003)});
  static_cast<void>(aggregation_.finish());
  const auto empty = aggregation_.finish();
  EXPECT_THAT(empty.points, IsEmpty());
  EXPECT_EQ(empty.report.merged, 0);
  EXPECT_EQ(empty.report.unsupported.count, 0);
  EXPECT_EQ(malformed(empty, Malformed::json).count, 0);
  EXPECT_EQ(malformed(empty, Malformed::json).example, "");
  add({record("a", "count", "5", 1590000013)});
  EXPECT_EQ(series_of(aggregation_.finish())[0]["points"], json::parse("[[1590000013,5]]"));
}

/// A wrapper by somebody who divides by zero.
class CarelessWrapper : public Wrapper {
public:
  bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const override {
    for (const double value : {1.0, std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      out.push_back({.name = metric.name,
                     .type = SeriesType::gauge,
                     .tags = {},
                     .timestamp = 1590000003,
                     .value = value});
    }
    return true;
  }
};

/// A wrapper that fails in all the ways it can, by the metrics' names.
class FailingWrapper : public Wrapper {
public:
  bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const override {
    if (metric.name == "clear") out.clear();
    out.push_back({.name = metric.name, .tags = {}, .timestamp = 1590000003, .value = metric.sum});
    if (metric.name == "nameless") out.back().name.clear();
    if (metric.name == "throw") throw std::runtime_error("no");
    if (metric.name == "throw.number") throw 1;
    return metric.name != "refuse";
  }
};

TEST(Aggregation, AWrapperThatFailsCostsOnlyTheMetricAtWhichItFails) {
  const FailingWrapper wrapper;
  Aggregation aggregation(wrapper);
  PackedStrings packed;
  for (const auto* name : {"a", "clear", "nameless", "refuse", "throw", "throw.number", "z"}) {
    packed.push_back(record(name, "count", "1", 1590000003));
    packed.push_back(record(name, "count", "2", 1590000004));
  }
  aggregation.add(packed);
  const auto result = aggregation.finish();
  std::vector<std::string> names;
  for (const auto& point : result.points) {
    EXPECT_EQ(point.value, 3) << point.name;
    names.push_back(point.name);
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("a", "clear", "z"));
  EXPECT_EQ(result.report.merged, 8);
  EXPECT_EQ(result.report.unsupported.count, 6);
  EXPECT_THAT(result.report.unsupported.example, testing::HasSubstr(" of type count"));
  EXPECT_EQ(result.report.unsendable.count, 1);
  EXPECT_EQ(result.report.unsendable.example, "a point of nameless without a name");
}

TEST(Aggregation, SaysWhyTheWrapperFailed) {
  const FailingWrapper wrapper;
  Aggregation aggregation(wrapper);
  PackedStrings packed;
  packed.push_back(record("throw", "count", "1", 1590000003));
  aggregation.add(packed);
  EXPECT_EQ(aggregation.finish().report.unsupported.example,
            "throw of type count, at which it failed: no");
}

TEST(Aggregation, DropsAndCountsPointsThatAreNoNumbers) {
  const CarelessWrapper wrapper;
  Aggregation aggregation(wrapper);
  PackedStrings packed;
  packed.push_back(record("a", "count", "1", 1590000003));
  aggregation.add(packed);
  const auto result = aggregation.finish();
  ASSERT_THAT(result.points, SizeIs(1));
  EXPECT_EQ(result.points[0].value, 1);
  EXPECT_EQ(result.report.unsendable.count, 3);
  EXPECT_EQ(result.report.unsendable.example, "a point of a whose value is no number");
}

/// A wrapper whose clock is broken.
class StampingWrapper : public Wrapper {
public:
  bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const override {
    constexpr auto extremes = std::numeric_limits<std::int64_t>();
    constexpr std::int64_t bound = 9007199254740992;
    for (const auto timestamp : {bound, -bound, bound + 1, -bound - 1, extremes.max(),
                                 extremes.min(), std::int64_t{1590000003}}) {
      out.push_back({.name = metric.name, .tags = {}, .timestamp = timestamp, .value = 1});
    }
    return true;
  }
};

TEST(Aggregation, DropsAndCountsPointsWhoseTimeIsOutOfRange) {
  const StampingWrapper wrapper;
  Aggregation aggregation(wrapper);
  PackedStrings packed;
  packed.push_back(record("a", "count", "1", 1590000003));
  aggregation.add(packed);
  const auto result = aggregation.finish();
  std::vector<std::int64_t> stamps;
  for (const auto& point : result.points) {
    stamps.push_back(point.timestamp);
  }
  EXPECT_THAT(stamps, ElementsAre(9007199254740992, -9007199254740992, 1590000003));
  EXPECT_EQ(result.report.unsendable.count, 4);
  EXPECT_EQ(result.report.unsendable.example, "a point of a whose time is out of range");
}

/// A wrapper that adds tags without an order.
class TaggingWrapper : public Wrapper {
public:
  bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const override {
    for (const Tags& tags : {Tags{"b:1", "a:1"}, Tags{"a:1", "b:1", "b:1"}, Tags{"a:1", "b:1"},
                             Tags{"a:1", "a:1"}, Tags{}}) {
      out.push_back({.name = metric.name, .tags = tags, .timestamp = 1590000003, .value = 1});
    }
    return true;
  }
};

TEST(Aggregation, PutsTagsInOrder) {
  const TaggingWrapper wrapper;
  Aggregation aggregation(wrapper);
  PackedStrings packed;
  packed.push_back(record("a", "count", "1", 1590000003));
  aggregation.add(packed);
  std::vector<Tags> tags;
  for (const auto& point : aggregation.finish().points) {
    tags.push_back(point.tags);
  }
  const Tags both{"a:1", "b:1"};
  EXPECT_THAT(tags, ElementsAre(both, both, both, Tags{"a:1"}, Tags{}));
}

TEST_F(AggregationTest, IsTheSameInWhateverOrderAndPiecesRecordsCome) {
  std::mt19937_64 random(6);
  const auto pick = [&random](int sides) {
    return std::uniform_int_distribution<int>(0, sides - 1)(random);
  };
  const std::vector<std::string> types{"count", "rate", "gauge", "histogram", "set", "odd"};
  std::vector<std::string> records;
  for (int i = 0; i < 2000; ++i) {
    const auto& type = types[static_cast<std::size_t>(pick(6))];
    const auto value = json(pick(100000) / 700.0).dump();
    records.push_back(record(std::string(1, static_cast<char>('a' + pick(4))), type,
                             type == "set" ? "[" + std::to_string(pick(50)) + "]" : value,
                             1590000000 + pick(1000) / 100.0, pick(2) == 0 ? "null" : "[\"t\"]"));
  }
  records.emplace_back("{");
  std::vector<std::string> expected;
  for (int round = 0; round < 20; ++round) {
    Aggregation aggregation(*wrapper_);
    PackedStrings piece;
    for (const auto& one : records) {
      piece.push_back(one);
      if (pick(100) == 0) {
        aggregation.add(std::exchange(piece, {}));
      }
    }
    aggregation.add(piece);
    const auto result = aggregation.finish();
    std::vector<std::string> points;
    for (const auto& record : to_records(result.points)) {
      points.push_back(record.value);
    }
    if (round == 0) {
      expected = points;
      EXPECT_THAT(points, SizeIs(4 * 2 * (4 + 3)));
    }
    ASSERT_EQ(points, expected);
    EXPECT_EQ(malformed(result, Malformed::json).count, 1);
    std::shuffle(records.begin(), records.end(), random);
  }
}

}  // namespace
}  // namespace chouette
