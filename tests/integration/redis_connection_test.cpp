#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/agent.hpp"
#include "support/application.hpp"
#include "support/intake.hpp"
#include "support/redis_faults.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_proxy.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

/// Overrides with which an agent reaches its Redis through `proxy`.
ChildProcess::Environment through(const TcpProxy& proxy, int db = 0) {
  return without_self_metrics({{"REDIS_SOCKET", ""},
                               {"REDIS_HOST", "127.0.0.1"},
                               {"REDIS_PORT", std::to_string(proxy.port())},
                               {"REDIS_DB", std::to_string(db)}});
}

TEST(RedisConnectionFault, AServerThatHangsForSixSecondsLosesAndDoublesNothing) {
  RedisServer server;
  Intake intake;
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 300));
  server.pause();
  std::this_thread::sleep_for(6s);  // longer than three timeouts of the agent
  EXPECT_EQ(outages_begun(agent), 1U);
  EXPECT_EQ(outages_ended(agent), 0U);
  server.resume();
  EXPECT_TRUE(stores(application, 200));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  EXPECT_EQ(outages_begun(agent), 1U);
  EXPECT_EQ(outages_ended(agent), 1U);
}

TEST(RedisConnectionFault, ANetworkThatPassesNothingOnForAWhileLosesAndDoublesNothing) {
  RedisServer server;
  Intake intake;
  TcpProxy proxy(server.port());
  AgentProcess agent(server, intake, through(proxy));
  Application application(server.address());
  EXPECT_TRUE(stores(application, 300));
  proxy.stall();
  EXPECT_TRUE(eventually([&] { return outages_begun(agent) == 1; }));
  EXPECT_TRUE(stores(application, 300));
  proxy.resume();
  EXPECT_TRUE(eventually([&] { return outages_ended(agent) == 1; }));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  EXPECT_EQ(outages_begun(agent), 1U);
  EXPECT_EQ(outages_ended(agent), 1U);
}

TEST(RedisConnectionFault, ANetworkThatRefusesConnectionsLosesNothing) {
  RedisServer server;
  Intake intake;
  TcpProxy proxy(server.port());
  AgentProcess agent(server, intake, through(proxy));
  Application application(server.address());
  for (std::size_t outage = 1; outage <= 3; ++outage) {
    EXPECT_TRUE(stores(application, 150));
    proxy.refuse();
    EXPECT_TRUE(eventually([&] { return outages_begun(agent) == outage; }));
    EXPECT_TRUE(stores(application, 150));
    proxy.accept();
    EXPECT_TRUE(eventually([&] { return outages_ended(agent) == outage; }));
  }
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  EXPECT_EQ(outages_begun(agent), 3U);
}

TEST(RedisConnectionFault, ATransactionThatArrivesLateLosesAndDoublesNothing) {
  RedisServer server;
  Intake intake;
  TcpProxy proxy(server.port());
  auto redis = server.client();
  AgentProcess agent(server, intake, through(proxy));
  ASSERT_TRUE(agent.wait_for_log("starts"));
  const auto time = std::floor(unix_now()) - 60;
  proxy.hold_at("chouette:metrics:seconds:" + std::to_string(static_cast<std::int64_t>(time)) +
                "\r\n$");
  redis.add({"hits", "count", 1, time});
  ASSERT_TRUE(eventually([&] { return proxy.holds(); }));
  // Before the agent gives it up and begins anew, one more of the same second.
  redis.add({"hits", "count", 2, time});
  EXPECT_TRUE(eventually([&] { return intake.sum("hits") == 3; }));
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_metrics) == 0; }));
  proxy.resume();
  std::this_thread::sleep_for(3s);
  expect_delivered(agent, intake, server.address(), {{"hits", 3}});
}

constexpr int fleet_size = 8;

