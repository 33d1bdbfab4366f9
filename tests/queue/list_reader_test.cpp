#include "queue/list_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/texts.hpp"

namespace chouette {
namespace {

using namespace std::string_literals;

using Reader = std::unique_ptr<redisReader, decltype(&redisReaderFree)>;

Reader make_reader() {
  return {redisReaderCreate(), redisReaderFree};
}

/// Feeds `answer` in two pieces. None: the answer is not complete.
std::optional<ListReply> read(redisReader& reader, const std::string& answer, std::size_t cut) {
  ListReader list(reader);
  void* done = nullptr;
  for (const auto& piece : {answer.substr(0, cut), answer.substr(cut)}) {
    redisReaderFeed(&reader, piece.data(), piece.size());
    if (redisReaderGetReply(&reader, &done) != REDIS_OK) {
      return std::nullopt;
    }
    if (done != nullptr) {
      return list.finish();
    }
  }
  return std::nullopt;
}

/// Expects `texts`, wherever the answer is cut in two.
void expect_texts(const std::string& answer, const std::optional<Texts>& texts) {
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    const auto reader = make_reader();
    const auto reply = read(*reader, answer, cut);
    ASSERT_TRUE(reply) << answer << " cut at " << cut;
    EXPECT_FALSE(reply->error);
    EXPECT_EQ(reply->texts ? std::optional(unpack(*reply->texts)) : std::nullopt, texts)
        << answer << " cut at " << cut;
  }
}

TEST(ListReader, ReadsTexts) {
  expect_texts("*0\r\n", Texts{});
  expect_texts("*1\r\n$0\r\n\r\n", Texts{""});
  expect_texts("*3\r\n$1\r\na\r\n$4\r\n\0\r\nb\r\n$2\r\ncd\r\n"s, Texts{"a", "\0\r\nb"s, "cd"});
}

TEST(ListReader, TakesForAbsentWhatIsNoText) {
  expect_texts("*3\r\n$1\r\na\r\n$-1\r\n$1\r\nb\r\n", Texts{"a", std::nullopt, "b"});
  expect_texts("*5\r\n:7\r\n+OK\r\n-ERR x\r\n*-1\r\n$1\r\nb\r\n",
               Texts{std::nullopt, std::nullopt, std::nullopt, std::nullopt, "b"});
  expect_texts("*3\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n*0\r\n$1\r\nb\r\n",
               Texts{std::nullopt, std::nullopt, "b"});
}

TEST(ListReader, KnowsWhatIsNoList) {
  for (const auto* answer : {"$1\r\na\r\n", "+QUEUED\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n"}) {
    expect_texts(answer, std::nullopt);
  }
}

TEST(ListReader, ReadsAnError) {
  const auto reader = make_reader();
  const auto reply = read(*reader, "-WRONGTYPE no list\r\n", 3);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, "WRONGTYPE no list");
  EXPECT_FALSE(reply->texts);
}

TEST(ListReader, LeavesWhatFollowsToHiredis) {
  const auto reader = make_reader();
  for (int round = 0; round < 2; ++round) {
    const auto reply = read(*reader, "*1\r\n$1\r\na\r\n*1\r\n:5\r\n", 3);
    ASSERT_TRUE(reply);
    EXPECT_EQ(unpack(*reply->texts), Texts{"a"});
    void* done = nullptr;
    ASSERT_EQ(redisReaderGetReply(reader.get(), &done), REDIS_OK);
    const std::unique_ptr<void, decltype(&freeReplyObject)> owner(done, freeReplyObject);
    ASSERT_NE(done, nullptr);
    EXPECT_EQ(static_cast<redisReply*>(done)->element[0]->integer, 5);
  }
}

TEST(ListReader, IsGivenUpWithTheConnectionWhereAnAnswerEndsEarly) {
  const auto answer = "*3\r\n$1\r\na\r\n*2\r\n$1\r\nx\r\n$-1\r\n$1\r\nb\r\n"s;
  for (std::size_t length = 0; length < answer.size(); ++length) {
    const auto reader = make_reader();
    EXPECT_FALSE(read(*reader, answer.substr(0, length), length / 2));
  }
  for (const auto* wrong : {"?", "*1\r\n$x\r\n", "*1\r\n$1\r\na\r\nxxx"}) {
    const auto reader = make_reader();
    (void)read(*reader, wrong, 1);
  }
}

}  // namespace
}  // namespace chouette
