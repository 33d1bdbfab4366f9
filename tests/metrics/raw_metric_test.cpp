#include "metrics/raw_metric.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chouette/metric.hpp>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::string_literals;

constexpr auto valid =
    R"({"metric": "a.b", "type": "count", "value": 1.5, "timestamp": 1590000000.123, "tags": {"k": "v"}})";

/// `valid` with one field written otherwise; without it where `text` is empty.
std::string with(const std::string& field, const std::string& text) {
  const std::vector<std::pair<std::string, std::string>> fields{{"metric", R"("a.b")"},
                                                                {"type", R"("count")"},
                                                                {"value", "1.5"},
                                                                {"timestamp", "1590000000.123"},
                                                                {"tags", R"({"k": "v"})"}};
  std::string record = "{";
  for (const auto& [name, usual] : fields) {
    const auto& value = name == field ? text : usual;
    if (!value.empty()) {
      record += record.size() > 1 ? ", \"" : "\"";
      record.append(name).append("\": ").append(value);
    }
  }
  return record + "}";
}

std::string set_of(const std::string& list) {
  return R"({"metric": "s", "type": "set", "timestamp": 1, "value": )" + list + "}";
}

std::optional<Malformed> reason_of(const std::string& record) {
  RawMetricParser parser;
  const auto metric = parser.parse(record);
  return metric ? std::nullopt : std::optional(metric.error());
}

std::optional<Tags> tags_of(const std::string& tags) {
  RawMetricParser parser;
  const auto metric = parser.parse(with("tags", tags));
  return metric ? std::optional((*metric)->tags.texts()) : std::nullopt;
}

std::optional<std::size_t> distinct_in(const std::string& list) {
  RawMetricParser parser;
  const auto metric = parser.parse(set_of(list));
  if (!metric) {
    return std::nullopt;
  }
  const auto& elements = (*metric)->elements;
  return std::set<std::string>(elements.begin(), elements.end()).size();
}

std::string nested(std::size_t depth, const std::string& open, const std::string& close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) {
    text += open;
  }
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) {
    text += close;
  }
  return text;
}

TEST(RawMetricParser, ReadsWhatTheClientWrites) {
  RawMetricParser parser;
  const auto metric = parser.parse(valid);
  ASSERT_TRUE(metric);
  EXPECT_EQ((*metric)->name, "a.b");
  EXPECT_EQ((*metric)->type, "count");
  EXPECT_EQ((*metric)->value, 1.5);
  EXPECT_EQ((*metric)->timestamp, 1590000000.123);
  EXPECT_THAT((*metric)->tags.texts(), ElementsAre("k:v"));
  EXPECT_THAT((*metric)->elements, IsEmpty());
}

TEST(RawMetricParser, KeepsNothingOfTheRecordBefore) {
  RawMetricParser parser;
  ASSERT_TRUE(parser.parse(set_of("[1, 2]")));
  ASSERT_FALSE(parser.parse(with("tags", R"(["a", 1])")));
  ASSERT_TRUE(parser.parse(valid));
  const auto metric = parser.parse(with("tags", ""));
  ASSERT_TRUE(metric);
  EXPECT_THAT((*metric)->tags.texts(), IsEmpty());
  EXPECT_THAT((*metric)->elements, IsEmpty());
  const auto set = parser.parse(set_of("[]"));
  ASSERT_TRUE(set);
  EXPECT_EQ((*set)->value, 0);
  EXPECT_THAT((*set)->elements, IsEmpty());
}

TEST(RawMetricParser, IgnoresOtherFieldsAndTheirOrder) {
  RawMetricParser parser;
  const auto metric = parser.parse(
      R"( { "timestamp":1,"host":{"x":[1,{}]},"value":2,"type":"gauge","Metric":"no","metric":"yes","":0 } )");
  ASSERT_TRUE(metric);
  EXPECT_EQ((*metric)->name, "yes");
  EXPECT_EQ((*metric)->value, 2);
}

