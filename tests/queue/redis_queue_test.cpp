#include "queue/redis_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "queue/queue_parts.hpp"
#include "support/free_port.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

// What only a server can do to a queue.

namespace chouette {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::RedisServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

RedisSettings by_port(const RedisServer& server) {
  RedisSettings settings;
  settings.host = "127.0.0.1";
  settings.port = server.port();
  return settings;
}

PackedStrings pack(const std::vector<std::string>& texts) {
  PackedStrings packed;
  for (const auto& text : texts) {
    packed.push_back(text);
  }
  return packed;
}

std::vector<std::string> keys_of(std::vector<test::Record> records) {
  std::vector<std::string> keys;
  for (auto& record : records) {
    EXPECT_TRUE(record.score && record.value) << "half a record: " << record.key;
    keys.push_back(std::move(record.key));
  }
  return keys;
}

std::vector<std::string> keys_of(const std::vector<NewRecord>& records) {
  std::vector<std::string> keys;
  keys.reserve(records.size());
  for (const auto& record : records) {
    keys.push_back(record.key);
  }
  return keys;
}

std::vector<NewRecord> records(std::size_t count, std::size_t bytes = 10) {
  std::vector<NewRecord> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back({"key-" + std::to_string(i), static_cast<double>(i), std::string(bytes, 'x')});
  }
  return result;
}

template <class Result>
std::optional<QueueErrc> error_of(const Result& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

template <class Call>
milliseconds duration_of(Call call) {
  const auto begin = steady_clock::now();
  call();
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

/// As the program does: a connection that breaks while it is written to must not end the process.
class RedisQueueTest : public testing::Test {
protected:
  void SetUp() override { former_ = signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { signal(SIGPIPE, former_); }

private:
  sighandler_t former_ = SIG_DFL;
};

TEST_F(RedisQueueTest, TalksOverASocketOrAPort) {
  const RedisServer server;
  RedisQueue one(by_socket(server));
  RedisQueue other(by_port(server));
  ASSERT_TRUE(one.store(raw_metrics, {{"a", 1, "one"}}));
  EXPECT_EQ(other.size(raw_metrics), 1U);
}

TEST_F(RedisQueueTest, PrefersTheSocket) {
  const RedisServer server;
  auto settings = by_socket(server);
  settings.host = "127.0.0.1";
  settings.port = test::find_free_port();
  EXPECT_EQ(RedisQueue(settings).size(raw_metrics), 0U);
}

TEST_F(RedisQueueTest, UsesTheKeysThatOthersUse) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, {{"k", 1590000000.25, "r"}}));
  ASSERT_TRUE(queue.store(wrapped_metrics, {{"k", 2, "w"}}));
  ASSERT_TRUE(queue.store(wrapped_logs, {{"k", 3, "l"}}));
  EXPECT_EQ(client.command({"ZSCORE", "chouette:metrics:raw.keys", "k"}), "1590000000.25");
  EXPECT_EQ(client.command({"HGET", "chouette:metrics:raw.values", "k"}), "r");
  EXPECT_EQ(client.command({"ZSCORE", "chouette:metrics:wrapped.keys", "k"}), "2");
  EXPECT_EQ(client.command({"HGET", "chouette:metrics:wrapped.values", "k"}), "w");
  EXPECT_EQ(client.command({"ZSCORE", "chouette:logs:wrapped.keys", "k"}), "3");
  EXPECT_EQ(client.command({"HGET", "chouette:logs:wrapped.values", "k"}), "l");
  EXPECT_EQ(client.command({"EXISTS", "chouette:fence"}), 1);
  EXPECT_THAT(client.command({"KEYS", "*"}), SizeIs(7));
}

