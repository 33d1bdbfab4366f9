#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/agent.hpp"
#include "support/application.hpp"
#include "support/intake.hpp"
#include "support/redis_faults.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

/// Waits until the application was refused `count` times more.
bool is_refused(const Application& application, std::size_t count) {
  return eventually(
      [&, goal = application.refused() + count] { return application.refused() >= goal; });
}

std::int64_t used_memory(RedisClient& redis) {
  const auto info = redis.command({"INFO", "memory"}).get<std::string>();
  const std::string name = "used_memory:";
  return std::stoll(info.substr(info.find(name) + name.size()));
}

std::string role(RedisClient& redis) {
  return redis.command({"ROLE"})[0];
}

TEST(RedisFault, DownAtTheStartAndRestartedThriceLosesNothing) {
  RedisServer server({.appendonly = true});
  Intake intake;
  server.stop();
  AgentProcess agent(server, intake, without_self_metrics());
  ASSERT_TRUE(eventually([&] { return outages_begun(agent) == 1; }));
  Application application(server.address());
  EXPECT_TRUE(is_refused(application, 300));
  server.start();
  EXPECT_TRUE(eventually([&] { return outages_ended(agent) == 1; }));
  for (std::size_t outage = 2; outage <= 4; ++outage) {
    EXPECT_TRUE(stores(application, 200));
    server.stop();
    EXPECT_TRUE(eventually([&] { return outages_begun(agent) == outage; }));
    EXPECT_TRUE(is_refused(application, 100));
    server.start();
    EXPECT_TRUE(eventually([&] { return outages_ended(agent) == outage; }));
  }
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  EXPECT_EQ(outages_begun(agent), 4U);
  EXPECT_EQ(outages_ended(agent), 4U);
}

TEST(RedisFault, KilledWhileItWritesLosesNothingThatItHadAccepted) {
  RedisServer server({.appendonly = true, .lines = {"appendfsync always"}});
  Intake intake;
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  for (std::size_t outage = 1; outage <= 4; ++outage) {
    // Not in step with the agent's ticks, so that it is at something else each time.
    EXPECT_TRUE(stores(application, 150 + outage * 37));
    server.kill();
    EXPECT_TRUE(eventually([&] { return outages_begun(agent) == outage; }));
    server.start();
    EXPECT_TRUE(eventually([&] { return outages_ended(agent) == outage; }));
  }
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
}

TEST(RedisFault, LoadingItsDataIsWaitedForAndSaidOnce) {
  RedisServer server({.appendonly = true,
                      .lines = {"key-load-delay 1000", "loading-process-events-interval-bytes 1024",
                                "appendfsync always"}});
  Intake intake;
  auto redis = server.client();
  const std::vector<AnyRecord> ballast(500, {1, std::string(2000, 'x')});
  redis.add({"foreign.keys", "foreign.values"}, ballast);
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 300));
  server.stop();
  EXPECT_TRUE(eventually([&] { return outages_begun(agent) == 1; }));
  server.start();  // returns when all is loaded
  EXPECT_GE(refusals_begun(agent, "LOADING"), 1U);
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  expect_one_refusal(agent, "LOADING");
  EXPECT_EQ(outages_begun(agent), 1U);
  EXPECT_EQ(outages_ended(agent), 1U);
}

TEST(RedisFault, OutOfMemoryHoldsUpOnlyWhatNeedsMemory) {
  RedisServer server({.lines = {"maxmemory-policy noeviction"}});
  Intake intake;
  auto redis = server.client();
  intake.set_down();
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 200));
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_metrics) > 0; }));
  const auto most = used_memory(redis) + 4'000'000;
  redis.command({"SET", "foreign", std::string(8'000'000, 'x')});
  redis.command({"CONFIG", "SET", "maxmemory", std::to_string(most)});
  EXPECT_TRUE(is_refused(application, 100));
  EXPECT_TRUE(eventually([&] { return refusals_begun(agent, "OOM") > 0; }));
  const auto raw = redis.size(raw_metrics);
  EXPECT_GT(raw, 0U);

  // What is delivered is removed, and so makes room.
  intake.set_up();
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_metrics) == 0; }));
  EXPECT_GT(intake.sum("hits"), 0);
  EXPECT_EQ(redis.size(raw_metrics), raw);
  EXPECT_THROW(redis.command({"SET", "more", "memory"}), RedisFailure);

  redis.command({"DEL", "foreign"});
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  expect_one_refusal(agent, "OOM");
  EXPECT_EQ(outages_begun(agent), 0U);
}

