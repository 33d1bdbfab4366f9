#include "queue/taken_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "queue/queue_parts.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_proxy.hpp"
#include "support/wait.hpp"

// How raw records are set aside in Redis. By key, as few records are taken, the tests of any queue
// take them.

namespace chouette {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// Records stamped before it are closed.
constexpr double closed = 1'000'000;
constexpr Taken all_set_aside{raw_taken, {-INFINITY, closed}};
constexpr Taken all_in_place{raw_metrics, {-INFINITY, closed}};

class TakenRecords : public testing::Test {
protected:
  void SetUp() override { former_ = signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { signal(SIGPIPE, former_); }

  /// Stores `count` records, a second apart from `first` on.
  void store(std::size_t count, double first, const std::string& name = "key-") {
    std::vector<NewRecord> records;
    for (std::size_t i = 0; i < count; ++i) {
      const auto key = name + std::to_string(i);
      records.push_back({key, first + static_cast<double>(i), "value of " + key});
    }
    ASSERT_TRUE(queue_.store(raw_metrics, records));
  }

  std::optional<Taken> take(double until = closed) {
    const auto taken = queue_.take(until);
    EXPECT_TRUE(taken) << taken.error().message;
    return taken ? *taken : std::nullopt;
  }

  void aggregate_until(double until) {
    const auto done = queue_.replace(
        raw_taken, {}, wrapped_metrics,
        {{{"point-" + std::to_string(until), until, "{}"}}, {}, /*taken_until=*/until});
    ASSERT_TRUE(done) << done.error().message;
  }

  /// How many keys and values there are: in place, and set aside.
  std::vector<std::size_t> sizes() {
    std::vector<std::size_t> sizes;
    for (const auto queue : {raw_metrics, raw_taken}) {
      sizes.push_back(client_.command({"ZCARD", std::string(queue.keys)}).get<std::size_t>());
      sizes.push_back(client_.command({"HLEN", std::string(queue.values)}).get<std::size_t>());
    }
    return sizes;
  }

  bool exists(std::string_view key) { return client_.command({"EXISTS", std::string(key)}) != 0; }

  using Sizes = std::vector<std::size_t>;

  test::RedisServer server_{{.appendonly = true, .lines = {"appendfsync always"}}};
  test::RedisClient client_ = server_.client();
  RedisQueue queue_{by_socket(server_), milliseconds(500), 100};

private:
  sighandler_t former_ = SIG_DFL;
};

TEST_F(TakenRecords, AreNoneWhereNothingIsClosed) {
  EXPECT_EQ(take(), std::nullopt);
  store(500, closed);
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(sizes(), (Sizes{500, 500, 0, 0}));
}

TEST_F(TakenRecords, StayWhereTheyAreIfTheyAreFew) {
  store(99, closed - 99);
  EXPECT_EQ(take(), all_in_place);
  EXPECT_EQ(sizes(), (Sizes{99, 99, 0, 0}));
}

TEST_F(TakenRecords, StayWhereTheyAreIfMuchWouldHaveToBePutBack) {
  store(401, closed - 301);
  EXPECT_EQ(take(), all_in_place);
  EXPECT_EQ(sizes(), (Sizes{401, 401, 0, 0}));
}

TEST_F(TakenRecords, StayWhereTheyAreIfNoneHasAValue) {
  store(200, closed - 200);
  client_.command({"DEL", std::string(raw_metrics.values)});
  EXPECT_EQ(take(), all_in_place);
}

TEST_F(TakenRecords, AreSetAsideWithoutThoseThatAreOpen) {
  store(450, closed - 400.25);
  const auto before = client_.dump(raw_metrics);
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_EQ(sizes(), (Sizes{49, 49, 401, 401}));
  const auto open = queue_.list(raw_metrics, all_time, 1000);
  ASSERT_TRUE(open);
  const auto values = queue_.fetch(raw_metrics, *open);
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[0], "value of key-401");
  // To the last bit, and nothing else happened to any.
  auto after = client_.dump(raw_metrics);
  const auto by_score = [](const auto& a, const auto& b) { return a.score < b.score; };
  std::sort(after.begin(), after.end(), by_score);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].key, before[i].key);
    EXPECT_EQ(after[i].score, before[i].score);
    EXPECT_EQ(after[i].value, before[i].value);
  }
}