TEST_F(RedisQueueTest, ReadsWhatTheClientWrites) {
  const RedisServer server;
  const auto key = server.client().add(
      {.metric = "a", .type = "count", .value = 1, .timestamp = 1590000000.25, .tags = nullptr});
  RedisQueue queue(by_socket(server));
  const auto oldest = queue.oldest(raw_metrics);
  ASSERT_TRUE(oldest);
  EXPECT_EQ(*oldest, 1590000000.25);
  const auto values = queue.fetch(raw_metrics, pack({key}));
  ASSERT_TRUE(values);
  EXPECT_THAT(std::string((*values)[0]), HasSubstr("\"metric\""));
}

TEST_F(RedisQueueTest, IsUnreachableWhileThereIsNoServer) {
  test::TempDir folder;
  RedisSettings nowhere;
  nowhere.socket = folder / "redis.sock";
  RedisQueue queue(nowhere);
  EXPECT_EQ(error_of(queue.size(raw_metrics)), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.oldest(raw_metrics)), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.list(raw_metrics, all_time, 1)), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.fetch(raw_metrics, pack({"a"}))), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.store(raw_metrics, records(1))), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.remove(raw_metrics, pack({"a"}))), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.expire(raw_metrics, 1)), QueueErrc::unreachable);
  EXPECT_EQ(error_of(queue.replace(raw_metrics, pack({"a"}), wrapped_metrics, added(records(1)))),
            QueueErrc::unreachable);
  EXPECT_THAT(queue.size(raw_metrics).error().message, HasSubstr(nowhere.socket));
}

TEST_F(RedisQueueTest, ConnectsAsSoonAsThereIsAServer) {
  RedisServer server;
  server.stop();
  RedisQueue over_socket(by_socket(server));
  RedisQueue over_port(by_port(server));
  EXPECT_EQ(error_of(over_socket.size(raw_metrics)), QueueErrc::unreachable);
  EXPECT_EQ(error_of(over_port.size(raw_metrics)), QueueErrc::unreachable);
  EXPECT_THAT(over_port.size(raw_metrics).error().message,
              HasSubstr("127.0.0.1:" + std::to_string(server.port())));
  server.start();
  EXPECT_EQ(over_socket.size(raw_metrics), 0U);
  EXPECT_EQ(over_port.size(raw_metrics), 0U);
}

TEST_F(RedisQueueTest, DoesNotNoticeARestart) {
  RedisServer server({.appendonly = true});
  RedisQueue over_socket(by_socket(server));
  RedisQueue over_port(by_port(server));
  ASSERT_TRUE(over_socket.store(raw_metrics, {{"a", 1, "one"}}));
  ASSERT_EQ(over_port.size(raw_metrics), 1U);
  for (const bool gently : {true, false}) {
    if (gently) {
      server.stop();
    } else {
      server.kill();
    }
    server.start();
    EXPECT_EQ(over_socket.size(raw_metrics), 1U);
    EXPECT_EQ(over_port.size(raw_metrics), 1U);
  }
}

TEST_F(RedisQueueTest, DoesNotNoticeThatItsConnectionWasCut) {
  const RedisServer server;
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}}));
  server.client().command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(queue.store(raw_metrics, {{"b", 1, "two"}}));
  EXPECT_EQ(queue.size(raw_metrics), 2U);
}

TEST_F(RedisQueueTest, GivesUpAServerThatHangs) {
  RedisServer server;
  for (const auto& settings : {by_socket(server), by_port(server)}) {
    RedisQueue queue(settings, milliseconds(200));
    ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}}));
    server.pause();
    for (int call = 0; call < 2; ++call) {
      const auto duration = duration_of(
          [&] { EXPECT_EQ(error_of(queue.size(raw_metrics)), QueueErrc::unreachable); });
      EXPECT_GE(duration, milliseconds(150));
      EXPECT_LT(duration, milliseconds(1500));
    }
    server.resume();
    // No late answer to the calls given up is taken for the answer to this one.
    const auto values = queue.fetch(raw_metrics, pack({"a"}));
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ((*values)[0], "one");
  }
}

