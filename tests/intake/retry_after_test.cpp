#include "intake/retry_after.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace chouette {
namespace {

using std::chrono::seconds;

using Headers = std::map<std::string, std::string>;

constexpr double nov_1994 = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

HttpResponse with(Headers headers) {
  return {.status = 429, .headers = std::move(headers), .body = {}};
}

std::optional<seconds> asked(Headers headers, double wall = 0) {
  return retry_after(with(std::move(headers)), wall);
}

std::optional<double> unix_time(const std::string& date) {
  return clock_offset(with({{"date", date}}), 0);
}

const std::vector<std::string> garbage{
    "",
    " ",
    "-",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x10",
    "12 s",
    "12s",
    " 12",
    "soon",
    "nan",
    "inf",
    "4294967296",
    "99999999999999999999999999999999",
    "Sun",
    "Sun,",
    "Sun, ",
    "Sun, 06 Nov 1994",
    "Sun, 06 Nov 1994 08:49",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 ",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 06 Nov 1994 08:49:37 GMT+1",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, -6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov -994 08:49:37 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Foo, 06 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 29 Feb 2023 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994  8:49:37 GMT",
    "Sun,06 Nov 1994 08:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sunday, 06-Nov 94 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov  6 08:49:37 94",
    "Sun Nov  6 08:49:37 1994 GMT",
    "1994-11-06T08:49:37Z",
    std::string("12\0", 3),
    std::string(100000, '9'),
    "\xff\xfe\xfd",
};

TEST(RetryAfter, IsNoneWhereNothingIsAsked) {
  EXPECT_EQ(asked({}), std::nullopt);
  EXPECT_EQ(asked({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}}), std::nullopt);
}

TEST(RetryAfter, ReadsSecondsFromEitherHeader) {
  for (const std::string name : {"retry-after", "x-ratelimit-reset"}) {
    EXPECT_EQ(asked({{name, "0"}}), seconds(0)) << name;
    EXPECT_EQ(asked({{name, "120"}}), seconds(120)) << name;
    EXPECT_EQ(asked({{name, "007"}}), seconds(7)) << name;
    EXPECT_EQ(asked({{name, "4294967295"}}), seconds(4294967295)) << name;
  }
}

TEST(RetryAfter, TakesTheLongerOfBothHeaders) {
  EXPECT_EQ(asked({{"retry-after", "5"}, {"x-ratelimit-reset", "9"}}), seconds(9));
  EXPECT_EQ(asked({{"retry-after", "9"}, {"x-ratelimit-reset", "5"}}), seconds(9));
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"x-ratelimit-reset", "5"}},
                  nov_1994 - 8),
            seconds(8));
  EXPECT_EQ(asked({{"retry-after", "soon"}, {"x-ratelimit-reset", "0"}}), seconds(0));
  EXPECT_EQ(asked({{"retry-after", "0"}, {"x-ratelimit-reset", "-5"}}), seconds(0));
}

TEST(RetryAfter, ReadsAllFormsOfADate) {
  for (const std::string date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                 "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(asked({{"retry-after", date}}, nov_1994 - 90), seconds(90)) << date;
  }
}

TEST(RetryAfter, CountsADateFromTheAnswersOwnDateAsTheDevicesClockMayBeWrong) {
  for (const double wall :
       std::initializer_list<double>{0.0, nov_1994, 4e9, -1e300, INFINITY, std::nan("")}) {
    EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"},
                     {"date", "Sunday, 06-Nov-94 08:47:37 GMT"}},
                    wall),
              seconds(120));
  }
}

TEST(RetryAfter, CountsADateFromTheDevicesClockWhereTheAnswersDateCannotBeRead) {
  EXPECT_EQ(
      asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"date", "today"}}, nov_1994 - 60),
      seconds(60));
}

TEST(RetryAfter, RoundsUpToWholeSeconds) {
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, nov_1994 - 1.25), seconds(2));
}

TEST(RetryAfter, TakesADateThatHasPassedAsNow) {
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, nov_1994), seconds(0));
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, nov_1994 + 1), seconds(0));
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 1e300), seconds(0));
}

TEST(RetryAfter, IgnoresWhatItCannotRead) {
  for (const auto& text : garbage) {
    EXPECT_EQ(asked({{"retry-after", text}}), std::nullopt) << text;
    EXPECT_EQ(asked({{"x-ratelimit-reset", text}}), std::nullopt) << text;
    EXPECT_EQ(asked({{"retry-after", text}, {"x-ratelimit-reset", "3"}}), seconds(3)) << text;
  }
}

TEST(RetryAfter, IgnoresADateThatHasNothingToCountFrom) {
  for (const double wall : std::initializer_list<double>{INFINITY, -INFINITY, std::nan("")}) {
    EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, wall), std::nullopt);
  }
}

TEST(RetryAfter, IsBoundedForADateCenturiesAhead) {
  EXPECT_EQ(asked({{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}}), seconds(253402300799));
  EXPECT_EQ(asked({{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}}, -1e300),
            seconds(1000000000000));
}

TEST(ClockOffset, IsAboveZeroWhereTheDevicesClockIsBehind) {
  const auto response = with({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(clock_offset(response, nov_1994 - 3600), 3600);
  EXPECT_EQ(clock_offset(response, nov_1994), 0);
  EXPECT_EQ(clock_offset(response, nov_1994 + 0.5), -0.5);
  EXPECT_EQ(clock_offset(response, 0), nov_1994);
}

TEST(ClockOffset, IsNoneWithoutADateThatCanBeRead) {
  EXPECT_EQ(clock_offset(with({}), 0), std::nullopt);
  EXPECT_EQ(clock_offset(with({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 0),
            std::nullopt);
  EXPECT_EQ(unix_time("1700000000"), std::nullopt);
  for (const auto& text : garbage) {
    EXPECT_EQ(unix_time(text), std::nullopt) << text;
  }
}

TEST(ClockOffset, KnowsTheCalendar) {
  EXPECT_EQ(unix_time("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(unix_time("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
  EXPECT_EQ(unix_time("Thu, 29 Feb 2024 23:59:59 GMT"), 1709251199);
  EXPECT_EQ(unix_time("Mon Dec 31 23:59:60 2018"), 1546300800);
  EXPECT_EQ(unix_time("Tue Jan 19 03:14:08 2038"), 2147483648);
  EXPECT_EQ(unix_time("Tuesday, 19-Jan-38 03:14:08 GMT"), 2147483648);
  EXPECT_EQ(unix_time("Sun, 07 Feb 2106 06:28:16 GMT"), 4294967296);
  EXPECT_EQ(unix_time("Wednesday, 31-Dec-69 00:00:00 GMT"), -86400);
}

}  // namespace
}  // namespace chouette
