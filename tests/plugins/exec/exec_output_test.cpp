#include "exec/exec_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plugins/capture_time.hpp"

namespace chouette {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr ExecDefaults defaults{now, seconds{30}};

ExecOutput parse(std::string_view text) {
  return parse_exec_output(text, defaults);
}

WrappedMetric gauge(std::string name, double value, Tags tags = {}) {
  return {.name = std::move(name), .tags = std::move(tags), .timestamp = now, .value = value};
}

WrappedMetric of_type(SeriesType type, WrappedMetric metric, seconds interval = seconds{30}) {
  metric.type = type;
  metric.interval = interval;
  return metric;
}

WrappedMetric at(std::int64_t time, WrappedMetric metric) {
  metric.timestamp = time;
  return metric;
}

/// The reason why this one line is refused; empty if it is not.
std::string reason(std::string_view line) {
  const auto output = parse(line);
  EXPECT_EQ(output.metrics.size() + output.malformed, 1U) << line;
  if (output.malformed == 0) return "";
  const std::string_view prefix = "line 1: ";
  EXPECT_THAT(output.example, StartsWith(std::string(prefix)));
  return output.example.substr(prefix.size(), output.example.rfind(": ") - prefix.size());
}

// words

TEST(ExecOutput, ReadsNameAndValueAsAGauge) {
  EXPECT_THAT(parse("door.open 1\n").metrics, ElementsAre(gauge("door.open", 1)));
}

TEST(ExecOutput, ReadsATypeInAnyCase) {
  EXPECT_THAT(parse("a 1 gauge\nb 2 COUNT\nc 3 Rate\n").metrics,
              ElementsAre(gauge("a", 1), of_type(SeriesType::count, gauge("b", 2)),
                          of_type(SeriesType::rate, gauge("c", 3))));
}

TEST(ExecOutput, ReadsTagsWithAndWithoutAType) {
  EXPECT_THAT(parse("a 1 zone:north\nb 2 count zone:south,cold\nc 3 counter\n").metrics,
              ElementsAre(gauge("a", 1, {"zone:north"}),
                          of_type(SeriesType::count, gauge("b", 2, {"cold", "zone:south"})),
                          gauge("c", 3, {"counter"})));
}

TEST(ExecOutput, SortsTagsAndTakesEachOnce) {
  EXPECT_THAT(parse("a 1 c:3,,a:1,b:2,a:1,\n").metrics,
              ElementsAre(gauge("a", 1, {"a:1", "b:2", "c:3"})));
  EXPECT_THAT(parse("a 1 ,\n").metrics, ElementsAre(gauge("a", 1)));
}

TEST(ExecOutput, TakesSpacesAndTabsBetweenFields) {
  EXPECT_THAT(parse("\t a \t 1\t\tcount  x:y \t\n").metrics,
              ElementsAre(of_type(SeriesType::count, gauge("a", 1, {"x:y"}))));
}

TEST(ExecOutput, PassesOverEmptyLinesAndComments) {
  const auto output = parse("\n  \t \n# a comment\n  # another\n\r\na 1\n#");
  EXPECT_THAT(output.metrics, ElementsAre(gauge("a", 1)));
  EXPECT_EQ(output.malformed, 0U);
}

TEST(ExecOutput, ToleratesLineEndsOfWindowsAndNoneAtTheEnd) {
  EXPECT_THAT(parse("a 1\r\nb 2 count\r\nc 3\r").metrics,
              ElementsAre(gauge("a", 1), of_type(SeriesType::count, gauge("b", 2)), gauge("c", 3)));
}

TEST(ExecOutput, ReadsAllDecimalNumbers) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, double>>{
           {"0", 0},
           {"-0", 0},
           {"+5", 5},
           {"-1.5", -1.5},
           {".5", .5},
           {"5.", 5},
           {"1e3", 1000},
           {"1E-3", .001},
           {"-2.5e+2", -250},
           {"007", 7},
           {"1e-400", 0},
           {"-1.5e-99999999999999999999", 0},
           {"." + std::string(400, '0') + "1", 0},
           {"1e-310", 1e-310},
           {"18446744073709551616", 0x1p64},
           {"1.7976931348623157e308", std::numeric_limits<double>::max()}}) {
    EXPECT_THAT(parse("a " + text).metrics, ElementsAre(gauge("a", value))) << text;
  }
}

