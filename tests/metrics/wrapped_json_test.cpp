#include "metrics/wrapped_json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "metrics/json_number.hpp"

namespace chouette {
namespace {

using nlohmann::json;
using std::chrono::seconds;

std::string value_text(double value) { return json_number(value).dump(); }

TEST(WrappedJson, IsASeriesOfDatadogsApi) {
  EXPECT_EQ(to_json({.name = "a.b",
                     .type = SeriesType::count,
                     .tags = {"k:v", "plain"},
                     .timestamp = 1590000000,
                     .value = 1.5,
                     .interval = seconds(10)}),
            R"({"interval":10,"metric":"a.b","points":[[1590000000,1.5]],)"
            R"("tags":["k:v","plain"],"type":"count"})");
}

TEST(WrappedJson, HasNoIntervalWhereThereIsNone) {
  EXPECT_EQ(to_json({.name = "a", .type = SeriesType::gauge, .tags = {}, .timestamp = 1, .value = 2}),
            R"({"metric":"a","points":[[1,2]],"tags":[],"type":"gauge"})");
}

TEST(WrappedJson, NamesEachType) {
  const auto type_of = [](SeriesType type) {
    return json::parse(to_json({.name = "a", .type = type, .tags = {}}))["type"];
  };
  EXPECT_EQ(type_of(SeriesType::gauge), "gauge");
  EXPECT_EQ(type_of(SeriesType::count), "count");
  EXPECT_EQ(type_of(SeriesType::rate), "rate");
}

TEST(WrappedJson, EscapesTexts) {
  const auto text = to_json({.name = "\"\\\n\x01", .tags = {"\xc3\xa9"}});
  EXPECT_EQ(text, R"({"metric":"\"\\\n\u0001","points":[[0,0]],"tags":["é"],"type":"gauge"})");
}

TEST(WrappedJson, ReplacesBytesThatAreNotUtf8) {
  const auto series = json::parse(to_json({.name = "a\xff", .tags = {"\xc3:x"}}));
  EXPECT_EQ(series["metric"], "a\xef\xbf\xbd");
  EXPECT_EQ(series["tags"][0], "\xef\xbf\xbd:x");
}

TEST(JsonNumber, WritesWholeNumbersWithoutAPoint) {
  EXPECT_EQ(value_text(0), "0");
  EXPECT_EQ(value_text(-0.0), "0");
  EXPECT_EQ(value_text(5), "5");
  EXPECT_EQ(value_text(-17), "-17");
  EXPECT_EQ(value_text(9007199254740992), "9007199254740992");
  EXPECT_EQ(value_text(-9007199254740992), "-9007199254740992");
}

TEST(JsonNumber, LosesNothing) {
  for (const double value :
       {0.1, -0.1, 1.5, 1e-5, 1e300, 5e-324, 9007199254740994.0, 1.8446744073709552e19,
        0.30000000000000004, std::numeric_limits<double>::max(), std::numeric_limits<double>::min(),
        std::numeric_limits<double>::lowest()}) {
    EXPECT_EQ(json::parse(value_text(value)).get<double>(), value);
  }
}

}  // namespace
}  // namespace chouette
