#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <future>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "queue/memory_queue.hpp"
#include "queue/queue_parts.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_proxy.hpp"
#include "support/wait.hpp"

// How many fields hashes beside the queues have.

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;
using namespace std::string_literals;

using Sizes = std::map<std::string, std::size_t>;

const std::string pattern = "dramatiq:*.msgs";

RedisSettings by_port(std::uint16_t port) {
  RedisSettings settings;
  settings.host = "127.0.0.1";
  settings.port = port;
  return settings;
}

/// What all steps together find.
Sizes walk(Queue& queue, const std::string& of = pattern) {
  Sizes sizes;
  std::string cursor = "0";
  for (int step = 0; step < 1000; ++step) {
    const auto answer = queue.hash_sizes(of, cursor);
    EXPECT_TRUE(answer) << answer.error().message;
    if (!answer) return sizes;
    for (const auto& [key, fields] : answer->hashes) sizes[key] = fields;
    cursor = answer->cursor;
    if (cursor == "0") return sizes;
  }
  ADD_FAILURE() << "no end";
  return sizes;
}

class HashesInMemory {
public:
  Queue& queue() { return queue_; }
  void put(const std::string& key, std::size_t fields) { queue_.hashes[key] = fields; }

private:
  MemoryQueue queue_;
};

class HashesInRedis {
public:
  Queue& queue() { return queue_; }
  void put(const std::string& key, std::size_t fields) {
    for (std::size_t i = 0; i < fields; ++i) {
      client_.command({"HSET", key, "id-" + std::to_string(i), "message"});
    }
  }

private:
  test::RedisServer server_;
  test::RedisClient client_ = server_.client();
  RedisQueue queue_{by_socket(server_)};
};

template <class Storage>
class HashSizesOfAnyQueue : public testing::Test {
protected:
  Storage storage_;
};

using Storages = testing::Types<HashesInMemory, HashesInRedis>;
TYPED_TEST_SUITE(HashSizesOfAnyQueue, Storages);

TYPED_TEST(HashSizesOfAnyQueue, AreNoneAtFirst) {
  const auto step = this->storage_.queue().hash_sizes(pattern, "0");
  ASSERT_TRUE(step);
  EXPECT_THAT(step->hashes, IsEmpty());
  EXPECT_EQ(step->cursor, "0");
}

TYPED_TEST(HashSizesOfAnyQueue, AreThoseWhoseKeyMatches) {
  auto& storage = this->storage_;
  storage.put("dramatiq:default.msgs", 3);
  storage.put("dramatiq:default.DQ.msgs", 1);
  for (const auto* other : {"dramatiq:default", "dramatiq:default.msgs.old", "my:dramatiq:x.msgs",
                            "Dramatiq:default.msgs", "dramatiq.msgs"}) {
    storage.put(other, 1);
  }
  EXPECT_THAT(walk(storage.queue()),
              ElementsAre(Pair("dramatiq:default.DQ.msgs", 1), Pair("dramatiq:default.msgs", 3)));
}

TYPED_TEST(HashSizesOfAnyQueue, DoNotCareWhatElseIsInAName) {
  Sizes sizes;
  for (const auto* name : {"", "*", "[a-z]", "?", "\\", "a/b", ".a", "a b", "a\nb", "\"", "%s",
                           "\xc3\xa4", "\xff\xfe", "dramatiq:x.msgs"}) {
    sizes["dramatiq:"s + name + ".msgs"] = sizes.size() + 1;
  }
  for (const auto& [key, fields] : sizes) this->storage_.put(key, fields);
  EXPECT_EQ(walk(this->storage_.queue()), sizes);
}

TYPED_TEST(HashSizesOfAnyQueue, AreNotConfusedByRecordsOfQueues) {
  auto& queue = this->storage_.queue();
  ASSERT_TRUE(queue.store(raw_metrics, {{"dramatiq:default.msgs", 1, "{}"}}));
  EXPECT_THAT(walk(queue), IsEmpty());
  EXPECT_EQ(queue.size(raw_metrics), 1U);
}

TEST(HashSizesInMemory, FailWhileEverythingFails) {
  MemoryQueue queue;
  queue.failure = QueueError{QueueErrc::unreachable, "away"};
  const auto step = queue.hash_sizes(pattern, "0");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().message, "away");
}

