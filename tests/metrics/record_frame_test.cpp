#include "metrics/record_frame.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/raw_metric_oracle.hpp"

namespace chouette {
namespace {

constexpr auto usual =
    R"({"metric": "a", "type": "count", "value": 1.5, "timestamp": 1590000000.125, "tags": {"k": "v"}})";

std::size_t spelling_of(RawMetricParser& parser, const std::string& json) {
  const auto metric = parser.parse(json);
  return metric ? (*metric)->spelling : 0;
}

TEST(RecordFrame, IsWhatIsNeitherValueNorTimestamp) {
  const auto record = cut(usual);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->before, R"({"metric": "a", "type": "count", "value": )");
  EXPECT_EQ(record->value, 1.5);
  EXPECT_EQ(record->list, "");
  EXPECT_EQ(record->between, R"(, "timestamp": )");
  EXPECT_EQ(record->timestamp, 1590000000.125);
  EXPECT_EQ(record->after, R"(, "tags": {"k": "v"}})");
  EXPECT_EQ(joined(*record, "1.5", "1590000000.125"), usual);
}

TEST(RecordFrame, IsCutAtListsAndWithoutSpaces) {
  const auto record = cut(R"({"value":["a", 2],"timestamp":3})");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->list, R"(["a", 2])");
  EXPECT_EQ(record->timestamp, 3);
  EXPECT_EQ(record->after, "}");
}

TEST(RecordFrame, ReadsNumbersAsJsonWritesThem) {
  const auto value_of = [](const std::string& number) {
    const auto json = R"({"value": )" + number + R"(, "timestamp": 1})";
    const auto record = cut(json);
    const bool whole = record && record->list.empty() && record->between.starts_with(',');
    return whole ? std::optional(record->value) : std::nullopt;
  };
  EXPECT_EQ(value_of("0"), 0);
  EXPECT_EQ(value_of("0.5"), 0.5);
  EXPECT_EQ(value_of("-10"), -10);
  EXPECT_EQ(value_of("-0.0"), 0);
  EXPECT_EQ(value_of("1e5"), 1e5);
  EXPECT_EQ(value_of("1.25E+5"), 1.25e5);
  EXPECT_EQ(value_of("123456789012345678"), 123456789012345678.0);
  EXPECT_EQ(value_of("12345678901234567890.5"), 12345678901234567890.5);
  for (const auto* odd : {"",
                          "-",
                          "+1",
                          "01",
                          "-01",
                          ".5",
                          "-.5",
                          "5.",
                          "5.e3",
                          "1.5.5",
                          "1e",
                          "1e+",
                          "inf",
                          "-inf",
                          "nan",
                          "Infinity",
                          "NaN",
                          "0x10",
                          "1e999",
                          "1e-999",
                          "-0",
                          "1_000",
                          "1234567890123456789",
                          "-18446744073709551617",
                          "\"1\"",
                          "null",
                          "{}"}) {
    EXPECT_EQ(value_of(odd), std::nullopt) << odd;
  }
}

TEST(RecordFrame, IsNotLookedForWhereTheFieldsAreMissingOrInAnotherOrder) {
  const std::string whole = usual;
  for (std::size_t size = 0; size < whole.find("1590"); ++size) {
    EXPECT_FALSE(cut(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(cut(R"({"timestamp": 1, "value": 2})"));
  EXPECT_FALSE(cut(R"(value": 2, "timestamp": 1})"));
  EXPECT_FALSE(cut(R"({"value": [1, "timestamp": 1})"));
}

TEST(RecordFrame, OfAPointIsWhatIsNeitherItsSecondNorItsValue) {
  const auto point = cut_point(R"({"metric":"a","points":[[1590000000,-1.5]],"tags":[]})");
  ASSERT_TRUE(point);
  EXPECT_EQ(point->before, R"({"metric":"a","points":[[)");
  EXPECT_EQ(point->second, 1590000000);
  EXPECT_EQ(point->value, -1.5);
  EXPECT_EQ(point->after, R"(],"tags":[]})");
}

TEST(RecordFrame, OfAPointIsNotLookedForWhereTheNumbersAreOdd) {
  for (const auto* points : {"",
                             "[",
                             "[[",
                             "[[1",
                             "[[1,",
                             "[[1,2",
                             "[[1.0,2]]",
                             "[[01,2]]",
                             "[[-0,2]]",
                             "[[1e3,2]]",
                             "[[1,02]]",
                             "[[1,-0]]",
                             "[[1,1e999]]",
                             "[[1,2,3]]",
                             "[[1,null]]",
                             "[[ ,2]]",
                             "[[1 ,2]]",
                             "[[1234567890123456789,2]]",
                             "[[99999999999999999999,2]]",
                             "{}"}) {
    EXPECT_FALSE(cut_point(R"({"points":)" + std::string(points))) << points;
  }
}

TEST(RawMetricParser, KnowsASeriesFromTheSecondSightOn) {
  RawMetricParser parser;
  const std::string set = R"({"metric":"s","type":"set","value":[],"timestamp":1})";
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(spelling_of(parser, usual), 0U);
    EXPECT_EQ(spelling_of(parser, usual), 1U);
    EXPECT_EQ(spelling_of(parser, set), 0U);
    EXPECT_EQ(spelling_of(parser, set), 2U);
    EXPECT_EQ(spelling_of(parser, joined(*cut(usual), "-7", "5")), 1U);
    parser.forget();
  }
}

TEST(RawMetricParser, KnowsSeriesWhereverTheyDiffer) {
  RawMetricParser parser;
  const std::string record = R"({"a":1,"metric":"m","type":"count","b":1,"value":0,"c":1,)"
                             R"("tags":["t"],"d":1,"timestamp":1,"e":1})";
  std::size_t known = 0;
  for (const auto* const name : {R"("a")", R"("b")", R"("c")", R"("d")", R"("e")"}) {
    auto other = record;
    other[other.find(name) + 1] = 'x';
    spelling_of(parser, other);
    EXPECT_EQ(spelling_of(parser, other), ++known) << other;
  }
  spelling_of(parser, record);
  EXPECT_EQ(spelling_of(parser, record), ++known);
}

TEST(RawMetricParser, RemembersNoMoreSeriesThanItHasRoomFor) {
  RawMetricParser parser;
  const auto nth = [](int i) {
    return R"({"metric":")" + std::string(1000, 'm') + std::to_string(i) +
           R"(","type":"count","value":1,"timestamp":1})";
  };
  for (const int count : {100, 1200}) {
    for (int sight = 0; sight < 3; ++sight) {
      for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(parser.parse(nth(i)));
      }
    }
    EXPECT_FALSE(parser.is_stale()) << "most are remembered";
  }
  EXPECT_NE(spelling_of(parser, nth(0)), 0U);
  for (int sight = 0; sight < 6; ++sight) {
    EXPECT_EQ(spelling_of(parser, nth(1199)), 0U);
  }
  EXPECT_TRUE(parser.is_stale());
  EXPECT_FALSE(parser.is_stale()) << "since it was asked last";
  parser.forget();
  spelling_of(parser, nth(1199));
  EXPECT_NE(spelling_of(parser, nth(1199)), 0U);
}

