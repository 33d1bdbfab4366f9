#include "intake/metrics_payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "metrics/wrapped_json.hpp"

namespace chouette {
namespace {

using nlohmann::json;
using Added = Payload::Added;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::string_literals;

constexpr auto valid =
    R"({"metric":"a","points":[[1590000000,1.5]],"tags":["k:v"],"type":"gauge"})";

std::string record(const std::string& name, std::int64_t second, double value,
                   const std::string& type = "count") {
  return json{{"metric", name},
              {"type", type},
              {"tags", json::array()},
              {"points", {{second, value}}},
              {"interval", 10}}
      .dump();
}

/// The payload of `records`, all of which must be taken.
json payload_of(const std::vector<std::string>& records, const Extras& extras = {}) {
  MetricsPayload payload(extras);
  for (const auto& text : records) {
    EXPECT_EQ(payload.add(text), Added::yes) << text;
  }
  return json::parse(payload.take());
}

json series_of(const std::string& text, const Extras& extras = {}) {
  return payload_of({text}, extras).at("series").at(0);
}

Added added(const std::string& text) {
  return MetricsPayload(Extras{}).add(text);
}

/// `valid` with one field written otherwise; without it where `text` is empty.
std::string with(const std::string& field, const std::string& text) {
  auto series = json::parse(valid);
  series.erase(field);
  auto result = series.dump();
  if (!text.empty()) {
    result.back() = ',';
    result += "\"" + field + "\":" + text + "}";
  }
  return result;
}

TEST(MetricsPayload, OfNothingIsAnEmptySeries) {
  MetricsPayload payload({});
  EXPECT_TRUE((payload.size() == 0));
  EXPECT_EQ(payload.take(), R"({"series":[]})");
}

TEST(MetricsPayload, IsWhatDatadogsApiTakes) {
  EXPECT_EQ(
      payload_of(
          {R"({"metric":"a","points":[[1590000000,1.5]],"tags":["k:v"],"type":"count","interval":10})",
           R"({"metric":"b","points":[[1590000001,2]],"tags":[],"type":"gauge"})"}),
      json::parse(R"({"series":[
        {"metric":"b","points":[[1590000001,2]],"tags":[],"type":"gauge"},
        {"metric":"a","points":[[1590000000,1.5]],"tags":["k:v"],"type":"count","interval":10}]})"));
}

TEST(MetricsPayload, IsTheSameInWhateverOrderSeriesCome) {
  std::vector<std::string> records;
  for (const auto type : {SeriesType::count, SeriesType::gauge, SeriesType::rate}) {
    for (int i = 0; i < 20; ++i) {
      const auto number = std::to_string(i);
      records.push_back(
          to_json({.name = "m" + number, .type = type, .tags = {"device:" + number}, .value = 1}));
    }
  }
  const auto text = payload_of(records).dump();
  EXPECT_LT(text.find(R"("gauge")"), text.find(R"("count")"));
  std::mt19937 random{1};
  for (int i = 0; i < 10; ++i) {
    std::shuffle(records.begin(), records.end(), random);
    EXPECT_EQ(payload_of(records).dump(), text);
  }
}

TEST(MetricsPayload, TakesWhatTheAggregatorWrites) {
  EXPECT_EQ(
      series_of(to_json({.name = "a\xff",
                         .type = SeriesType::rate,
                         .tags = {"k:\"v\"\n"},
                         .timestamp = 1590000000,
                         .value = 0.25,
                         .interval = std::chrono::seconds(10)})),
      json::parse(
          R"({"metric":"a\ufffd","points":[[1590000000,0.25]],"tags":["k:\"v\"\n"],"type":"rate","interval":10})"));
}

TEST(MetricsPayload, WritesOneObjectForEachSeriesWithItsPointsInOrder) {
  MetricsPayload payload({});
  for (const int second : {30, 10, 20}) {
    EXPECT_EQ(payload.add(record("a", second, second / 10.0)), Added::yes);
    EXPECT_EQ(payload.add(record("b", second, 7)), Added::yes);
  }
  EXPECT_EQ(payload.size(), 6);
  EXPECT_EQ(payload.series(), 2);
  const auto series = json::parse(payload.take()).at("series");
  ASSERT_THAT(series, SizeIs(2));
  EXPECT_EQ(series[0]["points"], json::parse("[[10,1],[20,2],[30,3]]"));
  EXPECT_EQ(series[1]["points"], json::parse("[[10,7],[20,7],[30,7]]"));
}