TEST_F(RedisQueueTest, TakesNoAnswerThatWasUnderWayForAnother) {
  RedisServer server;
  RedisQueue queue(by_socket(server), milliseconds(200));
  ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}, {"b", 2, "two"}}));
  const auto fetch = [&queue](const std::string& key, const std::string& next) {
    const auto values = queue.fetch(raw_metrics, pack({key}), pack({next}));
    return values ? std::optional(std::string((*values)[0])) : std::nullopt;
  };
  ASSERT_EQ(fetch("a", "b"), "one");
  server.pause();
  EXPECT_EQ(error_of(queue.size(raw_metrics)), QueueErrc::unreachable);
  server.resume();
  EXPECT_EQ(fetch("a", "b"), "one");
  server.client().command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_EQ(queue.size(raw_metrics), 2U);
  EXPECT_EQ(fetch("a", "b"), "one");
  server.client().command({"CLIENT", "KILL", "TYPE", "normal"});
  fetch("b", "a");
  EXPECT_EQ(fetch("b", "a"), "two");
}

TEST_F(RedisQueueTest, FetchesTheSameWhateverElseIsAskedInBetween) {
  const RedisServer server;
  RedisQueue queue(by_socket(server));
  auto all = records(6000);
  for (auto& record : all) {
    record.value = "value of " + record.key;
  }
  ASSERT_TRUE(queue.store(raw_metrics, all));
  const auto keys = pack(keys_of(all));
  constexpr std::size_t window = 1300;
  for (std::size_t from = 0; from < keys.size(); from += window) {
    const auto values =
        queue.fetch(raw_metrics, keys.slice(from, window), keys.slice(from + window, window));
    ASSERT_TRUE(values);
    for (std::size_t i = 0; i < values->size(); ++i) {
      ASSERT_EQ((*values)[i], all[from + i].value);
    }
    const auto time = static_cast<double>(from);
    const auto point = "point-" + std::to_string(from);
    EXPECT_EQ(queue.oldest(raw_metrics, {time, all_time.to}), time);
    EXPECT_EQ(queue.list(raw_metrics, {time, time + 2}, 10),
              pack({all[from].key, all[from + 1].key}));
    EXPECT_EQ(error_of(queue.replace(wrapped_metrics, {}, wrapped_metrics,
                                     {{{point, time, "point"}}, {{0, {1, 2}}}, {}})),
              std::nullopt);
    EXPECT_EQ(queue.seconds_taken(0).map([](const auto& marks) { return marks.size(); }), 2U);
    if (from / window % 2 == 1) {
      EXPECT_EQ(queue.fetch(wrapped_metrics, pack({point})), pack({"point"}));
    }
    EXPECT_EQ(queue.size(raw_metrics), all.size());
  }
}

TEST_F(RedisQueueTest, FetchesAgainOnceARefusalIsOver) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}, {"b", 2, "two"}}));
  ASSERT_TRUE(queue.fetch(raw_metrics, pack({"a"}), pack({"b"})));
  client.command({"RENAME", "chouette:metrics:raw.values", "aside"});
  client.command({"SET", "chouette:metrics:raw.values", "text"});
  ASSERT_TRUE(queue.list(raw_metrics, all_time, 1));
  queue.fetch(raw_metrics, pack({"b"}), pack({"a"}));  // It may have been asked for before.
  EXPECT_EQ(error_of(queue.fetch(raw_metrics, pack({"a"}), pack({"b"}))), QueueErrc::wrong_type);
  client.command({"RENAME", "aside", "chouette:metrics:raw.values"});
  const auto values = queue.fetch(raw_metrics, pack({"b"}));
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[0], "two");
}

TEST_F(RedisQueueTest, GivesUpABigTransactionWithAServerThatHangs) {
  RedisServer server;
  RedisQueue queue(by_socket(server), milliseconds(200));
  ASSERT_EQ(queue.size(raw_metrics), 0U);
  server.pause();
  const auto big = records(5000, 2000);
  const auto duration = duration_of(
      [&] { EXPECT_EQ(error_of(queue.store(raw_metrics, big)), QueueErrc::unreachable); });
  EXPECT_LT(duration, milliseconds(2000));
  server.resume();
  ASSERT_TRUE(queue.store(raw_metrics, big));
  EXPECT_EQ(queue.size(raw_metrics), 5000U);
}