TEST(RawMetricParser, TakesTheLastOfAFieldThatIsThereTwice) {
  RawMetricParser parser;
  const auto metric = parser.parse(
      R"({"metric":1,"type":"set","value":[],"timestamp":"x","tags":7,
          "metric":"m","type":"count","value":3,"timestamp":4,"tags":["t"]})");
  ASSERT_TRUE(metric);
  EXPECT_EQ((*metric)->name, "m");
  EXPECT_EQ((*metric)->type, "count");
  EXPECT_EQ((*metric)->value, 3);
  EXPECT_EQ((*metric)->timestamp, 4);
  EXPECT_THAT((*metric)->tags.texts(), ElementsAre("t"));
  EXPECT_EQ(reason_of(R"({"metric":"m","type":"count","value":3,"timestamp":4,"value":"3"})"),
            Malformed::value);
}

TEST(RawMetricParser, UnescapesTexts) {
  RawMetricParser parser;
  const auto metric = parser.parse(
      R"({"metric":"\u00e9\ud83e\udd89\n\"\\\/","type":"co\u0075nt","value":1,"timestamp":1,"t\u0061gs":{"\u0000":"\u0000x"}})");
  ASSERT_TRUE(metric);
  EXPECT_EQ((*metric)->name, "\xc3\xa9\xf0\x9f\xa6\x89\n\"\\/");
  EXPECT_EQ((*metric)->type, "count");
  EXPECT_THAT((*metric)->tags.texts(), ElementsAre("\0:\0x"s));
}

TEST(RawMetricParser, TakesAnyFiniteNumber) {
  RawMetricParser parser;
  const auto value = [&parser](const std::string& text) {
    const auto metric = parser.parse(with("value", text));
    return metric ? (*metric)->value : std::nan("");
  };
  EXPECT_EQ(value("0"), 0);
  EXPECT_EQ(value("-0.0"), 0);
  EXPECT_EQ(value("-7"), -7);
  EXPECT_EQ(value("1e308"), 1e308);
  EXPECT_EQ(value("1e-999"), 0);
  EXPECT_EQ(value("9007199254740993"), 9007199254740992);
  EXPECT_EQ(value("18446744073709551615"), 18446744073709551616.0);
  EXPECT_EQ(value("1" + std::string(30, '0')), 1e30);
  EXPECT_EQ(value("-1" + std::string(30, '0')), -1e30);
}

TEST(RawMetricParser, TakesAnyTypeThatIsAText) {
  EXPECT_EQ(reason_of(with("type", R"("distribution")")), std::nullopt);
  EXPECT_EQ(reason_of(with("type", R"("")")), std::nullopt);
}

TEST(RawMetricParser, CountsTheKindOfFault) {
  EXPECT_EQ(reason_of(valid), std::nullopt);
  for (const auto* text : {"", "null", R"("text")", "1", "true", "[]", "[{}]"}) {
    EXPECT_EQ(reason_of(text), *text == '\0' ? Malformed::json : Malformed::object) << text;
  }
  for (const auto* name : {"", "null", R"("")", "1", "true", "[]", R"(["a"])", "{}"}) {
    EXPECT_EQ(reason_of(with("metric", name)), Malformed::metric) << name;
  }
  for (const auto* type : {"", "null", "1", "true", "[]", R"(["count"])", "{}"}) {
    EXPECT_EQ(reason_of(with("type", type)), Malformed::type) << type;
  }
  for (const auto* value : {"", "null", R"("1.5")", "true", "[]", "[1]", "{}", R"("NaN")"}) {
    EXPECT_EQ(reason_of(with("value", value)), Malformed::value) << value;
  }
  for (const auto* time : {"", "null", R"("1")", "true", "[]", "[1]", "{}", "-1", "-1e-3", "1e300",
                           "253402300800", "1000000000000000000000000000000"}) {
    EXPECT_EQ(reason_of(with("timestamp", time)), Malformed::timestamp) << time;
  }
  for (const auto* tags : {"1", "0", "true", "false", R"("k:v")", R"("")", "[1]", "[null]",
                           R"(["k:v", 1])", R"([["k:v"]])", R"([{"k": "v"}])", R"({"k": []})",
                           R"({"k": {}})", R"({"a": "b", "k": ["v"]})"}) {
    EXPECT_EQ(reason_of(with("tags", tags)), Malformed::tags) << tags;
  }
}

TEST(RawMetricParser, NamesTheFirstOfManyFaults) {
  EXPECT_EQ(reason_of("{}"), Malformed::metric);
  EXPECT_EQ(reason_of(R"({"metric":"m"})"), Malformed::type);
  EXPECT_EQ(reason_of(R"({"metric":"m","type":"set"})"), Malformed::value);
  EXPECT_EQ(reason_of(R"({"metric":"m","type":"set","value":[]})"), Malformed::timestamp);
}