/// As the program does: a connection that breaks while it is written to must not end the process.
class HashSizesInRedis : public testing::Test {
protected:
  void SetUp() override { former_ = signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { signal(SIGPIPE, former_); }

  void run_in_server(const std::string& script) { client_.command({"EVAL", script, "0"}); }

  void put_two() {
    client_.command({"HSET", "dramatiq:a.msgs", "1", "m", "2", "m"});
    client_.command({"HSET", "dramatiq:b.msgs", "1", "m"});
  }

  /// The settings of a user who may do what `rules` say.
  RedisSettings as_user(const std::string& rules) {
    client_.command({"ACL", "SETUSER", "agent", "reset", "on", ">hidden"});
    std::vector<std::string> command{"ACL", "SETUSER", "agent"};
    std::istringstream words(rules);
    for (std::string word; words >> word;) command.push_back(word);
    client_.command(command);
    auto settings = by_socket(server_);
    settings.username = "agent";
    settings.password = Secret("hidden");
    return settings;
  }

  test::RedisServer server_;
  test::RedisClient client_ = server_.client();
  RedisQueue queue_{by_socket(server_)};  // With the agent's timeout.

private:
  sighandler_t former_ = SIG_DFL;
};

TEST_F(HashSizesInRedis, LeaveOutWhatIsNoHash) {
  client_.command({"SET", "dramatiq:text.msgs", "x"});
  client_.command({"RPUSH", "dramatiq:list.msgs", "x"});
  client_.command({"SADD", "dramatiq:set.msgs", "x"});
  client_.command({"ZADD", "dramatiq:zset.msgs", "1", "x"});
  client_.command({"XADD", "dramatiq:stream.msgs", "*", "a", "b"});
  client_.command({"PFADD", "dramatiq:log.msgs", "x"});
  put_two();
  EXPECT_THAT(walk(queue_),
              UnorderedElementsAre(Pair("dramatiq:a.msgs", 2), Pair("dramatiq:b.msgs", 1)));
}

TEST_F(HashSizesInRedis, TakeNamesOfAnyBytes) {
  const std::string key = "dramatiq:a\0b\r\n$5.msgs"s;
  client_.command({"HSET", key, "1", "m"});
  EXPECT_THAT(walk(queue_), ElementsAre(Pair(key, 1)));
}

TEST_F(HashSizesInRedis, AreFoundAmongTenThousandOtherKeys) {
  run_in_server("for i = 1, 10000 do redis.call('SET', 'other:' .. i, 'x') end");
  run_in_server("for i = 1, 300 do redis.call('HSET', 'dramatiq:q' .. i .. '.msgs', 'id', i) end");
  const auto sizes = walk(queue_);
  EXPECT_EQ(sizes.size(), 300U);
  EXPECT_EQ(sizes.at("dramatiq:q299.msgs"), 1U);
}

TEST_F(HashSizesInRedis, TakeShortStepsThroughManyKeys) {
  run_in_server("for i = 1, 50000 do redis.call('SET', 'other:' .. i, 'x') end");
  int steps = 0;
  for (std::string cursor = "0"; steps == 0 || cursor != "0"; ++steps) {
    cursor = queue_.hash_sizes(pattern, cursor).value().cursor;
  }
  EXPECT_GE(steps, 10);
  EXPECT_LE(steps, 50);
}

TEST_F(HashSizesInRedis, CountLargeHashesWithoutReadingThem) {
  for (const auto* queue : {"a", "b"}) {
    run_in_server("for i = 1, 100000 do redis.call('HSET', 'dramatiq:"s + queue +
                  ".msgs', i, 'message') end");
  }
  EXPECT_THAT(walk(queue_),
              ElementsAre(Pair("dramatiq:a.msgs", 100000), Pair("dramatiq:b.msgs", 100000)));
}

TEST_F(HashSizesInRedis, AskWithNothingButScanAndHlen) {
  put_two();
  walk(queue_);
  client_.command({"CONFIG", "RESETSTAT"});
  walk(queue_);
  const auto stats = client_.command({"INFO", "commandstats"}).get<std::string>();
  EXPECT_THAT(stats, HasSubstr("cmdstat_scan:calls=1,"));
  EXPECT_THAT(stats, HasSubstr("cmdstat_hlen:calls=2,"));
  std::size_t commands = 0;
  for (auto at = stats.find("cmdstat_"); at != std::string::npos;
       at = stats.find("cmdstat_", at + 1)) {
    ++commands;
  }
  EXPECT_EQ(commands, 3U) << stats;  // with config|resetstat
}

TEST_F(HashSizesInRedis, SayZeroOfAHashThatGoesMeanwhile) {
  put_two();
  test::TcpProxy proxy(server_.port());
  RedisQueue queue(by_port(proxy.port()), 20s);
  proxy.hold_at("HLEN");
  auto sizes = std::async(std::launch::async, [&queue] { return walk(queue); });
  ASSERT_TRUE(test::eventually([&proxy] { return proxy.holds(); }));
  client_.command({"DEL", "dramatiq:a.msgs"});
  proxy.resume();
  EXPECT_THAT(sizes.get(), ElementsAre(Pair("dramatiq:a.msgs", 0), Pair("dramatiq:b.msgs", 1)));
}

TEST_F(HashSizesInRedis, LeaveOutAHashThatBecomesSomethingElseMeanwhile) {
  put_two();
  test::TcpProxy proxy(server_.port());
  RedisQueue queue(by_port(proxy.port()), 20s);
  proxy.hold_at("HLEN");
  auto sizes = std::async(std::launch::async, [&queue] { return walk(queue); });
  ASSERT_TRUE(test::eventually([&proxy] { return proxy.holds(); }));
  client_.command({"SET", "dramatiq:a.msgs", "x"});
  proxy.resume();
  EXPECT_THAT(sizes.get(), ElementsAre(Pair("dramatiq:b.msgs", 1)));
}

TEST_F(HashSizesInRedis, AreOfItsDatabase) {
  put_two();
  auto settings = by_socket(server_);
  settings.db = 3;
  RedisQueue queue(settings);
  EXPECT_THAT(walk(queue), IsEmpty());
}

TEST_F(HashSizesInRedis, AreUnreachableWhileThereIsNoServer) {
  put_two();
  EXPECT_EQ(walk(queue_).size(), 2U);
  server_.stop();
  const auto step = queue_.hash_sizes(pattern, "0");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, QueueErrc::unreachable);
  EXPECT_THAT(step.error().message, HasSubstr(server_.socket()));
  server_.start();
  client_ = server_.client();
  put_two();
  EXPECT_EQ(walk(queue_).size(), 2U);
}