TEST_F(RedisQueueTest, SignsInWithAPassword) {
  const RedisServer server({.password = "s3cret!"});
  auto settings = by_socket(server);
  settings.password = Secret("s3cret!");
  RedisQueue queue(settings);
  EXPECT_TRUE(queue.store(raw_metrics, records(1)));
}

TEST_F(RedisQueueTest, SignsInWithANameAndAPassword) {
  const RedisServer server;
  server.client().command({"ACL", "SETUSER", "agent", "on", ">pw", "~chouette:*", "+@all"});
  auto settings = by_socket(server);
  settings.username = "agent";
  settings.password = Secret("pw");
  RedisQueue queue(settings);
  EXPECT_TRUE(queue.store(raw_metrics, records(1)));
  settings.username = "somebody";
  EXPECT_EQ(error_of(RedisQueue(settings).size(raw_metrics)), QueueErrc::refused);
}

TEST_F(RedisQueueTest, IsRefusedWithoutTheRightPasswordAndDoesNotShowIt) {
  const RedisServer server({.password = "right"});
  auto settings = by_socket(server);
  EXPECT_EQ(error_of(RedisQueue(settings).size(raw_metrics)), QueueErrc::refused);
  settings.password = Secret("wr0ng-secret");
  RedisQueue queue(settings);
  for (int call = 0; call < 2; ++call) {
    const auto result = queue.store(raw_metrics, records(1));
    EXPECT_EQ(error_of(result), QueueErrc::refused);
    EXPECT_THAT(result.error().message, Not(HasSubstr("wr0ng-secret")));
  }
  auto client = server.client();
  EXPECT_EQ(client.command({"DBSIZE"}), 0);
  // It is let in as soon as the password is right.
  client.command({"CONFIG", "SET", "requirepass", "wr0ng-secret"});
  EXPECT_TRUE(queue.store(raw_metrics, records(1)));
}

TEST_F(RedisQueueTest, UsesItsDatabase) {
  const RedisServer server;
  auto settings = by_socket(server);
  settings.db = 3;
  RedisQueue queue(settings);
  ASSERT_TRUE(queue.store(raw_metrics, records(2)));
  auto address = server.address();
  EXPECT_EQ(test::RedisClient(address).size(raw_metrics), 0U);
  address.db = 3;
  EXPECT_EQ(test::RedisClient(address).size(raw_metrics), 2U);
  settings.db = 99;
  EXPECT_EQ(error_of(RedisQueue(settings).size(raw_metrics)), QueueErrc::refused);
}

TEST_F(RedisQueueTest, UsesItsDatabaseAfterAReconnectToo) {
  const RedisServer server;
  auto settings = by_socket(server);
  settings.db = 3;
  RedisQueue queue(settings);
  ASSERT_TRUE(queue.store(raw_metrics, records(2)));
  server.client().command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_EQ(queue.size(raw_metrics), 2U);
}

TEST_F(RedisQueueTest, LosesNothingWhereMemoryRunsOut) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, records(3000)));
  ASSERT_TRUE(queue.store(wrapped_metrics, {{{"w", 1, "w"}}}));
  client.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  client.command({"CONFIG", "SET", "maxmemory", "1"});
  const auto keys = keys_of(client.dump(raw_metrics));
  const auto failed = queue.replace(raw_metrics, pack(keys), wrapped_metrics, added(records(1)));
  EXPECT_EQ(error_of(failed), QueueErrc::refused);
  EXPECT_THAT(failed.error().message, HasSubstr("OOM"));
  EXPECT_EQ(error_of(queue.store(wrapped_metrics, records(1))), QueueErrc::refused);
  EXPECT_EQ(keys_of(client.dump(raw_metrics)), keys);
  EXPECT_THAT(keys_of(client.dump(wrapped_metrics)), ElementsAre("w"));
  // Reading and removing go on, and what they free can be used.
  EXPECT_EQ(queue.size(raw_metrics), 3000U);
  EXPECT_TRUE(queue.remove(raw_metrics, pack({keys[0]})));
  EXPECT_TRUE(queue.expire(raw_metrics, 1500));
  EXPECT_EQ(queue.size(raw_metrics), 1500U);
  client.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(queue.replace(raw_metrics, pack(keys), wrapped_metrics, added(records(1))));
  EXPECT_THAT(client.dump(raw_metrics), IsEmpty());
  EXPECT_THAT(keys_of(client.dump(wrapped_metrics)), ElementsAre("key-0", "w"));
}

