#include "metrics/json_text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace chouette {
namespace {

using nlohmann::json;
using namespace std::literals;

template <class Value>
std::string text_of(const Value& value) {
  std::string text = "before";
  append_json(value, text);
  EXPECT_EQ(text.substr(0, 6), "before");
  return text.substr(6);
}

TEST(AppendJson, WritesTexts) {
  EXPECT_EQ(text_of(""sv), R"("")");
  EXPECT_EQ(text_of("a.b:c d"sv), R"("a.b:c d")");
  EXPECT_EQ(text_of("\"\\/\n\t"sv), R"("\"\\/\n\t")");
}

TEST(AppendJson, WritesTextsThatCanBeReadBack) {
  std::string ascii;
  for (char c = 0; c < 0x7f; ++c) {
    ascii += c;
    EXPECT_EQ(json::parse(text_of(std::string_view(&c, 1))), std::string(1, c));
  }
  for (const auto& text : {ascii, "\x7f"s, "é🦉"s, "\xe2\x80\xa8"s, "{}[],:"s}) {
    EXPECT_EQ(json::parse(text_of(std::string_view(text))), text);
  }
}

TEST(AppendJson, ReplacesBytesThatAreNotUtf8) {
  for (const auto& bytes : {"\xff"s, "a\x80z"s, "\xc3"s, "\xed\xa0\x80"s, "\xf0\x9f\xa6"s}) {
    const auto text = json::parse(text_of(std::string_view(bytes))).get<std::string>();
    EXPECT_NE(text.find("\xef\xbf\xbd"), std::string::npos);
  }
}

TEST(AppendJson, WritesWholeNumbersWithoutAPoint) {
  EXPECT_EQ(text_of(0.0), "0");
  EXPECT_EQ(text_of(5.0), "5");
  EXPECT_EQ(text_of(-17.0), "-17");
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(1590000000.0), "1.59e+09");
  EXPECT_EQ(text_of(std::int64_t{1590000000}), "1590000000");
  EXPECT_EQ(text_of(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(text_of(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
}

TEST(AppendJson, WritesNumbersThatAreReadBackExactly) {
  std::vector<double> numbers{-0.0,
                              0.1,
                              1e-5,
                              1e15,
                              1e16,
                              1e300,
                              5e-324,
                              9007199254740993.0,
                              1.8446744073709552e19,
                              0.30000000000000004,
                              std::numeric_limits<double>::max(),
                              std::numeric_limits<double>::min(),
                              std::numeric_limits<double>::lowest()};
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> mantissa(-1, 1);
  std::uniform_int_distribution<int> exponent(-1070, 1023);
  for (int i = 0; i < 5000; ++i) {
    numbers.push_back(std::ldexp(mantissa(random), exponent(random)));
  }
  for (const auto number : numbers) {
    const auto text = text_of(number);
    EXPECT_EQ(json::parse(text).get<double>(), number) << text;
    EXPECT_LE(text.size(), 24U) << text;
  }
}

TEST(AppendJson, WritesListsOfTexts) {
  EXPECT_EQ(text_of(std::vector<std::string>{}), "[]");
  EXPECT_EQ(text_of(std::vector<std::string>{""}), R"([""])");
  EXPECT_EQ(text_of(std::vector<std::string>{"a", "[", "[", "\""}), R"(["a","[","[","\""])");
}

}  // namespace
}  // namespace chouette
