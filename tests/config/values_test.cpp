#include "config/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace chouette::values {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(WholeNumber, TakesDigitsAndSurroundingSpaces) {
  EXPECT_EQ(whole_number("10", 1, 100), 10);
  EXPECT_EQ(whole_number(" 10 \n", 1, 100), 10);
  EXPECT_EQ(whole_number("-3", -5, 5), -3);
}

TEST(WholeNumber, RefusesWhatIsNotOne) {
  for (const auto* text : {"", " ", "ten", "10.0", "1e3", "10s", "1 0", "0x10", "+10", "nan", "inf",
                           "10,", "--1", "99999999999999999999x"}) {
    const auto number = whole_number(text, 0, 1000000);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error(), "is not a whole number") << text;
  }
}

TEST(WholeNumber, RefusesWhatIsOutOfRange) {
  for (const auto* text : {"0", "101", "-1", "99999999999999999999", "-99999999999999999999"}) {
    const auto number = whole_number(text, 1, 100);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error(), "is out of range") << text;
  }
  EXPECT_EQ(whole_number("1", 1, 100), 1);
  EXPECT_EQ(whole_number("100", 1, 100), 100);
}

TEST(Boolean, TakesFourSpellingsInAnyCase) {
  for (const auto* text : {"true", "TRUE", "True", "1", "yes", "Yes", "on", "ON", " on "}) {
    EXPECT_EQ(boolean(text), true) << text;
  }
  for (const auto* text : {"false", "FALSE", "0", "no", "No", "off", "OFF"}) {
    EXPECT_EQ(boolean(text), false) << text;
  }
}

TEST(Boolean, RefusesAnythingElse) {
  for (const auto* text : {"", "t", "2", "enabled", "truee", "y", "none"}) {
    EXPECT_FALSE(boolean(text)) << text;
  }
}

TEST(List, TakesJsonAndCommas) {
  EXPECT_THAT(list(R"(["a", "b c"])").value(), ElementsAre("a", "b c"));
  EXPECT_THAT(list("a, b c ,d").value(), ElementsAre("a", "b c", "d"));
  EXPECT_THAT(list("a").value(), ElementsAre("a"));
  EXPECT_THAT(list(" [\"a\"] ").value(), ElementsAre("a"));
}

TEST(List, DropsEmptyItemsAndRepeats) {
  EXPECT_THAT(list(",a,,b,a,").value(), ElementsAre("a", "b"));
  EXPECT_THAT(list(R"(["a", "", "a"])").value(), ElementsAre("a"));
  EXPECT_THAT(list("[]").value(), IsEmpty());
  EXPECT_THAT(list("").value(), IsEmpty());
}

TEST(List, RefusesBrokenJsonInsteadOfSplittingIt) {
  for (const auto* text :
       {"[a,b]", "['a']", "[\"a\"", "[\"a\",]", "{", "[\"a\"] b", "[\"\xff\"]", R"(["\ud800"])"}) {
    const auto items = list(text);
    ASSERT_FALSE(items) << text;
    EXPECT_EQ(items.error(), "is not valid JSON") << text;
  }
}

TEST(List, RefusesItemsThatAreNotStrings) {
  for (const auto* text : {"[1]", "[null]", R"(["a", ["b"]])", "[true]", "[{}]"}) {
    EXPECT_FALSE(list(text)) << text;
  }
  EXPECT_FALSE(list(R"({"a":"b"})"));
}

TEST(List, RefusesControlCharacters) {
  EXPECT_FALSE(list("a:b\nc:d"));
  EXPECT_FALSE(list(R"(["a\u0000b"])"));
}

TEST(List, SurvivesDeepNesting) {
  EXPECT_FALSE(list(std::string(100000, '[')));
  EXPECT_FALSE(list(std::string(100000, '[') + std::string(100000, ']')));
}

