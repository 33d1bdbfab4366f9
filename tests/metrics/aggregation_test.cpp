#include "metrics/aggregation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
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

constexpr TimeRange bucket{1590000000, 1590000010};

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
    for (const auto& point : bucket.points) {
      result.push_back(json::parse(point.value));
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
  TakenSeconds taken_;
  Aggregation aggregation_{*wrapper_, taken_};
};

std::string record(const std::string& name, const std::string& type, const std::string& value,
                   double timestamp, const std::string& tags = "null") {
  return R"({"metric":")" + name + R"(","type":")" + type + R"(","value":)" + value +
         R"(,"timestamp":)" + json(timestamp).dump() + R"(,"tags":)" + tags + "}";
}

TEST_F(AggregationTest, OfNothingIsNothing) {
  const auto result = aggregation_.finish(bucket);
  EXPECT_THAT(result.points, IsEmpty());
  EXPECT_EQ(result.report.merged, 0);
}

TEST_F(AggregationTest, MakesPointsOfRecords) {
  add({record("a", "count", "1", 1590000003.5), record("b", "gauge", "1.5", 1590000004)});
  add({record("a", "count", "2", 1590000002.5),
       record("a", "count", "10", 1590000001, R"({"k":"v"})")});
  const auto result = aggregation_.finish(bucket);
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

TEST_F(AggregationTest, GivesEachPointAKeyAndItsTime) {
  add({record("a", "histogram", "1", 1590000003.5)});
  const auto result = aggregation_.finish(bucket);
  ASSERT_THAT(result.points, SizeIs(3));
  std::set<std::string> keys;
  for (const auto& point : result.points) {
    keys.insert(point.key);
    EXPECT_EQ(point.key.size(), 36);
    EXPECT_EQ(point.timestamp, 1590000003);
  }
  EXPECT_THAT(keys, SizeIs(3));
}

TEST_F(AggregationTest, MergesTagsHoweverTheyAreWritten) {
  add({record("a", "count", "1", 1590000003, R"({"k":"v","n":1})"),
       record("a", "count", "2", 1590000003, R"({"n":1,"k":"v"})"),
       record("a", "count", "4", 1590000003, R"(["n:1","k:v"])")});
  const auto result = aggregation_.finish(bucket);
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
  const auto result = aggregation_.finish(bucket);
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
  const auto result = aggregation_.finish(bucket);
  EXPECT_EQ(malformed(result, Malformed::json).example, std::string(200, 'x'));
}

TEST_F(AggregationTest, CountsWhatTheWrapperDoesNotKnow) {
  add({record("d", "distribution", "1", 1590000003), record("d", "distribution", "2", 1590000004),
       record("e", "timing", "2", 1590000004), record("a", "count", "1", 1590000003)});
  const auto result = aggregation_.finish(bucket);
  EXPECT_THAT(result.points, SizeIs(1));
  EXPECT_EQ(result.report.merged, 1);
  EXPECT_EQ(result.report.unsupported.count, 3);
  EXPECT_EQ(result.report.unsupported.example, "d of type distribution");
}

TEST_F(AggregationTest, StartsAnewForTheNextBucket) {
  add({"{", record("a", "count", "1", 1590000003), record("d", "distribution", "1", 1590000003)});
  static_cast<void>(aggregation_.finish(bucket));
  const auto empty = aggregation_.finish({1590000010, 1590000020});
  EXPECT_THAT(empty.points, IsEmpty());
  EXPECT_EQ(empty.report.merged, 0);
  EXPECT_EQ(empty.report.unsupported.count, 0);
  EXPECT_EQ(malformed(empty, Malformed::json).count, 0);
  EXPECT_EQ(malformed(empty, Malformed::json).example, "");
  add({record("a", "count", "5", 1590000013)});
  EXPECT_EQ(series_of(aggregation_.finish({1590000010, 1590000020}))[0]["points"],
            json::parse("[[1590000013,5]]"));
}

TEST_F(AggregationTest, GivesALateMetricASecondOfItsOwnInItsBucket) {
  add({record("a", "count", "1", 1590000009.5)});
  static_cast<void>(aggregation_.finish(bucket));
  taken_.keep();
  add({record("a", "count", "2", 1590000009.2)});
  EXPECT_EQ(series_of(aggregation_.finish(bucket))[0]["points"], json::parse("[[1590000000,2]]"));
}

TEST_F(AggregationTest, NeverMakesTwoPointsOfOneSeriesInOneSecond) {
  // One name, four types: for Datadog they are one series.
  add({record("a", "count", "1", 1590000003), record("a", "gauge", "2", 1590000003),
       record("a", "rate", "3", 1590000003), record("a", "set", "[4]", 1590000003),
       record("a.count", "gauge", "5", 1590000003), record("a", "histogram", "6", 1590000003)});
  std::set<std::pair<std::string, double>> seconds_of_series;
  const auto result = aggregation_.finish(bucket);
  EXPECT_THAT(result.points, SizeIs(8));
  for (const auto& series : series_of(result)) {
    const double second = series["points"][0][0];
    EXPECT_TRUE(bucket.contains(second));
    EXPECT_TRUE(seconds_of_series.emplace(series["metric"], second).second) << series;
  }
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
    TakenSeconds taken;
    Aggregation aggregation(*wrapper_, taken);
    PackedStrings piece;
    for (const auto& one : records) {
      piece.push_back(one);
      if (pick(100) == 0) {
        aggregation.add(std::exchange(piece, {}));
      }
    }
    aggregation.add(piece);
    const auto result = aggregation.finish(bucket);
    std::vector<std::string> points;
    for (const auto& point : result.points) {
      points.push_back(point.value);
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