TEST(RedisFault, UnableToSaveToDiskLosesNothing) {
  // It does not save by itself so soon; but that it is to save makes a failure count.
  RedisServer server({.lines = {"save 3600 1000000", "stop-writes-on-bgsave-error yes"}});
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 200));
  // A folder where the file is to be cannot be replaced by it, not even by root.
  const auto dump = std::filesystem::path(server.socket()).parent_path() / "dump.rdb";
  std::filesystem::create_directories(dump / "not empty");
  redis.command({"BGSAVE"});
  EXPECT_TRUE(eventually([&] { return refusals_begun(agent, "MISCONF") > 0; }));
  EXPECT_TRUE(is_refused(application, 200));
  std::filesystem::remove_all(dump);
  redis.command({"BGSAVE"});
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  expect_one_refusal(agent, "MISCONF");
  EXPECT_EQ(outages_begun(agent), 0U);
}

TEST(RedisFault, BeingAReadOnlyReplicaForAWhileLosesNothing) {
  const RedisOptions options{.lines = {"repl-diskless-sync-delay 0", "replica-read-only yes"}};
  RedisServer server(options);
  RedisServer other(options);
  Intake intake;
  auto redis = server.client();
  auto redis_of_other = other.client();
  redis_of_other.command({"REPLICAOF", "127.0.0.1", std::to_string(server.port())});
  ASSERT_TRUE(eventually([&] { return redis_of_other.command({"ROLE"})[3] == "connected"; }));
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 300));
  redis.command({"FAILOVER"});
  EXPECT_TRUE(eventually([&] { return role(redis) == "slave"; }));
  EXPECT_TRUE(eventually([&] { return refusals_begun(agent, "READONLY") > 0; }));
  EXPECT_TRUE(is_refused(application, 300));
  EXPECT_GT(redis.size(raw_metrics) + redis.size(wrapped_metrics), 0U);

  ASSERT_TRUE(eventually([&] { return redis.command({"ROLE"})[3] == "connected"; }));
  redis_of_other.command({"FAILOVER"});
  EXPECT_TRUE(eventually([&] { return role(redis) == "master"; }));
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  expect_one_refusal(agent, "READONLY");
}

TEST(RedisFault, AWrongPasswordLosesNothingAndIsSaidOnceUntilItIsRight) {
  RedisServer server({.password = "first"});
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 200));
  redis.command({"CONFIG", "SET", "requirepass", "second"});
  redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(eventually([&] { return refusals_begun(agent, "") > 0; }));
  EXPECT_TRUE(is_refused(application, 300));
  redis.command({"CONFIG", "SET", "requirepass", "first"});
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  expect_one_refusal(agent, "WRONGPASS");
  EXPECT_EQ(agent.out().find("first"), std::string::npos);
}

TEST(RedisFault, AnUnexpectedDemandForAPasswordLosesNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, without_self_metrics());
  Application application(server.address());
  EXPECT_TRUE(stores(application, 200));
  redis.command({"CONFIG", "SET", "requirepass", "secret"});
  redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(eventually([&] { return refusals_begun(agent, "") > 0; }));
  EXPECT_TRUE(is_refused(application, 300));
  redis.command({"CONFIG", "SET", "requirepass", ""});
  EXPECT_TRUE(stores(application, 100));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  expect_one_refusal(agent, "NOAUTH");
}

TEST(RedisFault, HostMetricsCapturedMeanwhileArriveWithTheirOwnTimestamps) {
  RedisServer server;
  Intake intake;
  const TempDir proc;
  const auto set_load = [&proc](int load) {
    std::ofstream(proc / "new") << load << ".00 0.00 0.00 1/100 1000\n";
    std::filesystem::rename(proc / "new", proc / "loadavg");
  };
  set_load(1);
  AgentProcess agent(server, intake,
                     without_self_metrics({{"COLLECTOR_PLUGINS", "host"},
                                           {"HOST_COLLECTOR_METRICS", R"(["la"])"},
                                           {"HOST_PROC", proc.path()}}));
  const auto seconds_with = [&intake](double load) {
    std::vector<std::int64_t> seconds;
    for (const auto& [second, point] : intake.points("Chouette.host.la")) {
      if (point.value == load) seconds.push_back(second);
    }
    return seconds;
  };
  ASSERT_TRUE(eventually([&] { return !seconds_with(1).empty(); }));
  server.stop();
  ASSERT_TRUE(eventually([&] { return outages_begun(agent) == 1; }));
  const auto begin = unix_now();
  set_load(2);
  std::this_thread::sleep_for(4s);  // the outage
  set_load(3);
  const auto end = unix_now();
  server.start();
  ASSERT_TRUE(eventually([&] { return seconds_with(3).size() >= 2; }));
  const auto captured = seconds_with(2);
  ASSERT_GE(captured.size(), 3U);
  EXPECT_GE(static_cast<double>(captured.front()) + 1, begin);
  EXPECT_LE(static_cast<double>(captured.back()), end);
  EXPECT_EQ(captured.back() - captured.front() + 1, static_cast<std::int64_t>(captured.size()));
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  EXPECT_EQ(outages_begun(agent), 1U);
  EXPECT_EQ(outages_ended(agent), 1U);
}

}  // namespace
}  // namespace chouette::test