TEST(TagList, TakesAnObjectToo) {
  EXPECT_THAT(tags(R"({"env": "prod", "rack": 7, "edge": true})").value(),
              ElementsAre("edge:true", "env:prod", "rack:7"));
  EXPECT_THAT(tags(R"(["env:prod"])").value(), ElementsAre("env:prod"));
  EXPECT_THAT(tags("env:prod,team:x").value(), ElementsAre("env:prod", "team:x"));
}

TEST(TagList, RefusesMembersWithoutAPlainValue) {
  EXPECT_FALSE(tags(R"({"env": null})"));
  EXPECT_FALSE(tags(R"({"env": ["prod"]})"));
  EXPECT_FALSE(tags(R"({"env": {}})"));
  EXPECT_FALSE(tags(R"({"env": 1e999})"));
  EXPECT_FALSE(tags(R"({"env": "a\nb"})"));
  EXPECT_FALSE(tags("[1]"));
}

TEST(Numbers, TakesJsonAndCommas) {
  EXPECT_THAT(numbers("[0.5, 0.95]").value(), ElementsAre(0.5, 0.95));
  EXPECT_THAT(numbers("0.5, 0.95").value(), ElementsAre(0.5, 0.95));
  EXPECT_THAT(numbers("[0.5, 0.50]").value(), ElementsAre(0.5));
  EXPECT_THAT(numbers("[]").value(), IsEmpty());
}

TEST(Numbers, RefusesWhatIsNotFiniteOrNoNumber) {
  for (const auto* text : {"[\"0.5\"]", "[null]", "nan", "inf", "-inf", "0.5x", "[1e999]", "1e999",
                           "[0.5", "{}", "0.5 0.9"}) {
    EXPECT_FALSE(numbers(text)) << text;
  }
}

TEST(Url, IsTakenWithoutTrailingSlashes) {
  EXPECT_EQ(url("https://api.datadoghq.com/api//"), "https://api.datadoghq.com/api");
  EXPECT_EQ(url("http://localhost:8080/"), "http://localhost:8080");
  EXPECT_EQ(url("HTTP://10.0.0.1"), "http://10.0.0.1");
  EXPECT_EQ(url("http://[::1]:8080/x"), "http://[::1]:8080/x");
  EXPECT_EQ(url(" https://fake_intake/a/b "), "https://fake_intake/a/b");
}

TEST(Url, IsRefusedUnlessItNamesASchemeAndAHost) {
  for (const auto* text :
       {"", "api.datadoghq.com", "ftp://host", "https:/host", "https://", "https:///api",
        "https://:443/", "https://host:", "https://host:0", "https://host:65536", "https://host:x",
        "https://ho st/", "https://host/a b", "https://host/\xc3\xa4", "https://-host",
        "https://[::1", "https://[host]", "https://[::1]8080", "https://host..name"}) {
    EXPECT_FALSE(url(text)) << text;
  }
}

TEST(Url, IsRefusedWithUserQueryOrFragment) {
  EXPECT_EQ(url("https://me:secret@host").error(), "has a user name or password");
  EXPECT_EQ(url("https://me:1/2@host").error(), "has a user name or password");
  EXPECT_EQ(url("https://host/api?key=1").error(), "has a query or a fragment");
  EXPECT_EQ(url("https://host/api#top").error(), "has a query or a fragment");
}

TEST(Port, IsTakenFromTheUrlThatKubernetesInjects) {
  EXPECT_EQ(port("6379"), 6379);
  EXPECT_EQ(port("tcp://10.0.0.1:6379"), 6379);
  EXPECT_EQ(port("tcp://[fd00::1]:6380"), 6380);
  EXPECT_EQ(port("65535"), 65535);
}

TEST(Port, IsRefusedOutOfRangeOrWithoutNumber) {
  for (const auto* text : {"0", "65536", "-1", "redis", "tcp://10.0.0.1", "tcp://10.0.0.1:",
                           "tcp://10.0.0.1:0", "http://10.0.0.1:80", "tcp://:6379", "6379/0"}) {
    EXPECT_FALSE(port(text)) << text;
  }
}