TEST(MetricsPayload, KeepsApartWhatDiffersInNameTypeTagsIntervalOrHost) {
  const auto payload = payload_of({
      R"({"metric":"a","type":"count","interval":10,"points":[[1,1]]})",
      R"({"metric":"b","type":"count","interval":10,"points":[[1,1]]})",
      R"({"metric":"a","type":"rate","interval":10,"points":[[1,1]]})",
      R"({"metric":"a","type":"count","interval":20,"points":[[1,1]]})",
      R"({"metric":"a","type":"count","interval":10,"points":[[1,1]],"tags":["k"]})",
      R"({"metric":"a","type":"count","interval":10,"points":[[1,1]],"host":"h"})",
  });
  EXPECT_THAT(payload.at("series"), SizeIs(6));
}

TEST(MetricsPayload, TakesTagsInAnyOrderForTheSame) {
  const auto payload =
      payload_of({R"({"metric":"a","type":"gauge","points":[[1,1]],"tags":["b","a"]})",
                  R"({"metric":"a","type":"gauge","points":[[2,2]],"tags":["a","b","a"]})"});
  ASSERT_THAT(payload.at("series"), SizeIs(1));
  EXPECT_EQ(payload["series"][0]["tags"], json::parse(R"(["a","b"])"));
  EXPECT_EQ(payload["series"][0]["points"], json::parse("[[1,1],[2,2]]"));
}

TEST(MetricsPayload, SumsCountsAndRatesOfOneSecond) {
  for (const auto* type : {"count", "rate"}) {
    const auto payload = payload_of({record("a", 5, 1.5, type), record("a", 6, 10, type),
                                     record("a", 5, 2, type), record("a", 5, -0.5, type)});
    EXPECT_EQ(payload["series"][0]["points"], json::parse("[[5,3],[6,10]]")) << type;
  }
}

TEST(MetricsPayload, TakesTheLastGaugeOfOneSecond) {
  const auto payload = payload_of(
      {record("a", 5, 3, "gauge"), record("a", 6, 10, "gauge"), record("a", 5, 2, "gauge")});
  EXPECT_EQ(payload["series"][0]["points"], json::parse("[[5,2],[6,10]]"));
}

TEST(MetricsPayload, KeepsSumsFinite) {
  constexpr auto largest = std::numeric_limits<double>::max();
  const auto payload = payload_of({record("a", 5, largest), record("a", 5, largest),
                                   record("b", 5, -largest), record("b", 5, -largest)});
  EXPECT_EQ(payload["series"][0]["points"][0][1], largest);
  EXPECT_EQ(payload["series"][1]["points"][0][1], -largest);
}

TEST(MetricsPayload, AddsGlobalTagsAndHost) {
  const Extras extras{.global_tags = {"region:eu", "k:v", "a"}, .host = "pi"};
  EXPECT_EQ(series_of(valid, extras),
            json::parse(R"({"metric":"a","points":[[1590000000,1.5]],"host":"pi",
                            "tags":["a","k:v","region:eu"],"type":"gauge"})"));
  EXPECT_EQ(series_of(with("host", R"("other")"), extras)["host"], "pi");
}

TEST(MetricsPayload, LeavesTheHostAloneWhereNoneIsSet) {
  EXPECT_FALSE(series_of(valid).contains("host"));
  EXPECT_FALSE(series_of(with("host", "null")).contains("host"));
  EXPECT_EQ(series_of(with("host", R"("its own")"))["host"], "its own");
}

TEST(MetricsPayload, RoundsTimesDownToWholeSeconds) {
  EXPECT_EQ(series_of(with("points", "[[1590000000.999,1],[1590000001,2]]"))["points"],
            json::parse("[[1590000000,1],[1590000001,2]]"));
  EXPECT_EQ(series_of(with("points", "[[-0.5,1]]"))["points"], json::parse("[[-1,1]]"));
}

TEST(MetricsPayload, TakesARecordOfManyPoints) {
  EXPECT_EQ(series_of(with("points", "[[3,1],[1,2],[3,5]]"))["points"],
            json::parse("[[1,2],[3,5]]"));
}