TEST(RawMetricParser, TakesTimesOfTheYears0To9999) {
  for (const auto* time : {"0", "-0", "0.0", "-0.0", "1", "253402300799", "253402300799.9"}) {
    EXPECT_EQ(reason_of(with("timestamp", time)), std::nullopt) << time;
  }
}

TEST(RawMetricParser, RefusesNumbersThatNoDoubleHolds) {
  const auto huge = "1" + std::string(400, '0');
  for (const std::string& number :
       {"NaN"s, "Infinity"s, "-Infinity"s, "nan"s, "inf"s, "1e999"s, "-1e999"s, huge, "-" + huge}) {
    EXPECT_EQ(reason_of(with("value", number)), Malformed::json) << number;
    EXPECT_EQ(reason_of(with("timestamp", number)), Malformed::json) << number;
    EXPECT_EQ(reason_of(with("tags", R"({"k": )" + number + "}")), Malformed::json) << number;
    EXPECT_EQ(reason_of(set_of("[" + number + "]")), Malformed::json) << number;
  }
}

TEST(RawMetricParser, RefusesARecordCutOffAnywhere) {
  const std::string record = valid;
  for (std::size_t length = 0; length < record.size(); ++length) {
    EXPECT_EQ(reason_of(record.substr(0, length)), Malformed::json) << length;
  }
  const auto set =
      R"({"metric": "s", "type": "set", "value": ["\u00e9", 1.5e3, null], "timestamp": 10000000000000000000000, "tags": ["a"]})"s;
  for (std::size_t length = 0; length < set.size(); ++length) {
    EXPECT_EQ(reason_of(set.substr(0, length)), Malformed::json) << length;
  }
}

TEST(RawMetricParser, RefusesWhatComesAfterTheEnd) {
  for (const auto& rest : {"x"s, "}"s, "{}"s, "\0"s, "\0{}"s, ","s, "\xff"s}) {
    EXPECT_EQ(reason_of(valid + rest), Malformed::json) << rest;
    EXPECT_EQ(reason_of(with("value", "1" + std::string(30, '0')) + rest), Malformed::json);
  }
  EXPECT_EQ(reason_of(valid + " \r\n\t"s), std::nullopt);
}

TEST(RawMetricParser, RefusesWhatIsNotUtf8) {
  for (const auto& bytes : {"\xff"s, "\x80"s, "\xc3"s, "\xc0\x80"s, "\xed\xa0\x80"s,
                            "\xf5\x80\x80\x80"s, "\xe9t\xe9"s}) {
    EXPECT_EQ(reason_of(with("metric", "\"" + bytes + "\"")), Malformed::json);
    EXPECT_EQ(reason_of(with("tags", "[\"" + bytes + "\"]")), Malformed::json);
  }
  for (const auto* surrogate :
       {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")"}) {
    EXPECT_EQ(reason_of(with("metric", surrogate)), Malformed::json) << surrogate;
  }
  EXPECT_EQ(reason_of(with("metric", "\"a\0b\""s)), Malformed::json);
}

TEST(RawMetricParser, SurvivesDeepNesting) {
  for (const std::size_t depth : {100U, 1000U, 1100U, 100000U}) {
    const auto lists = nested(depth, "[", "]");
    const auto objects = nested(depth, R"({"a":)", "}");
    for (const auto& deep : {lists, objects}) {
      const auto too_deep = depth > 1024;
      EXPECT_EQ(reason_of(deep), too_deep              ? Malformed::json
                                 : deep.front() == '[' ? Malformed::object
                                                       : Malformed::metric);
      EXPECT_EQ(reason_of(with("value", deep)), too_deep ? Malformed::json : Malformed::value);
      EXPECT_EQ(reason_of(with("tags", deep)), too_deep ? Malformed::json : Malformed::tags);
      EXPECT_EQ(reason_of(deep.substr(0, deep.size() / 2)), Malformed::json);
    }
  }
}

TEST(RawMetricParser, ReadsARecordOfAnyLength) {
  const std::string text(5'000'000, 'x');
  RawMetricParser parser;
  const auto metric = parser.parse(with("metric", "\"" + text + "\""));
  ASSERT_TRUE(metric);
  EXPECT_EQ((*metric)->name, text);
  ASSERT_TRUE(parser.parse(valid));
}

