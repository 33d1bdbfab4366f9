#include "support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "support/wait.hpp"

namespace chouette::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(RedisServer, AnswersOnItsSocketAndItsPort) {
  const RedisServer server;
  EXPECT_EQ(server.client().command({"PING"}), "PONG");
  RedisAddress tcp;
  tcp.port = server.port();
  EXPECT_EQ(RedisClient(tcp).command({"ECHO", "hi"}), "hi");
}

TEST(RedisServer, ServersDoNotKnowEachOther) {
  const RedisServer one;
  const RedisServer other;
  one.client().command({"SET", "k", "1"});
  EXPECT_EQ(other.client().command({"GET", "k"}), nullptr);
}

TEST(RedisServer, KeepsDataOverAKillOnlyIfAsked) {
  for (const bool appendonly : {true, false}) {
    RedisServer server({.appendonly = appendonly});
    auto client = server.client();
    client.command({"SET", "k", "1"});
    const auto port = server.port();
    server.kill();
    EXPECT_THROW(client.command({"GET", "k"}), RedisFailure);
    server.start();
    EXPECT_EQ(client.command({"GET", "k"}), appendonly ? json("1") : json(nullptr));
    server.restart();
    EXPECT_EQ(client.command({"GET", "k"}), appendonly ? json("1") : json(nullptr));
    EXPECT_EQ(server.port(), port);
  }
}

TEST(RedisServer, AsksForItsPassword) {
  const RedisServer server({.password = "secret"});
  auto address = server.address();
  EXPECT_EQ(RedisClient(address).command({"PING"}), "PONG");
  address.password.clear();
  EXPECT_THROW(RedisClient(address).command({"PING"}), RedisFailure);
  address.password = "wrong";
  EXPECT_THROW(RedisClient(address).command({"PING"}), RedisFailure);
}

TEST(RedisServer, TakesMoreConfiguration) {
  const RedisServer server({.lines = {"maxmemory 10mb", "maxmemory-policy noeviction"}});
  EXPECT_THAT(server.client().command({"CONFIG", "GET", "maxmemory"}),
              ElementsAre("maxmemory", "10485760"));
}

TEST(RedisServer, PausesAndResumes) {
  RedisServer server;
  server.pause();
  std::atomic<bool> answered = false;
  std::thread asker([&] {
    server.client().command({"PING"});
    answered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_FALSE(answered);
  server.resume();
  asker.join();
  EXPECT_TRUE(answered);
}

TEST(RedisClient, WritesWhatThePythonClientWrites) {
  const RedisServer server;
  auto client = server.client();
  const auto key = client.add({"m", "count", 1.5, 1'590'000'000.125, {{"k", "v\u00e4"}}});
  EXPECT_THAT(key, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab].*"));
  const auto records = client.dump(raw_metrics);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].key, key);
  EXPECT_EQ(records[0].score, 1'590'000'000.125);
  EXPECT_EQ(records[0].value, R"({"metric": "m", "type": "count", "value": 1.5, )"
                              R"("timestamp": 1590000000.125, "tags": {"k": "v\u00e4"}})");

  client.add_log({{"message", "hi"}, {"ddtags", {"a:b", "c:d"}}}, 7);
  EXPECT_EQ(client.dump(wrapped_logs).at(0).value,
            R"({"message": "hi", "ddtags": ["a:b", "c:d"]})");
}

TEST(RedisClient, WritesManyAndDumpsThemByScore) {
  const RedisServer server;
  auto client = server.client();
  std::vector<AnyRecord> records;
  records.reserve(1234);
  for (int i = 0; i < 1234; ++i) records.push_back({2000.0 - i, std::to_string(i)});
  EXPECT_THAT(client.add(raw_metrics, records), SizeIs(1234));
  EXPECT_EQ(client.size(raw_metrics), 1234);
  const auto dump = client.dump(raw_metrics);
  ASSERT_THAT(dump, SizeIs(1234));
  EXPECT_EQ(dump.front().value, "1233");
  EXPECT_EQ(dump.back().score, 2000);
}

TEST(RedisClient, DumpsHalves) {
  const RedisServer server;
  auto client = server.client();
  EXPECT_THAT(client.dump(raw_metrics), IsEmpty());
  client.command({"ZADD", std::string(raw_metrics.keys), "1", "no value"});
  client.command({"HSET", std::string(raw_metrics.values), "no key", "text"});
  const auto dump = client.dump(raw_metrics);
  ASSERT_THAT(dump, SizeIs(2));
  EXPECT_EQ(dump[0].key, "no value");
  EXPECT_FALSE(dump[0].value);
  EXPECT_EQ(dump[1].key, "no key");
  EXPECT_FALSE(dump[1].score);
}

TEST(RedisClient, ThrowsWhatRedisComplainsOf) {
  const RedisServer server;
  auto client = server.client();
  client.command({"SET", "k", "1"});
  EXPECT_THROW(client.command({"ZCARD", "k"}), RedisFailure);
  EXPECT_EQ(client.command({"GET", "k"}), "1");
}

TEST(ChildProcess, TellsHowAProgramEndedAndWhatItWrote) {
  ChildProcess child({"sh", "-c", "echo $WORD; echo oops >&2; exit 7"}, {{"WORD", "hello"}});
  EXPECT_EQ(child.wait(), (ExitStatus{7, 0}));
  EXPECT_FALSE(child.running());
  EXPECT_EQ(child.out(), "hello\n");
  EXPECT_EQ(child.err(), "oops\n");
}

TEST(ChildProcess, IsSignalledKilledAndReaped) {
  ChildProcess child({"sleep", "1000"});
  EXPECT_FALSE(child.wait(std::chrono::milliseconds(20)));
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(), (ExitStatus{-1, SIGTERM}));

  pid_t pid = 0;
  {
    const ChildProcess forgotten({"sleep", "1000"});
    pid = forgotten.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_THROW(ChildProcess({"no-such-program-here"}), std::runtime_error);
}

}  // namespace
}  // namespace chouette::test