TEST(ExecOutput, RefusesWhatIsNoFiniteDecimalNumber) {
  for (const std::string text :
       {"x",      "inf", "-inf",  "nan", "NaN",      "infinity", "0x10",  "1e",  "1e999",
        "-1e999", "1,5", "1_000", "--1", "+-1",      "++1",      "1.2.3", "5%",  "12C",
        "-",      "+",   ".",     "e5",  "\xc2\xb2", "true",     "1;",    "1e-", "1e-400x"}) {
    EXPECT_EQ(reason("a " + text), "the value is not a finite decimal number") << text;
  }
}

TEST(ExecOutput, RefusesLinesOfOtherForms) {
  EXPECT_EQ(reason("a"), "no value");
  EXPECT_EQ(reason("door open"), "the value is not a finite decimal number");
  EXPECT_EQ(reason("a 1 histogram b:c"),
            "the third of four fields is neither gauge nor count nor rate");
  EXPECT_EQ(reason("a 1 b:c count"),
            "the third of four fields is neither gauge nor count nor rate");
  EXPECT_EQ(reason("a 1 count b:c d:e"), "more than four fields");
  EXPECT_EQ(reason("\xff 1"), "not UTF-8");
  EXPECT_EQ(reason("a 1 b:\xc3"), "not UTF-8");
  EXPECT_EQ(reason("a\xed\xa0\x80 1"), "not UTF-8");
  EXPECT_EQ(reason("a\rb 1"), "a control character in the name");
  EXPECT_EQ(reason(std::string_view("a\0b 1", 5)), "a control character in the name");
  EXPECT_EQ(reason("a 1 b:\x1b[0m"), "a control character in a tag");
}

TEST(ExecOutput, BoundsNamesAndTags) {
  EXPECT_EQ(reason(std::string(200, 'n') + " 1"), "");
  EXPECT_EQ(reason(std::string(201, 'n') + " 1"), "the name is longer than 200 characters");
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "ü";
  EXPECT_EQ(reason(umlauts + " 1"), "");
  EXPECT_EQ(reason(umlauts + "x 1"), "the name is longer than 200 characters");
  EXPECT_EQ(reason("a 1 t:" + std::string(3998, 'x')), "");
  EXPECT_EQ(reason("a 1 t:" + std::string(3999, 'x')), "the tags are longer than 4000 bytes");
  std::string tags;
  for (int i = 0; i < 100; ++i) tags += "t" + std::to_string(i) + ",";
  EXPECT_EQ(reason("a 1 " + tags), "");
  EXPECT_EQ(reason("a 1 " + tags + "u"), "more than 100 tags");
}

TEST(ExecOutput, BoundsWhatTheTagsOfManyPointsTake) {
  const auto line = [](int tags, int points) {
    std::string text = R"({"metric":"a","value":null,"tags":[)";
    for (int i = 0; i < tags; ++i) text += (i > 0 ? ",\"" : "\"") + std::to_string(10 + i) + '"';
    text += R"(],"points":[)";
    for (int i = 0; i < points; ++i) text += i > 0 ? ",[1700001000,1]" : "[1700001000,1]";
    return text + "]}";
  };
  // 90 tags of 2 bytes and 32 for each take 3,060 bytes.
  EXPECT_EQ(parse(line(90, 1370)).metrics.size(), 1370U);
  EXPECT_EQ(reason(line(90, 1371)), "too many points with such tags");
  EXPECT_EQ(reason(line(2000, 5000)), "more than 100 tags");
  EXPECT_EQ(parse(line(0, 5000)).metrics.size(), 5000U);
}

TEST(ExecOutput, UsesTheGoodLinesBetweenBadOnes) {
  const auto output = parse("a 1\nbad\nb 2\nworse line here\n\nc 3\n");
  EXPECT_THAT(output.metrics, ElementsAre(gauge("a", 1), gauge("b", 2), gauge("c", 3)));
  EXPECT_EQ(output.malformed, 2U);
  EXPECT_EQ(output.example, "line 2: no value: bad");
}

TEST(ExecOutput, ShowsNoMoreThanAShortPrintableExcerpt) {
  const auto output = parse("x\x1b[31m\xff" + std::string(5000, 'y') + "\n");
  EXPECT_EQ(output.example, "line 1: not UTF-8: x?[31m?" + std::string(33, 'y') + "…");
}