TEST_F(RedisQueueTest, LosesNothingWhereMemoryRunsOutWithinATransaction) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, records(10)));
  client.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  client.command({"CONFIG", "SET", "maxmemory", "4mb"});
  const auto failed =
      queue.replace(raw_metrics, pack({"key-0"}), wrapped_metrics, added(records(6000, 1000)));
  EXPECT_EQ(error_of(failed), QueueErrc::refused);
  EXPECT_EQ(queue.size(raw_metrics), 10U);
  EXPECT_EQ(queue.size(wrapped_metrics), 0U);
}

/// One of the four keys that a replacement touches.
class WrongTypeTest : public RedisQueueTest,
                      public testing::WithParamInterface<std::string_view> {};

TEST_P(WrongTypeTest, LosesNothingAndStoresNothing) {
  const std::string wrong(GetParam());
  for (const auto& spoil : {std::vector<std::string>{"SET", wrong, "text"},
                            std::vector<std::string>{"RPUSH", wrong, "item"}}) {
    const RedisServer server;
    auto client = server.client();
    RedisQueue queue(by_socket(server));
    ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}}));
    ASSERT_TRUE(queue.store(wrapped_metrics, {{{"w", 1, "w"}}}));
    client.command({"DEL", wrong});
    client.command(spoil);

    const std::vector<QueueName> queues{raw_metrics, wrapped_metrics};
    const auto state = [&] {
      std::vector<nlohmann::json> found;
      for (const auto& queue : queues) {
        for (const auto name : {queue.keys, queue.values}) {
          const std::string key(name);
          found.push_back(key == wrong ? client.command({"TYPE", key})
                                       : client.command({"DUMP", key}));
        }
      }
      return found;
    };
    const auto before = state();
    // Few wait until the types are known; more than 64 KB do not.
    for (const std::size_t records : {1, 1000}) {
      const auto failed =
          queue.replace(raw_metrics, pack({"a"}), wrapped_metrics,
                        added(std::vector(records, NewRecord{"n", 1, std::string(500, 'n')})));
      EXPECT_EQ(error_of(failed), QueueErrc::wrong_type);
      EXPECT_EQ(state(), before);
    }

    const auto spoilt =
        wrong == raw_metrics.keys || wrong == raw_metrics.values ? raw_metrics : wrapped_metrics;
    const auto whole = spoilt == raw_metrics ? wrapped_metrics : raw_metrics;
    EXPECT_EQ(error_of(queue.store(spoilt, {{"n", 1, "new"}})), QueueErrc::wrong_type);
    EXPECT_EQ(error_of(queue.remove(spoilt, pack({"a", "w"}))), QueueErrc::wrong_type);
    EXPECT_EQ(error_of(queue.expire(spoilt, 10)), QueueErrc::wrong_type);
    EXPECT_EQ(state(), before);

    // The other queue is not held up, and the error did not break the connection.
    EXPECT_TRUE(queue.store(whole, {{"n", 1, "new"}}));
    EXPECT_EQ(queue.size(whole), 2U);
    client.command({"DEL", wrong});
    EXPECT_TRUE(queue.store(spoilt, {{"n", 1, "new"}}));
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, WrongTypeTest,
                         testing::Values(raw_metrics.keys, raw_metrics.values, wrapped_metrics.keys,
                                         wrapped_metrics.values),
                         [](const auto& info) {
                           std::string name(info.param.substr(info.param.find("metrics")));
                           std::replace(name.begin(), name.end(), ':', '_');
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_F(RedisQueueTest, StoresNothingWhereASetOfSecondsHasAnotherType) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}}));
  client.command({"SET", "chouette:metrics:seconds:10", "text"});
  EXPECT_EQ(error_of(queue.replace(raw_metrics, pack({"a"}), wrapped_metrics,
                                   added({{"w", 1, "w"}}, {{10, {1}}}))),
            QueueErrc::wrong_type);
  EXPECT_EQ(error_of(queue.seconds_taken(10)), QueueErrc::wrong_type);
  EXPECT_EQ(queue.size(raw_metrics), 1U);
  EXPECT_EQ(queue.size(wrapped_metrics), 0U);
}