TEST(Host, IsANameOrAnAddress) {
  for (const auto* text : {"redis", "my_redis", "redis.ns.svc.cluster.local.", "10.0.0.1", "::1",
                           "fe80::1%eth0", "fd00::1"}) {
    EXPECT_EQ(host(text), text);
  }
  for (const auto* text : {"", "redis:6379", "redis/0", "redis://redis", "a b", "-a", "a-", "a..b",
                           ".", "[::1]", "\xff"}) {
    EXPECT_FALSE(host(text)) << text;
  }
  EXPECT_FALSE(host(std::string(64, 'a')));
  EXPECT_FALSE(host(std::string(254, 'a')));
}

TEST(Path, IsAbsoluteAndNotTooLong) {
  EXPECT_EQ(path("/proc", 10), "/proc");
  EXPECT_EQ(path("/proc//", 10), "/proc");
  EXPECT_EQ(path("/", 10), "/");
  EXPECT_FALSE(path("proc", 10));
  EXPECT_FALSE(path("", 10));
  EXPECT_FALSE(path("/0123456789", 10));
  EXPECT_FALSE(path("/a\nb", 10));
}

TEST(Token, HoldsNothingThatCouldEndAHeader) {
  EXPECT_EQ(token("0123abcdef!"), "0123abcdef!");
  for (const std::string text : {"a b", "a\r\nb", "a\n", "\t", "\xc3\xa4", "a\x7f"}) {
    EXPECT_FALSE(token(text)) << text;
  }
  EXPECT_FALSE(token(std::string("a\0b", 3)));
}

TEST(Utf8, IsToldFromOtherBytes) {
  EXPECT_TRUE(is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa6"));
  for (const auto* text : {"\xff", "\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf",
                           "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << shown(text);
  }
}

TEST(ShownText, StaysOnOneLine) {
  EXPECT_EQ(shown("a\nb\r\tc\x1b[0m\x7f"), "a\\nb\\r\\tc\\x1b[0m\\x7f");
  EXPECT_EQ(shown("\"\\"), "\\\"\\\\");
  EXPECT_EQ(shown("\xc2\x85"), "\\u0085");
  EXPECT_EQ(shown("\xe2\x80\xa8\xe2\x80\xae"), "\\u2028\\u202e");
  EXPECT_EQ(shown("\xc3\xa4"), "\xc3\xa4");
}

TEST(ShownText, IsAlwaysUtf8) {
  EXPECT_EQ(shown("a\xff\x62"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(shown("\xc3"), "\xef\xbf\xbd");
}

TEST(ShownText, IsCutBetweenCharacters) {
  EXPECT_EQ(shown(std::string(80, 'a')), std::string(80, 'a'));
  EXPECT_EQ(shown(std::string(81, 'a')), std::string(80, 'a') + "...");
  std::string long_text;
  for (int i = 0; i < 100; ++i) long_text += "\xe2\x82\xac";
  const auto cut = shown(long_text);
  EXPECT_TRUE(is_utf8(cut));
  EXPECT_EQ(cut.size(), 80 * 3 + 3);
}

TEST(MaskedAddress, ShowsNeitherUserNorQuery) {
  EXPECT_EQ(masked_address("https://host:80/api"), "https://host:80/api");
  EXPECT_EQ(masked_address("https://me:hidden@host/api"), "https://***@host/api");
  EXPECT_EQ(masked_address("https://host/api?key=hidden#x"), "https://host/api?***");
  for (const auto* text :
       {"https://me:hid@hidden@host", "https://me:hidden/x@host", "https:/me:hidden@host",
        "me:hidden@host", "https://me:?hidden@host", "https://me:#hidden@host",
        "https://a@b://me:hidden@host", "https://host?hidden", "https://host/#hidden"}) {
    EXPECT_THAT(masked_address(text), Not(testing::HasSubstr("hidden"))) << text;
  }
}

}  // namespace
}  // namespace chouette::values