TEST(ExecOutput, KeepsAsManyMetricsAsItMay) {
  const std::string text = "a 1\nb 2\nc 3\nd 4\nbad\n";
  const auto output = parse_exec_output(text, defaults, 2);
  EXPECT_THAT(output.metrics, ElementsAre(gauge("a", 1), gauge("b", 2)));
  EXPECT_EQ(output.malformed, 3U);
  EXPECT_EQ(output.example, "line 3: more metrics than a capture may hold: c 3");

  std::string many;
  for (int i = 0; i < 5001; ++i) many += "m" + std::to_string(i) + " 1\n";
  const auto bounded = parse(many);
  EXPECT_EQ(bounded.metrics.size(), 5000U);
  EXPECT_EQ(bounded.malformed, 1U);
}

TEST(ExecOutput, CountsEachPointBeyondTheBound) {
  const auto output =
      parse_exec_output(R"({"metric":"a","points":[[1700001000,1],[1700000999,1],[1700000998,1]]})"
                        "\nb 1\n",
                        defaults, 2);
  EXPECT_THAT(output.metrics, ElementsAre(gauge("b", 1)));
  EXPECT_EQ(output.malformed, 3U);
}

TEST(ExecOutput, IsEmptyForNothing) {
  const auto output = parse("");
  EXPECT_THAT(output.metrics, IsEmpty());
  EXPECT_EQ(output.malformed, 0U);
  EXPECT_EQ(output.example, "");
}

// JSON

TEST(ExecOutput, ReadsAWrappedMetric) {
  EXPECT_THAT(
      parse(R"({"metric": "a", "type": "gauge", "tags": ["k:v"], "points": [[1700000990, 2.5]]})")
          .metrics,
      ElementsAre(at(1700000990, gauge("a", 2.5, {"k:v"}))));
}

TEST(ExecOutput, ReadsAValueInsteadOfPoints) {
  EXPECT_THAT(parse(R"(  {"metric":"a","value":-1e3})").metrics, ElementsAre(gauge("a", -1000)));
}

TEST(ExecOutput, MakesAMetricOfEachPoint) {
  EXPECT_THAT(
      parse(R"({"metric":"a","type":"COUNT","points":[[1700000990,1],[1700000991.0,2]]})").metrics,
      ElementsAre(at(1700000990, of_type(SeriesType::count, gauge("a", 1))),
                  at(1700000991, of_type(SeriesType::count, gauge("a", 2)))));
}

TEST(ExecOutput, TakesTheIntervalThatIsGiven) {
  const auto interval = [](std::string_view rest) {
    const auto output = parse(R"({"metric":"a","value":1,)" + std::string(rest) + "}");
    return output.metrics.empty() ? -1 : output.metrics[0].interval.count();
  };
  EXPECT_EQ(interval(R"("type":"count","interval":60)"), 60);
  EXPECT_EQ(interval(R"("type":"rate","interval":60.0)"), 60);
  EXPECT_EQ(interval(R"("type":"count")"), 30);
  EXPECT_EQ(interval(R"("type":"count","interval":null)"), 30);
  EXPECT_EQ(interval(R"("interval":60)"), 0);
  EXPECT_EQ(interval(R"("interval":0)"), 0);
  for (const std::string bad : {"0", "-1", "1.5", "1e10", "true", "\"60\"", "[]"}) {
    EXPECT_EQ(interval(R"("type":"count","interval":)" + bad), -1) << bad;
  }
}

TEST(ExecOutput, TakesTheLastOfAFieldThatIsThereTwice) {
  EXPECT_THAT(
      parse(R"({"metric":"a","metric":"b","value":1,"value":2,"tags":["x"],"tags":["y"]})").metrics,
      ElementsAre(gauge("b", 2, {"y"})));
}

TEST(ExecOutput, PassesOverNullsAndUnknownFields) {
  EXPECT_THAT(
      parse(R"({"metric":"a","type":null,"tags":null,"points":null,"value":1,"host":"pi","x":{}})")
          .metrics,
      ElementsAre(gauge("a", 1)));
}