TEST(MetricsPayload, WritesNumbersInAsFewBytesAsItTakes) {
  MetricsPayload payload({});
  payload.add(with("points", "[[1,5.0],[2,0.0],[3,1e3],[4,0.1]]"));
  EXPECT_THAT(payload.take(), testing::HasSubstr(R"("points":[[1,5],[2,0],[3,1000],[4,0.1]])"));
}

TEST(MetricsPayload, TakesWhatHasNoTypeTagsOrInterval) {
  EXPECT_EQ(series_of(R"({"metric":"a","points":[[1,2]]})"),
            json::parse(R"({"metric":"a","points":[[1,2]],"tags":[],"type":"gauge"})"));
  EXPECT_EQ(series_of(with("tags", "null"))["tags"], json::array());
  for (const auto* interval : {"null", "0", "0.0"}) {
    EXPECT_FALSE(series_of(with("interval", interval)).contains("interval")) << interval;
  }
  EXPECT_EQ(series_of(with("interval", "10.0"))["interval"], 10);
}

TEST(MetricsPayload, IgnoresOtherFields) {
  EXPECT_EQ(series_of(with("unit", R"({"x":[1e300]})")), json::parse(valid));
}

TEST(MetricsPayload, RefusesWhatIsNoSeries) {
  EXPECT_EQ(added(valid), Added::yes);
  for (const auto& text : {""s, "{"s, "NaN"s, "[]"s, "1"s, "null"s, "{}"s, valid + "x"s, "\xff"s,
                           std::string(100000, '['), std::string(100000, '{')}) {
    EXPECT_EQ(added(text), Added::malformed) << text.substr(0, 20);
  }
  for (const auto* name : {"", R"("")", "1", "null", "[]", R"("\ud800")", R"("\udc00")"}) {
    EXPECT_EQ(added(with("metric", name)), Added::malformed) << name;
  }
  for (const auto* type : {R"("")", R"("set")", R"("GAUGE")", "1", "null", "[]"}) {
    EXPECT_EQ(added(with("type", type)), Added::malformed) << type;
  }
  for (const auto* tags : {R"("k:v")", "1", R"({"k":"v"})", "[1]", "[null]", R"([["k"]])"}) {
    EXPECT_EQ(added(with("tags", tags)), Added::malformed) << tags;
  }
  for (const auto* points : {"",           "[]",           "null",         "1",
                             "{}",         "[1]",          "[[]]",         "[[1]]",
                             "[[1,2,3]]",  R"([["1",2]])", R"([[1,"2"]])", "[[1,null]]",
                             "[[null,1]]", "[[1,true]]",   "[[1,[2]]]",    "[[1,2],3]",
                             "[[1,NaN]]",  "[[1,1e999]]",  "[[1e300,1]]",  "[[1,2],[1e17,1]]"}) {
    EXPECT_EQ(added(with("points", points)), Added::malformed) << points;
  }
  for (const auto* interval : {"-1", R"("10")", "[]", "true", "1e300"}) {
    EXPECT_EQ(added(with("interval", interval)), Added::malformed) << interval;
  }
  for (const auto* host : {"1", "[]", "{}", "false"}) {
    EXPECT_EQ(added(with("host", host)), Added::malformed) << host;
  }
}

TEST(MetricsPayload, RefusesARecordCutOffAnywhere) {
  const std::string text = valid;
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(added(text.substr(0, length)), Added::malformed) << length;
  }
}

TEST(MetricsPayload, IsUnharmedByWhatItRefuses) {
  MetricsPayload payload({});
  EXPECT_EQ(payload.add(valid), Added::yes);
  for (const auto& text : {"{"s, with("host", "1"), with("points", "[[1,2],3]")}) {
    EXPECT_EQ(payload.add(text), Added::malformed);
  }
  EXPECT_EQ(payload.size(), 1);
  EXPECT_EQ(json::parse(payload.take()), json::parse(R"({"series":[)" + std::string(valid) + "]}"));
}

