#include "rpi/rpi_parsers.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace chouette {
namespace {

struct Parser {
  std::string name;
  std::function<void(std::string_view)> parse;
  std::string good;  ///< Without its line end.
};

void PrintTo(const Parser& parser, std::ostream* out) {
  *out << parser.name;
}

class EachRpiParser : public testing::TestWithParam<Parser> {
protected:
  static void expect_refused(const std::string& text) {
    EXPECT_THROW(GetParam().parse(text), ParseError) << testing::PrintToString(text);
  }
};

TEST_P(EachRpiParser, TakesAWholeLine) {
  EXPECT_NO_THROW(GetParam().parse(GetParam().good + "\n"));
}

TEST_P(EachRpiParser, RefusesATextThatIsCutOffAnywhere) {
  for (std::size_t size = 0; size <= GetParam().good.size(); ++size) {
    expect_refused(GetParam().good.substr(0, size));
  }
}

TEST_P(EachRpiParser, RefusesAnEmptyLineAndASecondLine) {
  expect_refused("\n");
  expect_refused(GetParam().good + "\n\n");
  expect_refused(GetParam().good + "\n" + GetParam().good + "\n");
  expect_refused("\n" + GetParam().good + "\n");
}

TEST_P(EachRpiParser, RefusesControlCharacters) {
  expect_refused(GetParam().good + '\0' + "\n");
  expect_refused(GetParam().good + "\r\n");
  expect_refused("\t" + GetParam().good + "\n");
  expect_refused("\x7f" + GetParam().good + "\n");
}

TEST_P(EachRpiParser, RefusesAHugeText) {
  expect_refused(std::string(100000, '1') + "\n");
}

TEST_P(EachRpiParser, NeverQuotesWhatItRefuses) {
  try {
    GetParam().parse("hunter2 \x01\n");
    ADD_FAILURE();
  } catch (const ParseError& error) {
    EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Rpi, EachRpiParser,
                         testing::Values(Parser{"name", parse_name, "cpu-thermal"},
                                         Parser{"temperature", parse_temperature, "48199"},
                                         Parser{"throttled", parse_throttled, "50005"},
                                         Parser{"alarm", parse_alarm, "1"},
                                         Parser{"frequency", parse_frequency, "600000"},
                                         Parser{"stat", parse_bytes_written,
                                                "  1 2 3 4 5 6 7 8 9 10 11"},
                                         Parser{"life_time", parse_life_time, "0x01 0x02"},
                                         Parser{"pre_eol", parse_pre_eol, "0x01"}),
                         [](const auto& info) { return info.param.name; });

TEST(RpiName, MayHoldSpacesAndAnyPrintableText) {
  EXPECT_EQ(parse_name("Sensor 1\n"), "Sensor 1");
  EXPECT_EQ(parse_name("a:b,c\"\\\xc3\xa9\n"), "a:b,c\"\\\xc3\xa9");
  EXPECT_EQ(parse_name(std::string(64, 'n') + "\n"), std::string(64, 'n'));
  EXPECT_THROW(parse_name(std::string(65, 'n') + "\n"), ParseError);
}

TEST(RpiTemperature, IsReadInMillidegrees) {
  EXPECT_EQ(parse_temperature("48199\n"), 48.199);
  EXPECT_EQ(parse_temperature("0\n"), 0);
  EXPECT_EQ(parse_temperature("-3407\n"), -3.407);
}

TEST(RpiTemperature, IsNotBelievedBelowAbsoluteZeroOrBeyondTheKernelsInt) {
  EXPECT_EQ(parse_temperature("-273150\n"), -273.15);
  EXPECT_THROW(parse_temperature("-274000\n"), ParseError);
  EXPECT_EQ(parse_temperature("2147483647\n"), 2147483.647);
  EXPECT_THROW(parse_temperature("2147483648\n"), ParseError);
}

TEST(RpiTemperature, IsAWholeNumberWithoutAnythingAround) {
  for (const auto* text : {"48.2\n", " 48199\n", "48199 \n", "+48199\n", "4e4\n", "nan\n", "-\n",
                           "--1\n", "0x10\n", "48199C\n"}) {
    EXPECT_THROW(parse_temperature(text), ParseError) << text;
  }
}

TEST(RpiThrottled, HasABitForEachTrouble) {
  EXPECT_EQ(parse_throttled("1\n").now, (PowerTrouble{.undervoltage = true}));
  EXPECT_EQ(parse_throttled("2\n").now, (PowerTrouble{.frequency_capped = true}));
  EXPECT_EQ(parse_throttled("4\n").now, (PowerTrouble{.throttled = true}));
  EXPECT_EQ(parse_throttled("8\n").now, (PowerTrouble{.temperature_limited = true}));
  EXPECT_EQ(parse_throttled("f\n").lately, PowerTrouble{});
  EXPECT_EQ(parse_throttled("10000\n").lately, (PowerTrouble{.undervoltage = true}));
  EXPECT_EQ(parse_throttled("20000\n").lately, (PowerTrouble{.frequency_capped = true}));
  EXPECT_EQ(parse_throttled("40000\n").lately, (PowerTrouble{.throttled = true}));
  EXPECT_EQ(parse_throttled("80000\n").lately, (PowerTrouble{.temperature_limited = true}));
  EXPECT_EQ(parse_throttled("f0000\n").now, PowerTrouble{});
}

TEST(RpiThrottled, MayBeginWith0xAndHaveBitsOfNoMeaning) {
  EXPECT_EQ(parse_throttled("0x50005\n").now, parse_throttled("50005\n").now);
  EXPECT_EQ(parse_throttled("0x00050005\n").lately, parse_throttled("50005\n").lately);
  EXPECT_EQ(parse_throttled("fff0fff0\n").now, PowerTrouble{});
  EXPECT_EQ(parse_throttled("fff0fff0\n").lately, PowerTrouble{});
}

TEST(RpiThrottled, IsHexadecimalOf32Bits) {
  for (const auto* text : {"0x\n", "-1\n", "100000000\n", "throttled=0x0\n", "0x0x1\n", "5 5\n"}) {
    EXPECT_THROW(parse_throttled(text), ParseError) << text;
  }
}

TEST(RpiAlarm, IsZeroOrOne) {
  EXPECT_FALSE(parse_alarm("0\n"));
  EXPECT_TRUE(parse_alarm("1\n"));
  for (const auto* text : {"2\n", "-1\n", "01\n", "1 \n", "true\n"}) {
    EXPECT_THROW(parse_alarm(text), ParseError) << text;
  }
}

TEST(RpiFrequency, IsReadInKilohertz) {
  EXPECT_EQ(parse_frequency("2400000\n"), 2400000000U);
  EXPECT_EQ(parse_frequency("0\n"), 0U);
  EXPECT_EQ(parse_frequency("4294967295\n"), 4294967295000U);
  for (const auto* text : {"4294967296\n", "-1\n", "<unknown>\n", "1.5\n"}) {
    EXPECT_THROW(parse_frequency(text), ParseError) << text;
  }
}

TEST(RpiBytesWritten, IsTheSeventhFieldInSectorsOf512Bytes) {
  EXPECT_EQ(parse_bytes_written("1 2 3 4 5 6 7\n"), 7U * 512);
  EXPECT_EQ(
      parse_bytes_written("  38127    16650  3281730   288139  1058211   951202 31457280 1\n"),
      16106127360U);
  EXPECT_EQ(parse_bytes_written("1 2 3 4 5 6 0 8 9 10 11\n"), 0U);
}

TEST(RpiBytesWritten, IsRefusedWhereItIsMissingOrOutOfRange) {
  for (const auto* text : {"1 2 3 4 5 6\n", "1 2 3 4 5 6 x 8\n", "1 2 3 4 5 6 -7 8\n",
                           "1 2 3 4 5 6 36028797018963968\n", "1 2 3 4 5 6 99999999999999999999\n",
                           "1\t2\t3\t4\t5\t6\t7\n"}) {
    EXPECT_THROW(parse_bytes_written(text), ParseError) << text;
  }
  EXPECT_EQ(parse_bytes_written("1 2 3 4 5 6 36028797018963967\n"),
            std::numeric_limits<std::uint64_t>::max() - 511);
}

TEST(RpiLifeTime, IsTheUpperBoundOfEachStep) {
  EXPECT_EQ(parse_life_time("0x01 0x0a\n"), (LifeUsed{10, 100}));
  EXPECT_EQ(parse_life_time("0x0b 0x0B\n"), (LifeUsed{110, 110}));
  EXPECT_EQ(parse_life_time("1 2\n"), (LifeUsed{10, 20}));
}

TEST(RpiLifeTime, IsNothingWhereItIsUndefinedOrReserved) {
  EXPECT_EQ(parse_life_time("0x00 0x03\n"), (LifeUsed{std::nullopt, 30}));
  EXPECT_EQ(parse_life_time("0x03 0x0c\n"), (LifeUsed{30, std::nullopt}));
  EXPECT_EQ(parse_life_time("0xff 0x00\n"), LifeUsed{});
}

TEST(RpiLifeTime, HasTwoFields) {
  for (const auto* text : {"0x01\n", "0x01 0x01 0x01\n", "0x01 x\n", "-1 0x01\n"}) {
    EXPECT_THROW(parse_life_time(text), ParseError) << text;
  }
}

TEST(RpiPreEol, IsOneToThreeElseNothing) {
  EXPECT_EQ(parse_pre_eol("0x01\n"), 1);
  EXPECT_EQ(parse_pre_eol("02\n"), 2);
  EXPECT_EQ(parse_pre_eol("0x03\n"), 3);
  EXPECT_EQ(parse_pre_eol("0x00\n"), std::nullopt);
  EXPECT_EQ(parse_pre_eol("0x04\n"), std::nullopt);
  EXPECT_THROW(parse_pre_eol("urgent\n"), ParseError);
}

}  // namespace
}  // namespace chouette
