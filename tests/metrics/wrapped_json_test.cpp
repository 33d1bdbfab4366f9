#include "metrics/wrapped_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chouette {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(WrappedJson, IsASeriesOfDatadogsApi) {
  EXPECT_EQ(json::parse(to_json({.name = "a.b",
                                 .type = SeriesType::count,
                                 .tags = {"k:v", "plain"},
                                 .timestamp = 1590000000,
                                 .value = 1.5,
                                 .interval = seconds(10)})),
            json::parse(R"({"metric":"a.b","points":[[1590000000,1.5]],"tags":["k:v","plain"],
                            "type":"count","interval":10})"));
}

TEST(WrappedJson, HasNoIntervalWhereThereIsNone) {
  EXPECT_EQ(json::parse(to_json(
                {.name = "a", .type = SeriesType::gauge, .tags = {}, .timestamp = 1, .value = 2})),
            json::parse(R"({"metric":"a","points":[[1,2]],"tags":[],"type":"gauge"})"));
}

TEST(WrappedJson, NamesEachType) {
  const auto type_of = [](SeriesType type) {
    return json::parse(to_json({.name = "a", .type = type, .tags = {}}))["type"];
  };
  EXPECT_EQ(type_of(SeriesType::gauge), "gauge");
  EXPECT_EQ(type_of(SeriesType::count), "count");
  EXPECT_EQ(type_of(SeriesType::rate), "rate");
}

TEST(WrappedJson, IsWrittenInFewBytes) {
  EXPECT_THAT(to_json({.name = "a", .tags = {"k"}, .timestamp = 1590000000, .value = 5}),
              HasSubstr(R"("points":[[1590000000,5]])"));
  EXPECT_EQ(
      to_json({.name = "a", .tags = {"k"}}).size(),
      std::string_view(R"({"metric":"a","points":[[0,0]],"tags":["k"],"type":"gauge"})").size());
}

TEST(WrappedJson, EscapesTexts) {
  const auto series = json::parse(to_json({.name = "\"\\\n\x01\x7f", .tags = {"\xc3\xa9", ""}}));
  EXPECT_EQ(series["metric"], "\"\\\n\x01\x7f");
  EXPECT_EQ(series["tags"], json({"\xc3\xa9", ""}));
}

TEST(WrappedJson, ReplacesBytesThatAreNotUtf8) {
  const auto series = json::parse(to_json({.name = "a\xff", .tags = {"\xc3:x"}}));
  EXPECT_EQ(series["metric"], "a\xef\xbf\xbd");
  EXPECT_EQ(series["tags"][0], "\xef\xbf\xbd:x");
}

}  // namespace
}  // namespace chouette