TEST_F(RedisQueueTest, KeepsASetOfSecondsForAnHour) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  for (const std::int64_t mark : {1, 2}) {
    ASSERT_TRUE(queue.replace(raw_metrics, {}, wrapped_metrics, added({}, {{1590000000, {mark}}})));
    const auto left = client.command({"TTL", "chouette:metrics:seconds:1590000000"}).get<int>();
    EXPECT_LE(left, 3600);
    EXPECT_GT(left, 3500);
    client.command({"EXPIRE", "chouette:metrics:seconds:1590000000", "100"});
  }
}

TEST_F(RedisQueueTest, ReadsFailWhereAKeyHasAnotherType) {
  const RedisServer server;
  auto client = server.client();
  client.command({"SET", "chouette:metrics:raw.keys", "text"});
  client.command({"SET", "chouette:metrics:raw.values", "text"});
  RedisQueue queue(by_socket(server));
  EXPECT_EQ(error_of(queue.size(raw_metrics)), QueueErrc::wrong_type);
  EXPECT_EQ(error_of(queue.oldest(raw_metrics)), QueueErrc::wrong_type);
  EXPECT_EQ(error_of(queue.list(raw_metrics, all_time, 1)), QueueErrc::wrong_type);
  EXPECT_EQ(error_of(queue.fetch(raw_metrics, pack({"a"}))), QueueErrc::wrong_type);
  EXPECT_EQ(error_of(queue.expire(raw_metrics, 1)), QueueErrc::wrong_type);
}

TEST_F(RedisQueueTest, IsRefusedByAServerThatMayNotWrite) {
  const RedisServer server;
  auto client = server.client();
  RedisQueue queue(by_socket(server));
  ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}}));
  client.command({"ACL", "SETUSER", "default", "-hset"});
  const auto failed = queue.replace(raw_metrics, pack({"a"}), wrapped_metrics, {{{"w", 1, "w"}}});
  EXPECT_EQ(error_of(failed), QueueErrc::refused);
  EXPECT_THAT(failed.error().message, HasSubstr("NOPERM"));
  EXPECT_EQ(queue.size(raw_metrics), 1U);
  EXPECT_EQ(queue.size(wrapped_metrics), 0U);
  client.command({"ACL", "SETUSER", "default", "+hset"});
  EXPECT_TRUE(queue.replace(raw_metrics, pack({"a"}), wrapped_metrics, {{{"w", 1, "w"}}}));
}

TEST_F(RedisQueueTest, IsRefusedWhileTheServerLoads) {
  RedisServer server({.appendonly = true, .lines = {"enable-debug-command yes"}});
  auto client = server.client();
  RedisQueue queue(by_socket(server), seconds(5));
  ASSERT_TRUE(queue.store(raw_metrics, records(3000)));
  // 2 ms for each of the first records, and a look at the clients after each.
  client.command({"CONFIG", "SET", "key-load-delay", "2000"});
  client.command({"CONFIG", "SET", "loading-process-events-interval-bytes", "1024"});
  for (int i = 0; i < 500; ++i) {
    client.command({"SET", "other-" + std::to_string(i), std::string(2000, 'x')});
  }
  std::thread loader([&server] { server.client().command({"DEBUG", "RELOAD"}); });
  std::optional<QueueError> refusal;
  test::eventually(
      [&] {
        const auto size = queue.size(raw_metrics);
        if (!size) {
          refusal = size.error();
          EXPECT_EQ(error_of(queue.replace(raw_metrics, pack({"key-0"}), wrapped_metrics, {})),
                    QueueErrc::refused);
        }
        return !size;
      },
      seconds(10));
  loader.join();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, QueueErrc::refused);
  EXPECT_THAT(refusal->message, HasSubstr("LOADING"));
  EXPECT_EQ(queue.size(raw_metrics), 3000U);
}