TEST(MetricsPayload, IsEmptyOnceTaken) {
  MetricsPayload payload({});
  payload.add(valid);
  payload.take();
  EXPECT_TRUE((payload.size() == 0));
  EXPECT_EQ(payload.size(), 0);
  EXPECT_EQ(payload.series(), 0);
  EXPECT_EQ(payload.take(), R"({"series":[]})");
  EXPECT_EQ(payload.add(valid), Added::yes);
  EXPECT_EQ(json::parse(payload.take())["series"].size(), 1);
}

TEST(MetricsPayload, ReadsWhatItRemembersAsAnyOther) {
  std::vector<std::string> records;
  for (const std::string& name : {"a"s, "b"s, R"("points":[[1,2]])"s,
                                  R"(a","points":[[3,4]],"tags":[]})"s, "\\"s, "\xc3\xa4"s}) {
    for (const auto& tags : {Tags{}, Tags{"k:v"}, Tags{R"(k:","points":[[5,6]])", "site:shed"}}) {
      for (const auto type : {SeriesType::gauge, SeriesType::count}) {
        records.push_back(to_json(WrappedMetric{.name = name,
                                                .type = type,
                                                .tags = tags,
                                                .timestamp = 1590000000,
                                                .value = 1.5,
                                                .interval = std::chrono::seconds(10)}));
      }
    }
  }
  const auto usual_ones = records.size();
  // The same with other numbers, and with what is none.
  for (std::size_t i = 0; i < usual_ones; ++i) {
    for (const auto* numbers : {"1590000001,2",
                                "0,0",
                                "-1,-2.5",
                                "1590000000,1e300",
                                "1,1E-5",
                                "1590000000.75,1",
                                "-0,1",
                                "1,-0",
                                "01,1",
                                "1,01",
                                "1,1.",
                                "1,.5",
                                "1,+1",
                                "1,1e999",
                                "1,1e-999",
                                "1,NaN",
                                "1,null",
                                "1,\"1\"",
                                "1,2,3",
                                "1",
                                "",
                                "1,2],[3,4",
                                "1,2]],\"points\":[[3,4",
                                " 1 , 2 ",
                                "9007199254740992,1",
                                "-9007199254740993,1",
                                "9007199254740993,1",
                                "99999999999999999,1",
                                "1,12345678901234567890",
                                "1,2]],\"host\":\"h\",\"x\":[[3,4"}) {
      auto record = records[i];
      const auto at = record.find("1590000000,1.5");
      records.push_back(record.replace(at, std::string("1590000000,1.5").size(), numbers));
    }
  }
  std::mt19937 random(7);
  std::shuffle(records.begin(), records.end(), random);
  for (const auto& extras : {Extras{}, Extras{{"site:shed"}, "pi"}}) {
    MetricsPayload remembering(extras);
    for (int sight = 0; sight < 2; ++sight) {  // What comes twice in a request is remembered.
      for (const auto& text : records) {
        remembering.add(text);
      }
    }
    remembering.take();
    for (const auto& text : records) {
      MetricsPayload fresh(extras);
      ASSERT_EQ(remembering.add(text), fresh.add(text)) << text;
      ASSERT_EQ(remembering.size(), fresh.size()) << text;
      ASSERT_EQ(remembering.take(), fresh.take()) << text;
    }
  }
}

TEST(MetricsPayload, WritesThousandsOfSeriesRequestAfterRequest) {
  MetricsPayload payload({});
  for (int request = 0; request < 3; ++request) {
    for (int i = 0; i < 6000; ++i) {
      WrappedMetric point{.name = "m" + std::to_string(10000 + i), .type = SeriesType::count};
      point.timestamp = request;
      point.value = i;
      ASSERT_EQ(payload.add(to_json(point)), Added::yes);
    }
    const auto sent = json::parse(payload.take()).at("series");
    ASSERT_EQ(sent.size(), 6000);
    for (int i = 0; i < 6000; ++i) {
      ASSERT_EQ(sent[i]["metric"], "m" + std::to_string(10000 + i));
      ASSERT_EQ(sent[i]["points"], json({{request, i}}));
    }
  }
}

TEST(MetricsPayload, RestampsWhatItRemembers) {
  double shift = 0;
  MetricsPayload payload({}, {}, [&](double stamp) { return stamp + shift; });
  for (shift = 0; shift < 4; ++shift) {
    payload.add(valid);
    payload.add(valid);
    EXPECT_EQ(json::parse(payload.take())["series"][0]["points"][0][0], 1590000000 + shift);
  }
}