TEST(ExecOutput, SortsTagsOfJsonToo) {
  EXPECT_THAT(parse(R"({"metric":"a","value":1,"tags":["b","","a","b"]})").metrics,
              ElementsAre(gauge("a", 1, {"a", "b"})));
}

TEST(ExecOutput, TakesPointsOfTheLastHourAndTheNextTenMinutes) {
  const auto takes = [](std::int64_t time) {
    return parse(R"({"metric":"a","points":[[)" + std::to_string(time) + ",1]]}").metrics.size();
  };
  EXPECT_EQ(takes(now - 3600), 1U);
  EXPECT_EQ(takes(now - 3601), 0U);
  EXPECT_EQ(takes(now + 600), 1U);
  EXPECT_EQ(takes(now + 601), 0U);
  EXPECT_EQ(takes(now * 1000), 0U);
  EXPECT_EQ(takes(std::numeric_limits<std::int64_t>::min()), 0U);
  EXPECT_EQ(takes(std::numeric_limits<std::int64_t>::max()), 0U);
  EXPECT_EQ(takes(0), 0U);
}

TEST(ExecOutput, RefusesJsonThatIsNoMetric) {
  const std::string both = "neither \"value\" nor \"points\", or both";
  const std::string number = "the value is not a finite decimal number";
  const std::string pair = "a point is not a pair of time and value";
  const std::string second = "a point's time is not in whole seconds";
  const std::string tags = "\"tags\" is not a list of texts";
  const std::string type = "\"type\" is neither gauge nor count nor rate";
  const std::string name = "no name in \"metric\"";
  for (const auto& [line, why] : std::vector<std::pair<std::string, std::string>>{
           {"{", "not JSON"},
           {"{}", name},
           {"{} {}", "not JSON"},
           {R"({"metric":"a","value":NaN})", "not JSON"},
           {R"({"metric":"a","value":1e999})", "not JSON"},
           {R"({"metric":"a","value":1)", "not JSON"},
           {R"({"metric":5,"value":1})", name},
           {R"({"metric":null,"value":1})", name},
           {R"({"metric":"","value":1})", "the name is empty"},
           {R"({"metric":"a\nb","value":1})", "a control character in the name"},
           {R"({"metric":"a"})", both},
           {R"({"metric":"a","value":1,"points":[[1700001000,1]]})", both},
           {R"({"metric":"a","value":"1"})", number},
           {R"({"metric":"a","value":true})", number},
           {R"({"metric":"a","value":[1]})", number},
           {R"({"metric":"a","points":[]})", "no list in \"points\""},
           {R"({"metric":"a","points":{}})", "no list in \"points\""},
           {R"({"metric":"a","points":[1700001000,1]})", pair},
           {R"({"metric":"a","points":[[1700001000]]})", pair},
           {R"({"metric":"a","points":[[1700001000,1,2]]})", pair},
           {R"({"metric":"a","points":[[1700001000,1],7]})", pair},
           {R"({"metric":"a","points":[["1700001000",1]]})", second},
           {R"({"metric":"a","points":[[1700001000.5,1]]})", second},
           {R"({"metric":"a","points":[[null,1]]})", second},
           {R"({"metric":"a","points":[[1700001000,null]]})", number},
           {R"({"metric":"a","points":[[1700001000,"1"]]})", number},
           {R"({"metric":"a","value":1,"tags":"k:v"})", tags},
           {R"({"metric":"a","value":1,"tags":{"k":"v"}})", tags},
           {R"({"metric":"a","value":1,"tags":["k:v",1]})", tags},
           {R"({"metric":"a","value":1,"tags":["k\u0000v"]})", "a control character in a tag"},
           {R"({"metric":"a","value":1,"type":"histogram"})", type},
           {R"({"metric":"a","value":1,"type":1})", type}}) {
    EXPECT_EQ(reason(line), why) << line;
  }
  EXPECT_EQ(reason(R"([{"metric":"a","value":1}])"), "no value");
}

TEST(ExecOutput, SurvivesDeepAndHugeJson) {
  EXPECT_EQ(reason(R"({"metric":)" + std::string(100000, '[')), "not JSON");
  EXPECT_EQ(reason(R"({"metric":"a","value":)" + std::string(400, '9') + "}"), "not JSON");
  std::string points;
  for (int i = 0; i < 5001; ++i) points += "[1700001000,1],";
  points.pop_back();
  EXPECT_EQ(reason(R"({"metric":"a","points":[)" + points + "]}"), "too many points");
}