TEST_F(TakenRecords, AreCountedUntilTheyAreAggregated) {
  store(450, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_EQ(queue_.size(raw_metrics), 450U);
  EXPECT_EQ(queue_.size(raw_taken), 400U);
  aggregate_until(closed - 100);
  EXPECT_EQ(queue_.size(raw_metrics), 150U);
  EXPECT_EQ(queue_.size(raw_taken), 100U);
  EXPECT_EQ(queue_.oldest(raw_taken).value(), std::optional(closed - 100));
}

TEST_F(TakenRecords, LeaveRoomForWhatComesMeanwhile) {
  store(400, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  store(300, closed - 300, "late-");
  aggregate_until(closed - 50);
  EXPECT_EQ(take(), (Taken{raw_taken, {closed - 50, closed}}));
  EXPECT_EQ(sizes(), (Sizes{300, 300, 400, 400}));
  aggregate_until(closed);
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_EQ(sizes(), (Sizes{0, 0, 300, 300}));
  EXPECT_FALSE(exists(taken_until_key));
  aggregate_until(closed);
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(sizes(), (Sizes{0, 0, 0, 0}));
  EXPECT_FALSE(exists(taken_until_key));
}

TEST_F(TakenRecords, AreFoundAgainAfterARestart) {
  store(450, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  aggregate_until(closed - 100);
  RedisQueue later(by_socket(server_), milliseconds(500));
  EXPECT_EQ(later.take(closed).value(), (Taken{raw_taken, {closed - 100, closed}}));
  // Time goes on: what was open is closed now, and waits where it was put back.
  EXPECT_EQ(later.take(closed + 50).value(), (Taken{raw_taken, {closed - 100, closed + 50}}));
  EXPECT_EQ(sizes(), (Sizes{50, 50, 400, 400}));
}

TEST_F(TakenRecords, OfAKilledAgentArePutBackIfTheyAreOpen) {
  store(450, closed - 400);
  client_.set_aside();
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_EQ(sizes(), (Sizes{50, 50, 400, 400}));
}

TEST_F(TakenRecords, ArePutBackInSeveralCallsIfTheClockJumpsBack) {
  store(12000, closed);
  client_.set_aside();
  const auto first = take();
  ASSERT_TRUE(first);
  EXPECT_FALSE(queue_.oldest(first->queue, first->range).value());
  EXPECT_EQ(sizes(), (Sizes{10000, 10000, 2000, 2000}));
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(sizes(), (Sizes{12000, 12000, 0, 0}));
}

TEST_F(TakenRecords, AreNotMistakenForThoseOfBefore) {
  client_.command({"SET", std::string(taken_until_key), std::to_string(closed)});
  store(400, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_EQ(queue_.size(raw_metrics), 400U);
}

TEST_F(TakenRecords, ThatAreAggregatedDoNotComeBackIfTheClockJumpsBack) {
  store(400, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  aggregate_until(closed - 100);
  EXPECT_EQ(take(closed - 200), std::nullopt);
  EXPECT_EQ(sizes(), (Sizes{100, 100, 0, 0}));
  EXPECT_EQ(queue_.oldest(raw_metrics).value(), std::optional(closed - 100));
}

TEST_F(TakenRecords, KeepHalvesTogetherThatMayStillBecomeWhole) {
  store(400, closed - 400);
  client_.command({"ZADD", std::string(raw_metrics.keys), std::to_string(closed + 1), "no-value"});
  client_.command({"HSET", std::string(raw_metrics.values), "no-key", "x"});
  client_.command({"HSET", std::string(raw_metrics.values), "no-key-either", "y"});
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_TRUE(client_.command({"ZSCORE", std::string(raw_metrics.keys), "no-value"}).is_string());
  aggregate_until(closed);
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(client_.command({"HGET", std::string(raw_metrics.values), "no-key"}), "x");
  EXPECT_EQ(sizes(), (Sizes{1, 2, 0, 0}));
}

TEST_F(TakenRecords, ExpireUnlessTheyAreAggregated) {
  store(400, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  aggregate_until(closed - 300);
  const auto expired = queue_.expire(raw_taken, closed - 200);
  ASSERT_TRUE(expired);
  EXPECT_EQ(expired->records, 100U);
  EXPECT_EQ(expired->halves, 0U);
  EXPECT_EQ(queue_.size(raw_metrics), 200U);
  EXPECT_EQ(queue_.trim(raw_taken, 150).value(), 50U);
  EXPECT_EQ(queue_.oldest(raw_taken).value(), std::optional(closed - 150));
  EXPECT_EQ(queue_.trim(raw_taken, 150).value(), 0U);
}

TEST_F(TakenRecords, AreNotTouchedWhileAKeyHasAnotherType) {
  store(400, closed - 400);
  for (const auto key : {raw_taken.keys, raw_taken.values}) {
    client_.command({"RPUSH", std::string(key), "a list"});
    const auto taken = queue_.take(closed);
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr("WRONGTYPE"));
    EXPECT_EQ(client_.command({"ZCARD", std::string(raw_metrics.keys)}), 400);
    client_.command({"DEL", std::string(key)});
  }
  EXPECT_EQ(take(), all_set_aside);
}

TEST_F(TakenRecords, AreNotLostWhereMemoryRunsOut) {
  store(450, closed - 400);
  client_.command({"CONFIG", "SET", "maxmemory", "1"});
  for (int i = 0; i < 3; ++i) {
    const auto taken = queue_.take(closed);
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr("OOM"));
    EXPECT_EQ(queue_.size(raw_metrics), 450U);
  }
  // What is too old makes room all the same.
  EXPECT_EQ(queue_.expire(raw_taken, closed - 300).value().records +
                queue_.expire(raw_metrics, closed - 300).value().records,
            100U);
  client_.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(take(), all_set_aside);
  EXPECT_EQ(queue_.size(raw_metrics), 350U);
}

/// What is held up by a proxy until the agent gives it up, begins anew, and goes on.
class LateTransaction : public TakenRecords {
protected:
  /// Takes through the proxy, where the transaction that contains `text` is held up.
  void take_and_give_up_at(const std::string& text) {
    proxy_.hold_at(text);
    const auto given_up = slow_.take(closed);
    ASSERT_FALSE(given_up);
    EXPECT_EQ(given_up.error().code, QueueErrc::unreachable);
    ASSERT_TRUE(proxy_.holds());
  }

  /// Has it arrive; Redis counts it whether or not it does anything.
  void let_it_arrive() {
    const auto before = executed();
    proxy_.resume();
    ASSERT_TRUE(test::eventually([&] { return executed() > before; }));
  }

private:
  /// How many transactions have arrived.
  int executed() {
    const auto stats = client_.command({"INFO", "commandstats"}).get<std::string>();
    const std::string name = "cmdstat_exec:calls=";
    const auto at = stats.find(name);
    return at == std::string::npos ? 0 : std::stoi(stats.substr(at + name.size()));
  }

  static RedisSettings by_port(std::uint16_t port) {
    RedisSettings settings;
    settings.host = "127.0.0.1";
    settings.port = port;
    return settings;
  }

protected:
  test::TcpProxy proxy_{server_.port()};
  RedisQueue slow_{by_port(proxy_.port()), milliseconds(500), 100};
};

TEST_F(LateTransaction, ThatSetsAsideDoesNotUndoWhatIsAggregatedSince) {
  store(400, closed - 400);
  take_and_give_up_at("RENAMENX");
  EXPECT_EQ(slow_.take(closed).value(), all_set_aside);
  aggregate_until(closed - 100);
  let_it_arrive();
  EXPECT_EQ(take(), (Taken{raw_taken, {closed - 100, closed}}));
  EXPECT_EQ(sizes(), (Sizes{0, 0, 400, 400}));
}

TEST_F(LateTransaction, ThatSetsAsideDoesNotTakeWhatComesLater) {
  store(400, closed - 400);
  take_and_give_up_at("RENAMENX");
  EXPECT_EQ(slow_.take(closed).value(), all_set_aside);
  aggregate_until(closed);
  EXPECT_EQ(slow_.take(closed).value(), std::nullopt);
  store(400, closed);
  let_it_arrive();
  EXPECT_EQ(sizes(), (Sizes{400, 400, 0, 0}));
}

TEST_F(LateTransaction, ThatDropsWhatWasSetAsideDoesNotDropWhatIsSince) {
  store(400, closed - 400);
  EXPECT_EQ(take(), all_set_aside);
  aggregate_until(closed);
  store(300, closed - 300, "late-");
  take_and_give_up_at("UNLINK");
  EXPECT_EQ(slow_.take(closed).value(), all_set_aside);
  aggregate_until(closed - 100);
  let_it_arrive();
  EXPECT_EQ(take(), (Taken{raw_taken, {closed - 100, closed}}));
  EXPECT_EQ(sizes(), (Sizes{0, 0, 300, 300}));
}

// Whenever the server dies: each record waits once, or is aggregated.
TEST_F(TakenRecords, AreNeitherLostNorDoubledWhenTheServerIsKilled) {
  std::size_t done = 0;
  for (int round = 0; round < 12; ++round) {
    const auto name = "round-" + std::to_string(round) + "-";
    store(3300, closed - 3000, name);
    std::thread killer([this, round] {
      std::this_thread::sleep_for(milliseconds(3 * round));
      kill(server_.pid(), SIGKILL);
    });
    if (const auto taken = queue_.take(closed); taken && *taken) {
      const auto keys = queue_.list((*taken)->queue, (*taken)->range, 100000);
      if (keys && (*taken)->queue == raw_taken) {
        static_cast<void>(queue_.replace(
            raw_taken, {}, wrapped_metrics,
            {{{name, 1, std::to_string(keys->size())}}, {}, /*taken_until=*/closed}));
      }
    }
    killer.join();
    server_.kill();
    server_.start();
    done = 0;
    for (const auto& point : client_.dump(wrapped_metrics)) {
      done += std::stoul(point.value.value());
    }
    std::map<std::string, int> seen;
    for (const auto& record : client_.dump(raw_metrics)) {
      EXPECT_TRUE(record.score && record.value) << record.key;
      ++seen[record.key];
    }
    EXPECT_EQ(seen.size() + done, 3300U * static_cast<std::size_t>(round + 1));
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](auto& each) { return each.second == 1; }));
    // Make room, so that much that is open does not keep the next ones from being set aside.
    const auto open = queue_.list(raw_metrics, {closed, INFINITY}, 100000);
    ASSERT_TRUE(open);
    ASSERT_TRUE(queue_.replace(raw_metrics, *open, wrapped_metrics,
                               {{{"open " + name, 1, std::to_string(open->size())}}}));
  }
  EXPECT_GT(done, 0U);
}

}  // namespace
}  // namespace chouette
