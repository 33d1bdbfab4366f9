#include "dramatiq/queue_tag.hpp"

#include <gtest/gtest.h>

namespace chouette {
namespace {

constexpr std::size_t longest_name = 200 - std::string_view("queue:").size();

std::string key_of(const std::string& name) {
  return "dramatiq:" + name + ".msgs";
}

TEST(QueueTag, IsTheKeyWithoutPrefixAndSuffix) {
  EXPECT_EQ(queue_tag("dramatiq:default.msgs"), "queue:default");
  EXPECT_EQ(queue_tag("dramatiq:default.DQ.msgs"), "queue:default.DQ");
  EXPECT_EQ(queue_tag("dramatiq:default.XQ.msgs"), "queue:default.XQ");
}

TEST(QueueTag, TakesOffPrefixAndSuffixOnce) {
  EXPECT_EQ(queue_tag("dramatiq:dramatiq:a.msgs.msgs"), "queue:dramatiq:a.msgs");
}

TEST(QueueTag, KeepsCharactersThatHaveAMeaningElsewhere) {
  for (const auto* name : {"*", "[a-z]?", "\\", "\"", "a,b", " a b ", "{}", "%s", "käse", "猫"}) {
    EXPECT_EQ(queue_tag(key_of(name)), std::string("queue:") + name);
  }
}

TEST(QueueTag, IsNoneOfAnotherKey) {
  for (const auto* key :
       {"", ".msgs", "dramatiq:", "dramatiq:default", "dramatiq.msgs", "dramatiq:default.msgs ",
        "xdramatiq:default.msgs", "Dramatiq:default.msgs", "dramatiq:default.MSGS",
        "dramatiq:__heartbeats__", "chouette:metrics:raw.values"}) {
    EXPECT_EQ(queue_tag(key), std::nullopt) << key;
  }
  const std::string whole = key_of("a");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(queue_tag(std::string_view(whole).substr(0, size)), std::nullopt) << size;
  }
}

TEST(QueueTag, IsNoneWithoutAName) {
  EXPECT_EQ(queue_tag(key_of("")), std::nullopt);
}

TEST(QueueTag, IsNoneWithAControlCharacter) {
  for (int c = 0; c < 0x80; ++c) {
    const auto key = key_of("a" + std::string(1, static_cast<char>(c)) + "b");
    EXPECT_EQ(queue_tag(key).has_value(), c >= 0x20 && c != 0x7f) << c;
  }
  EXPECT_EQ(queue_tag(key_of("a\r\nb")), std::nullopt);
}

TEST(QueueTag, IsNoneOfWhatIsNotUtf8) {
  // A stray byte, a character cut short, one in too many bytes, half a surrogate pair.
  for (const auto* name : {"\xff", "a\x80", "k\xc3", "\xc0\xaf", "\xed\xa0\x80", "caf\xe9"}) {
    EXPECT_EQ(queue_tag(key_of(name)), std::nullopt);
  }
}

TEST(QueueTag, HasAtMostTwoHundredCharacters) {
  EXPECT_TRUE(queue_tag(key_of(std::string(longest_name, 'x'))));
  EXPECT_EQ(queue_tag(key_of(std::string(longest_name + 1, 'x'))), std::nullopt);
  EXPECT_EQ(queue_tag(key_of(std::string(10'000'000, 'x'))), std::nullopt);
  std::string umlauts;
  for (std::size_t i = 0; i < longest_name; ++i) umlauts += "ä";
  EXPECT_TRUE(queue_tag(key_of(umlauts)));
  EXPECT_EQ(queue_tag(key_of(umlauts + "ä")), std::nullopt);
}

}  // namespace
}  // namespace chouette