TEST(RawMetricParser, TakesTagsThatAreAbsentOrNullOrEmpty) {
  for (const auto* tags : {"", "null", "[]", "{}"}) {
    EXPECT_EQ(tags_of(tags), Tags{}) << tags;
  }
}

TEST(RawMetricParser, TakesTagsAsAnObjectOfScalars) {
  EXPECT_EQ(tags_of(R"({"z":"last","a":1,"f":1.0,"n":null,"t":true,"u":false,"e":"","":"x"})"),
            (Tags{"z:last", "a:1", "f:1.0", "n:None", "t:True", "u:False", "e:", ":x"}));
  EXPECT_EQ(tags_of(R"({"url":"http://x:80/"})"), (Tags{"url:http://x:80/"}));
}

TEST(RawMetricParser, TakesTagsAsAListOfTexts) {
  EXPECT_EQ(tags_of(R"(["b:2","plain","a:1",""])"), (Tags{"b:2", "plain", "a:1", ""}));
}

TEST(RawMetricParser, LeavesTagsAsTheyAreWritten) {
  EXPECT_EQ(tags_of(R"(["b","a","b","a"])"), (Tags{"b", "a", "b", "a"}));
  EXPECT_EQ(tags_of(R"({"b":1,"a":2,"b":1})"), (Tags{"b:1", "a:2", "b:1"}));
  EXPECT_EQ(tags_of(R"(["\u00e9","z","Z"])"), (Tags{"\xc3\xa9", "z", "Z"}));
}

TEST(RawMetricParser, TakesASetAsAListOfScalars) {
  EXPECT_EQ(distinct_in("[]"), 0);
  EXPECT_EQ(distinct_in(R"(["a", "a", "b", ""])"), 3);
  EXPECT_EQ(distinct_in("[1, 2, 2]"), 2);
  EXPECT_EQ(distinct_in("[null, true, false, null]"), 3);
  for (const auto* list : {"1", "\"ab\"", "null", "{}", "[[1]]", "[{}]", "[1, []]", ""}) {
    EXPECT_EQ(distinct_in(list), std::nullopt) << list;
  }
}

TEST(RawMetricParser, TellsElementsOfASetApartByKindAndValue) {
  EXPECT_EQ(distinct_in(R"([1, "1"])"), 2);
  EXPECT_EQ(distinct_in(R"([true, "True"])"), 2);
  EXPECT_EQ(distinct_in(R"([null, "None"])"), 2);
  EXPECT_EQ(distinct_in(R"(["s1", "1", "ss1"])"), 3);
  EXPECT_EQ(distinct_in("[9007199254740992, 9007199254740993]"), 2);
  EXPECT_EQ(distinct_in("[0.1, 0.10000000000000001, 0.2]"), 2);
}

TEST(RawMetricParser, TakesEqualNumbersInASetForOneHoweverWritten) {
  EXPECT_EQ(distinct_in("[1, 1.0, 1e0, 10e-1]"), 1);
  EXPECT_EQ(distinct_in("[0, -0, 0.0, -0.0]"), 1);
  EXPECT_EQ(distinct_in("[-3, -3.0]"), 1);
  EXPECT_EQ(distinct_in("[9007199254740992, 9007199254740992.0]"), 1);
  EXPECT_EQ(distinct_in("[10000000000000000, 1e16]"), 1);
  EXPECT_EQ(distinct_in("[-10000000000000000, -1e16]"), 1);
  EXPECT_EQ(distinct_in("[10000000000000000000, 1e19]"), 1);
  EXPECT_EQ(distinct_in("[9223372036854775808, 9223372036854775808.0]"), 1);
  EXPECT_EQ(distinct_in("[-9223372036854775808, -9223372036854775808.0]"), 1);
  EXPECT_EQ(distinct_in("[1000000000000000000000000000000, 1e30]"), 1);
}

TEST(Malformed, IsDescribedForTheLog) {
  std::set<std::string_view> texts;
  for (std::size_t i = 0; i < malformed_kinds; ++i) {
    texts.insert(describe(static_cast<Malformed>(i)));
  }
  EXPECT_THAT(texts, SizeIs(malformed_kinds));
  EXPECT_EQ(describe(Malformed::json), "is not JSON");
}

}  // namespace
}  // namespace chouette
