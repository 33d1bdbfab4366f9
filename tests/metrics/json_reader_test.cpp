#include "metrics/json_reader.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace chouette {
namespace {

std::optional<std::string> scalar(std::string_view json) {
  JsonReader reader;
  const auto document = reader.parse(json);
  std::string text;
  if (document.error() != simdjson::SUCCESS || !append_scalar(document.value_unsafe(), text)) {
    return std::nullopt;
  }
  return text;
}

std::optional<double> number(std::string_view json) {
  JsonReader reader;
  double value = 0;
  if (reader.parse(json).get(value) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return value;
}

TEST(JsonReader, ReadsBigIntegersAsDoubles) {
  EXPECT_EQ(number("18446744073709551615"), 18446744073709551615.0);
  EXPECT_EQ(number("18446744073709551616"), 18446744073709551616.0);
  EXPECT_EQ(number("-9223372036854775809"), -9223372036854775808.0);
  EXPECT_EQ(number("1000000000000000000000000000000"), 1e30);
  EXPECT_EQ(number("-1000000000000000000000000000000"), -1e30);
  EXPECT_EQ(number("1" + std::string(308, '0')), 1e308);
}

TEST(JsonReader, RefusesNumbersThatNoDoubleHolds) {
  EXPECT_EQ(number("1" + std::string(309, '0')), std::nullopt);
  EXPECT_EQ(number("-1" + std::string(5000, '0')), std::nullopt);
  for (const auto* text : {"1e999", "-1e999", "NaN", "Infinity", "-Infinity", "nan", "inf"}) {
    EXPECT_EQ(number(text), std::nullopt) << text;
  }
}

TEST(JsonReader, ReadsWhatIsTooSmallForADoubleAsZero) {
  EXPECT_EQ(number("1e-999"), 0);
  EXPECT_EQ(number("5e-324"), 5e-324);
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  using namespace std::string_literals;
  for (const auto& text : {""s,
                           " "s,
                           "{"s,
                           "}"s,
                           "{]"s,
                           "[1,]"s,
                           R"({"a":1,})"s,
                           "{a:1}"s,
                           "'a'"s,
                           "01"s,
                           "+1"s,
                           "1."s,
                           ".5"s,
                           "1 2"s,
                           "{} {}"s,
                           "tru"s,
                           R"("open)"s,
                           R"("\x")"s,
                           R"("\u12")"s,
                           "\"\t\""s,
                           "\0"s,
                           "{}\0"s,
                           "\"\xff\""s,
                           "\"\xc0\x80\""s,
                           "\"\xed\xa0\x80\""s,
                           R"("\ud800")"s,
                           R"("\udc00")"s,
                           "// c\n1"s}) {
    JsonReader reader;
    EXPECT_NE(reader.parse(text).error(), simdjson::SUCCESS) << text;
  }
}

TEST(JsonReader, IsUsableAfterAnError) {
  JsonReader reader;
  EXPECT_NE(reader.parse("{").error(), simdjson::SUCCESS);
  EXPECT_EQ(reader.parse("10000000000000000000000").get_double().value_unsafe(), 1e22);
  EXPECT_EQ(reader.parse("7").get_int64().value_unsafe(), 7);
}

TEST(JsonReader, SurvivesDeepNesting) {
  JsonReader reader;
  for (const std::size_t depth : {1000U, 2000U, 100000U}) {
    const std::string opened(depth, '[');
    const auto closed = opened + std::string(depth, ']');
    const auto with_big_integer = opened + std::string(30, '9') + std::string(depth, ']');
    EXPECT_NE(reader.parse(opened).error(), simdjson::SUCCESS);
    EXPECT_NE(reader.parse(with_big_integer).error(), simdjson::SUCCESS);
    static_cast<void>(reader.parse(closed));
    std::string objects;
    for (std::size_t i = 0; i < depth; ++i) {
      objects += R"({"a":)";
    }
    EXPECT_NE(reader.parse(objects).error(), simdjson::SUCCESS);
  }
  EXPECT_EQ(reader.parse("7").get_int64().value_unsafe(), 7);
}

// Each expected text was printed by Python's str().
TEST(AppendScalar, SpellsAsPythonDoes) {
  EXPECT_EQ(scalar(R"("text")"), "text");
  EXPECT_EQ(scalar(R"("")"), "");
  EXPECT_EQ(scalar("true"), "True");
  EXPECT_EQ(scalar("false"), "False");
  EXPECT_EQ(scalar("null"), "None");
  EXPECT_EQ(scalar("0"), "0");
  EXPECT_EQ(scalar("-0"), "0");
  EXPECT_EQ(scalar("-17"), "-17");
  EXPECT_EQ(scalar("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(scalar("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(scalar("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(scalar("1.0"), "1.0");
  EXPECT_EQ(scalar("-0.0"), "-0.0");
  EXPECT_EQ(scalar("1.5"), "1.5");
  EXPECT_EQ(scalar("0.1"), "0.1");
  EXPECT_EQ(scalar("1e2"), "100.0");
  EXPECT_EQ(scalar("100000.0"), "100000.0");
  EXPECT_EQ(scalar("1e15"), "1000000000000000.0");
  EXPECT_EQ(scalar("1e16"), "1e+16");
  EXPECT_EQ(scalar("1.5e16"), "1.5e+16");
  EXPECT_EQ(scalar("1e100"), "1e+100");
  EXPECT_EQ(scalar("-123456789012345.67"), "-123456789012345.67");
  EXPECT_EQ(scalar("0.001"), "0.001");
  EXPECT_EQ(scalar("0.0001"), "0.0001");
  EXPECT_EQ(scalar("0.00012345678901234567"), "0.00012345678901234567");
  EXPECT_EQ(scalar("0.00001"), "1e-05");
  EXPECT_EQ(scalar("0.0000125"), "1.25e-05");
  EXPECT_EQ(scalar("5e-324"), "5e-324");
}

TEST(AppendScalar, RefusesListsAndObjects) {
  EXPECT_EQ(scalar("[]"), std::nullopt);
  EXPECT_EQ(scalar("{}"), std::nullopt);
}

TEST(AppendScalar, Appends) {
  JsonReader reader;
  std::string text = "1.5e:";
  EXPECT_TRUE(append_scalar(reader.parse("2.0").value_unsafe(), text));
  EXPECT_EQ(text, "1.5e:2.0");
}

}  // namespace
}  // namespace chouette