TEST(ExecOutput, SurvivesACutAtEachByte) {
  const std::string text =
      "# käse\r\ndoor.open 1 count zone:n\xc3\xb6rd,cold\r\n"
      R"({"metric":"a","type":"rate","tags":["k:v"],"points":[[1700001000,1.5e0]],"interval":9})"
      "\n\n b\t-2\n";
  const auto whole = parse(text);
  EXPECT_EQ(whole.metrics.size(), 3U);
  EXPECT_EQ(whole.malformed, 0U);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto cut = parse(text.substr(0, size));
    EXPECT_LE(cut.metrics.size(), 3U);
    EXPECT_LE(cut.malformed, 1U);
    for (const auto& metric : cut.metrics) EXPECT_TRUE(std::isfinite(metric.value)) << size;
  }
}

// one point a second

TEST(ExecOutput, AddsUpCountsOfOneSecond) {
  std::vector metrics = parse("e 1 count a\nx 7\ne 2 count a\ne 4 count b\ne 8 count a\n").metrics;
  merge_same_points(metrics);
  EXPECT_THAT(metrics,
              ElementsAre(of_type(SeriesType::count, gauge("e", 11, {"a"})),
                          of_type(SeriesType::count, gauge("e", 4, {"b"})), gauge("x", 7)));
}

TEST(ExecOutput, KeepsTheLastGaugeOfOneSecond) {
  std::vector metrics = parse("g 1\ng 3\ng 2\n").metrics;
  merge_same_points(metrics);
  EXPECT_THAT(metrics, ElementsAre(gauge("g", 2)));
}

TEST(ExecOutput, KeepsPointsOfOtherSecondsAndTags) {
  std::vector metrics{at(now, gauge("a", 1)), at(now - 1, gauge("a", 1)), gauge("a", 1, {"t"})};
  merge_same_points(metrics);
  EXPECT_EQ(metrics.size(), 3U);
}

TEST(ExecOutput, KeepsTheLastOfOneSecondIfTypesOrIntervalsDiffer) {
  const auto count = [](double value, seconds interval) {
    return of_type(SeriesType::count, gauge("a", value), interval);
  };
  std::vector metrics{count(1, seconds{30}), gauge("a", 2)};
  merge_same_points(metrics);
  EXPECT_THAT(metrics, ElementsAre(gauge("a", 2)));
  metrics = {gauge("a", 2), count(1, seconds{30}), count(4, seconds{60}), count(8, seconds{60})};
  merge_same_points(metrics);
  EXPECT_THAT(metrics, ElementsAre(count(12, seconds{60})));
  metrics = {count(1, seconds{30}), of_type(SeriesType::rate, gauge("a", 2))};
  merge_same_points(metrics);
  EXPECT_THAT(metrics, ElementsAre(of_type(SeriesType::rate, gauge("a", 2))));
}

TEST(ExecOutput, AddsUpToNoMoreThanTheLargestNumber) {
  std::vector metrics = parse("a 1.7e308 count\na 1.7e308 count\n").metrics;
  merge_same_points(metrics);
  ASSERT_EQ(metrics.size(), 1U);
  EXPECT_EQ(metrics[0].value, std::numeric_limits<double>::max());
}

// texts for messages

TEST(ExecOutput, FindsTheLastLineThatIsNotBlank) {
  EXPECT_EQ(last_line(""), "");
  EXPECT_EQ(last_line("\n \r\n\t\n"), "");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line("one\ntwo\n"), "two");
  EXPECT_EQ(last_line("one\r\n  two \r\n\n \n"), "two");
}

TEST(ExecOutput, MakesTextPrintable) {
  EXPECT_EQ(printable("plain", 5), "plain");
  EXPECT_EQ(printable("plain!", 5), "plain…");
  EXPECT_EQ(printable("größe", 5), "größe");
  EXPECT_EQ(printable("größer", 3), "grö…");
  EXPECT_EQ(printable("a\x01\x7f\tb", 9), "a???b");
  EXPECT_EQ(printable("a\xff\xc3", 9), "a??");
  EXPECT_EQ(printable("", 0), "");
  EXPECT_EQ(printable("a", 0), "…");
}

}  // namespace
}  // namespace chouette