/// Agents, each with a database and a metric of its own, behind one proxy.
class Fleet {
public:
  Fleet(const RedisServer& server, const Intake& intake, const TcpProxy& proxy, int size) {
    for (int db = 0; db < size; ++db) {
      auto address = server.address();
      address.db = db;
      applications_.push_back(
          std::make_unique<Application>(address, "hits." + std::to_string(db), 40));
      agents_.push_back(std::make_unique<AgentProcess>(server, intake, through(proxy, db)));
    }
  }

  std::map<std::string, double> stop_applications() {
    std::map<std::string, double> sums;
    for (std::size_t i = 0; i < applications_.size(); ++i) {
      sums["hits." + std::to_string(i)] = applications_[i]->stop();
    }
    return sums;
  }

  std::vector<std::unique_ptr<AgentProcess>>& agents() { return agents_; }

private:
  std::vector<std::unique_ptr<Application>> applications_;
  std::vector<std::unique_ptr<AgentProcess>> agents_;
};

/// Cuts connections by `plan` until there were `cuts` of them, while several agents are at work.
void expect_nothing_lost_under_cuts(const std::function<Cut()>& plan, std::size_t cuts) {
  RedisServer server;
  Intake intake;
  TcpProxy proxy(server.port());
  proxy.set_plan(plan);
  Fleet fleet(server, intake, proxy, fleet_size);
  // The test is worth something only if work goes on meanwhile.
  const auto all_deliver = [&intake] {
    for (int db = 0; db < fleet_size; ++db) {
      if (intake.sum("hits." + std::to_string(db)) == 0) return false;
    }
    return true;
  };
  EXPECT_TRUE(eventually([&] { return proxy.cuts() >= cuts && all_deliver(); }, 60s))
      << proxy.cuts();
  const auto sums = fleet.stop_applications();
  proxy.set_plan({});
  for (std::size_t db = 0; db < fleet.agents().size(); ++db) {
    const auto metric = "hits." + std::to_string(db);
    auto address = server.address();
    address.db = static_cast<int>(db);
    expect_delivered(*fleet.agents()[db], intake, address, {{metric, sums.at(metric)}});
  }
}

TEST(RedisConnectionFault, AnswersCutOffAnywhereLoseAndDoubleNothing) {
  std::mt19937 random(20261123);
  std::uniform_int_distribution<std::size_t> few(0, 40);
  // Enough for what waits after some seconds: what comes after a cut is more each time.
  std::uniform_int_distribution<std::size_t> many(0, 16000);
  expect_nothing_lost_under_cuts(
      [&] {
        return Cut{.answers = random() % 2 == 0 ? few(random) : many(random),
                   .reset = random() % 2 == 0};
      },
      250);
}

TEST(RedisConnectionFault, RequestsCutOffAnywhereLoseAndDoubleNothing) {
  std::mt19937 random(1123);
  std::uniform_int_distribution<std::size_t> few(0, 400);
  std::uniform_int_distribution<std::size_t> many(0, 9000);
  expect_nothing_lost_under_cuts(
      [&] {
        return Cut{.requests = random() % 2 == 0 ? few(random) : many(random),
                   .reset = random() % 2 == 0};
      },
      250);
}

TEST(RedisConnectionFault, ConnectionsKilledEveryFewMillisecondsLoseAndDoubleNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, without_self_metrics({{"COLLECTOR_PLUGINS", "host"}}));
  Application application(server.address());
  const auto end = std::chrono::steady_clock::now() + 5s;
  std::int64_t killed = 0;
  while (std::chrono::steady_clock::now() < end) {
    killed += redis.command({"CLIENT", "KILL", "TYPE", "normal"}).get<std::int64_t>();
    std::this_thread::sleep_for(3ms);
  }
  EXPECT_GT(killed, 200);
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  EXPECT_FALSE(intake.points("Chouette.host.la").empty());
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  // What waits cannot be told where the connection is killed again meanwhile.
  EXPECT_EQ(outages_begun(agent), count_like(agent, R"(\[Redis\] answers again after \d+ s: .*)"));
}

}  // namespace
}  // namespace chouette::test