// A reader in between must see all of a replacement or nothing of it.
TEST_F(RedisQueueTest, ReplacesInOneTransaction) {
  const RedisServer server;
  RedisQueue queue(by_socket(server));
  const auto all = records(4000, 100);
  const auto keys = keys_of(all);
  ASSERT_TRUE(queue.store(raw_metrics, all));
  std::atomic<bool> done = false;
  std::atomic<int> looks = 0;
  std::atomic<int> halves = 0;
  std::thread reader([&] {
    auto client = server.client();
    const auto script =
        "return {redis.call('ZCARD',KEYS[1]),redis.call('HLEN',KEYS[2]),"
        "redis.call('ZCARD',KEYS[3]),redis.call('HLEN',KEYS[4])}";
    while (!done) {
      const auto seen = client.command(
          {"EVAL", script, "4", "chouette:metrics:raw.keys", "chouette:metrics:raw.values",
           "chouette:metrics:wrapped.keys", "chouette:metrics:wrapped.values"});
      ++looks;
      if (seen != nlohmann::json{4000, 4000, 0, 0} && seen != nlohmann::json{0, 0, 4000, 4000}) {
        ++halves;
      }
    }
  });
  for (int round = 0; round < 10; ++round) {
    EXPECT_TRUE(queue.replace(raw_metrics, pack(keys), wrapped_metrics, added(all)));
    EXPECT_TRUE(queue.replace(wrapped_metrics, pack(keys), raw_metrics, added(all)));
  }
  done = true;
  reader.join();
  EXPECT_GT(looks, 10);
  EXPECT_EQ(halves, 0);
}

/// Each time a server of its own: of a transaction that was cut off within a command while it was
/// written, Redis 7.0 keeps the commands before that one in its file, without an end, and at the
/// start after the next takes what was written after them for the rest of it.
TEST_F(RedisQueueTest, LosesAndDoublesNothingWhenTheServerIsKilledMeanwhile) {
  const auto all = records(3000, 200);
  const auto keys = keys_of(all);
  for (const int delay : {0, 1, 2, 4, 8, 16}) {
    RedisServer server({.appendonly = true, .lines = {"appendfsync always"}});
    RedisQueue queue(by_socket(server), milliseconds(500));
    ASSERT_TRUE(queue.store(raw_metrics, all));
    std::thread killer([&server, delay] {
      std::this_thread::sleep_for(milliseconds(delay));
      kill(server.pid(), SIGKILL);
    });
    const auto result =
        queue.replace(raw_metrics, pack(keys), wrapped_metrics, {{{"w", 1, "all"}}});
    killer.join();
    server.kill();
    server.start();
    const auto raw = queue.size(raw_metrics);
    const auto wrapped = queue.size(wrapped_metrics);
    ASSERT_TRUE(raw && wrapped);
    if (result) {
      EXPECT_EQ(*raw, 0U);
    } else {
      EXPECT_EQ(result.error().code, QueueErrc::unreachable) << result.error().message;
    }
    EXPECT_TRUE((*raw == 3000 && *wrapped == 0) || (*raw == 0 && *wrapped == 1))
        << *raw << " raw, " << *wrapped << " wrapped";
    ASSERT_TRUE(queue.replace(wrapped_metrics, pack({"w"}), raw_metrics, added(all)));
  }
}

}  // namespace
}  // namespace chouette