TEST(MetricsPayload, IsFullAtItsNumberOfPoints) {
  MetricsPayload payload({}, {.points = 3});
  EXPECT_EQ(payload.add(record("a", 1, 1)), Added::yes);
  EXPECT_EQ(payload.add(with("points", "[[1,1],[2,2],[3,3]]")), Added::full);
  EXPECT_EQ(payload.add(with("points", "[[1,1],[2,2]]")), Added::yes);
  EXPECT_EQ(payload.add(record("a", 2, 1)), Added::full);
  EXPECT_EQ(payload.size(), 3);
  payload.take();
  EXPECT_EQ(payload.add(record("a", 2, 1)), Added::yes);
}

TEST(MetricsPayload, IsNeverFullWhileEmpty) {
  MetricsPayload payload({}, {.points = 1, .bytes = 1});
  EXPECT_EQ(payload.add(with("points", "[[1,1],[2,2],[3,3]]")), Added::yes);
  EXPECT_EQ(payload.size(), 3);
  EXPECT_EQ(payload.add(valid), Added::full);
}

TEST(MetricsPayload, SaysMalformedRatherThanFull) {
  MetricsPayload payload({}, {.points = 1});
  payload.add(valid);
  EXPECT_EQ(payload.add("{"), Added::malformed);
}

/// Adds what `next` gives until `payload` is full, and expects it to have kept its limit.
template <class Next>
void expect_within_limit(MetricsPayload& payload, std::size_t limit, Next next) {
  int added = 0;
  while (payload.add(next(added)) == Added::yes) {
    ++added;
    ASSERT_LT(added, 100000);
  }
  EXPECT_GT(added, 1);
  const auto json = payload.take();
  EXPECT_LE(json.size(), limit);
  EXPECT_GT(json.size(), limit / 4) << "much room is left";
}

TEST(MetricsPayload, StaysWithinItsSizeWhateverRecordsHold) {
  constexpr std::size_t limit = 20000;
  const PayloadLimits limits{.points = 1'000'000, .bytes = limit};
  const auto name = [](int i) { return "\"m" + std::to_string(i) + "\""; };
  const Extras extras{
      .global_tags = {"quotes:" + std::string(8, '"'), "control:" + std::string(8, '\x01')},
      .host = std::string(20, '"')};
  {
    MetricsPayload payload({}, limits);
    expect_within_limit(payload, limit, [&](int i) { return with("metric", name(i)); });
  }
  {
    MetricsPayload payload(extras, limits);
    expect_within_limit(payload, limit, [&](int i) { return with("metric", name(i)); });
  }
  {
    // Numbers that are written longer than they are read.
    MetricsPayload payload({}, limits);
    expect_within_limit(payload, limit, [&](int i) {
      return R"({"metric":)" + name(i) + R"(,"points":[[9e15,-9e15],[8e15,9e15],[7e15,1e-4]]})";
    });
  }
  {
    MetricsPayload payload({}, limits);
    expect_within_limit(payload, limit, [&](int i) {
      return R"({"metric":"a","points":[[)" + std::to_string(i) + R"(e9,9e15]]})";
    });
  }
}

TEST(MetricsPayload, LosesNoPointWhenSplitIntoPayloads) {
  std::mt19937 random(8);
  std::uniform_int_distribution<std::int64_t> any_second(0, 99);
  MetricsPayload payload({.global_tags = {"g:1"}, .host = "h"}, {.points = 50, .bytes = 3000});
  double sent = 0;
  double wanted = 0;
  const auto flush = [&] {
    const auto text = payload.take();
    EXPECT_LE(text.size(), 3000);
    const auto sent_now = json::parse(text);
    for (const auto& series : sent_now["series"]) {
      for (const auto& point : series["points"]) {
        sent += point[1].get<double>();
      }
    }
  };
  for (int i = 0; i < 2000; ++i) {
    const auto text = record("m" + std::to_string(random() % 20), any_second(random), i);
    wanted += i;
    if (payload.add(text) == Added::full) {
      flush();
      ASSERT_EQ(payload.add(text), Added::yes);
    }
  }
  flush();
  EXPECT_EQ(sent, wanted);
}

}  // namespace
}  // namespace chouette
