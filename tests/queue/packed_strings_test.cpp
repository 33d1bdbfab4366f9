#include "queue/packed_strings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "queue/texts.hpp"

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_literals;

constexpr auto all = std::numeric_limits<std::size_t>::max();

PackedStrings pack(const Texts& texts) {
  PackedStrings packed;
  for (const auto& text : texts) {
    if (text) {
      packed.push_back(*text);
    } else {
      packed.push_absent();
    }
  }
  return packed;
}

TEST(PackedStrings, AreEmptyAtFirst) {
  const PackedStrings packed;
  EXPECT_TRUE(packed.empty());
  EXPECT_EQ(packed.size(), 0);
}

TEST(PackedStrings, KeepTextsOfAllKindsInOrder) {
  const Texts texts{
      "a", "", std::nullopt, "\0b\0"s, "\xff\xfe", std::nullopt, "", std::string(100000, 'x'), "z"};
  const auto packed = pack(texts);
  EXPECT_EQ(packed.size(), 9);
  EXPECT_FALSE(packed.empty());
  EXPECT_EQ(unpack(packed), texts);
}

TEST(PackedStrings, TellAnEmptyTextFromAnAbsentOne) {
  const auto packed = pack({"", std::nullopt});
  EXPECT_TRUE(packed.present(0));
  EXPECT_FALSE(packed.present(1));
}

TEST(PackedStrings, StayTheSameWhenCopiedOrReserved) {
  const Texts texts{"a", std::nullopt, "bc"};
  auto packed = pack(texts);
  packed.reserve(1000, 100000);
  EXPECT_EQ(unpack(packed), texts);
  auto copy = packed;
  copy.push_back("d");
  EXPECT_EQ(unpack(packed), texts);
  EXPECT_EQ(copy[3], "d");
}

TEST(PackedStrings, CanBeSliced) {
  const auto packed = pack({"a", std::nullopt, "bc", "", "d"});
  EXPECT_THAT(unpack(packed.slice(0, 2)), ElementsAre("a", std::nullopt));
  EXPECT_THAT(unpack(packed.slice(1, 3)), ElementsAre(std::nullopt, "bc", ""));
  EXPECT_THAT(unpack(packed.slice(3, 2)), ElementsAre("", "d"));
  EXPECT_THAT(unpack(packed.slice(2, 0)), IsEmpty());
}

TEST(PackedStrings, SlicesEndWithTheList) {
  const auto packed = pack({"a", std::nullopt, "bc"});
  EXPECT_THAT(unpack(packed.slice(2, 5)), ElementsAre("bc"));
  EXPECT_THAT(unpack(packed.slice(0, all)), ElementsAre("a", std::nullopt, "bc"));
  EXPECT_THAT(unpack(packed.slice(1, all)), ElementsAre(std::nullopt, "bc"));
  EXPECT_THAT(unpack(packed.slice(3, 1)), IsEmpty());
  EXPECT_THAT(unpack(packed.slice(4, all)), IsEmpty());
  EXPECT_THAT(unpack(PackedStrings().slice(0, 10)), IsEmpty());
}

TEST(PackedStrings, HoldManyTexts) {
  PackedStrings packed;
  for (int i = 0; i < 100000; ++i) {
    packed.push_back(std::to_string(i));
  }
  EXPECT_EQ(packed[0], "0");
  EXPECT_EQ(packed[12345], "12345");
  EXPECT_EQ(packed[99999], "99999");
}

}  // namespace
}  // namespace chouette