TEST_F(HashSizesInRedis, GiveUpAServerThatHangs) {
  put_two();
  RedisQueue queue(by_socket(server_), 500ms);
  EXPECT_EQ(walk(queue).size(), 2U);
  server_.pause();
  const auto begin = std::chrono::steady_clock::now();
  const auto step = queue.hash_sizes(pattern, "0");
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  server_.resume();
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, QueueErrc::unreachable);
  EXPECT_GE(elapsed, 450ms);
  EXPECT_LT(elapsed, 5s);
  EXPECT_EQ(walk(queue_).size(), 2U);
}

TEST_F(HashSizesInRedis, GiveUpAServerThatHangsBetweenScanAndHlen) {
  put_two();
  test::TcpProxy proxy(server_.port());
  RedisQueue queue(by_port(proxy.port()), 1s);
  proxy.hold_at("HLEN");
  const auto begin = std::chrono::steady_clock::now();
  const auto step = queue.hash_sizes(pattern, "0");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, QueueErrc::unreachable);
  proxy.resume();
  // What arrives late is nobody's answer.
  EXPECT_EQ(queue.size(raw_metrics), 0U);
  EXPECT_EQ(walk(queue).size(), 2U);
}

TEST_F(HashSizesInRedis, AreRefusedToWhomMayNotScan) {
  put_two();
  RedisQueue queue(as_user("~* +@all -scan"));
  const auto step = queue.hash_sizes(pattern, "0");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, QueueErrc::refused);
  EXPECT_THAT(step.error().message, HasSubstr("NOPERM"));
  EXPECT_THAT(step.error().message, HasSubstr("scan"));
  EXPECT_THAT(step.error().message, Not(HasSubstr("hidden")));
  EXPECT_EQ(queue.size(raw_metrics), 0U);
}

// Were these left out, queues that are there would count as gone.
TEST_F(HashSizesInRedis, AreRefusedToWhomMayNotCountFields) {
  put_two();
  for (const auto* rules : {"~* +@all -hlen", "~chouette:* +@all", "~dramatiq:a.msgs +@all"}) {
    RedisQueue queue(as_user(rules));
    const auto step = queue.hash_sizes(pattern, "0");
    ASSERT_FALSE(step) << rules;
    EXPECT_EQ(step.error().code, QueueErrc::refused);
    EXPECT_THAT(step.error().message, HasSubstr("NOPERM"));
    // No answer is left over for the next request.
    const auto again = queue.hash_sizes("nothing:*", "0");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->cursor, "0");
  }
}

TEST_F(HashSizesInRedis, NeedNoMoreThanTheReadmeSays) {
  put_two();
  RedisQueue queue(as_user("~dramatiq:* +scan +hlen"));
  EXPECT_EQ(walk(queue).size(), 2U);
}

TEST_F(HashSizesInRedis, RefuseACursorThatIsNone) {
  const auto step = queue_.hash_sizes(pattern, "next");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, QueueErrc::refused);
  EXPECT_THAT(step.error().message, HasSubstr("cursor"));
  EXPECT_THAT(walk(queue_), IsEmpty());
}

}  // namespace
}  // namespace chouette
