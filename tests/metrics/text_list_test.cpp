#include "metrics/text_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_literals;

TextList list_of(const std::vector<std::string>& texts) {
  TextList list;
  for (const auto& text : texts) {
    list.add(text);
  }
  return list;
}

TEST(TextList, KeepsTextsOfAllKindsInOrder) {
  const std::vector<std::string> texts{"a", "", "\0b\0"s, "\xff", std::string(100000, 'x'), ""};
  EXPECT_EQ(list_of(texts).texts(), texts);
  EXPECT_THAT(TextList().texts(), IsEmpty());
}

TEST(TextList, TakesATextInPieces) {
  auto list = list_of({"a"});
  list.begin_text().append("k").append(":v");
  list.end_text();
  list.begin_text();
  list.end_text();
  list.add("b");
  EXPECT_THAT(list.texts(), ElementsAre("a", "k:v", "", "b"));
}

TEST(TextList, CanBeUsedAnew) {
  auto list = list_of({"a", "b"});
  list.clear();
  EXPECT_THAT(list.texts(), IsEmpty());
  list.add("c");
  EXPECT_THAT(list.texts(), ElementsAre("c"));
}

TEST(TextList, HasOtherBytesForEachOtherList) {
  const std::vector<std::vector<std::string>> lists{
      {},         {""},       {"", ""}, {"ab"},   {"a", "b"},     {"b", "a"},
      {"", "ab"}, {"ab", ""}, {"a"},    {"a\0"s}, {"\1\0\0\0a"s}, {"", "\0\0\0\0"s}};
  std::set<std::string> bytes;
  for (const auto& texts : lists) {
    EXPECT_TRUE(bytes.insert(list_of(texts).bytes()).second);
  }
}

}  // namespace
}  // namespace chouette