TEST(RawMetricParser, KeepsOneListOfElementsForAllSeries) {
  RawMetricParser parser;
  std::string list = "[0";
  for (int i = 1; i < 1000; ++i) {
    list += "," + std::to_string(i);
  }
  const auto nth = [](int i, const std::string& elements) {
    return R"({"metric":"m)" + std::to_string(i) + R"(","type":"set","value":)" + elements +
           R"(,"timestamp":1})";
  };
  const auto* memory = parser.parse(nth(0, list + "]")).value()->elements.data();
  for (int sight = 0; sight < 3; ++sight) {
    for (int i = 0; i < 10; ++i) {
      const auto metric = parser.parse(nth(i, list + "]"));
      ASSERT_TRUE(metric);
      EXPECT_EQ((*metric)->elements.size(), 1000U);
      EXPECT_EQ((*metric)->elements.data(), memory);
      EXPECT_EQ(parser.parse(nth(i, "[7]")).value()->elements, std::vector<std::string>{"7"});
    }
  }
}

/// Records in which what looks like the two fields is something else, or the fields are spoilt.
std::vector<std::string> misleading() {
  std::vector<std::string> records;
  for (const std::string value :
       {"1", "2", "-0", "[1, 100000000000000000000]", "1e-999", "100000000000000000000", "1e999",
        "[1]", "[2]", R"(["]"])", "01", "1]", "\"1\""}) {
    for (const std::string time : {"3", "32", "-3", "1e300", "3]", "3\t"}) {
      const auto both = R"("value": )" + value + R"(, "timestamp": )" + time;
      for (const std::string type : {"count", "set"}) {
        const auto series = R"("metric": "a", "type": ")" + type + "\"";
        for (const std::string& fields :
             {series + ", " + both,                           // as usual
              series + ", " + both + R"(, "value": 1)",       // twice
              series + ", " + both + R"(, "timestamp": 31)",  //
              series + R"(, "tags": {)" + both + R"(}, "value": 1, "timestamp": 31)",
              series + R"(, "tags": {)" + both + R"(}, "value": [1], "timestamp": 31)",
              series + R"(, "more": [{)" + both + R"(}], "value": 2, "timestamp": 32)",
              series + R"(, "\"value": )" + value + R"(, "timestamp": )" + time,
              series + R"(, "v\u0061lue": 5, )" + both,              // twice, again
              series + ", " + both + R"(, "v\u0061lue": 5)",         //
              series + ", " + both + ", \"tags\": {\"a\": \"\t\"}",  // no JSON
              series + ", " + both + R"(, "tags": [1])",
              series + ", " + both + R"(, "tags": {"k": 1, "k": 2})",  //
              series + R"(, "x": "y \"value": )" + value + R"(, "timestamp": )" + time}) {
          records.push_back("{" + fields + "}");
          records.push_back("{" + fields + "} ");
          records.push_back("{" + fields);
        }
      }
    }
  }
  return records;
}

TEST(RawMetricParser, IsMisledByNothingThatItRemembers) {
  const auto records = misleading();
  std::vector<test::RawMetricVerdict> fresh;
  for (const auto& record : records) {
    RawMetricParser parser;
    fresh.push_back(test::read_raw_metric(parser, record));
  }
  // Several times, so that each is read when the others are remembered.
  RawMetricParser parser;
  std::map<std::size_t, std::string> series_of;
  for (const std::size_t step : {1, 7, 1, 1}) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto at = i * step % records.size();
      ASSERT_EQ(to_text(test::read_raw_metric(parser, records[at])), to_text(fresh[at]))
          << records[at];
      const auto metric = parser.parse(records[at]);
      if (metric && (*metric)->spelling != 0) {
        const auto series = std::string((*metric)->type) + (*metric)->tags.bytes();
        ASSERT_EQ(series_of.emplace((*metric)->spelling, series).first->second, series)
            << records[at];
      }
    }
  }
}

}  // namespace
}  // namespace chouette
