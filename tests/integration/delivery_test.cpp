#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

bool queues_are_empty(RedisClient& redis) {
  return redis.size(raw_metrics) == 0 && redis.size(wrapped_metrics) == 0;
}

TEST(Delivery, WhatAnApplicationCountsArrives) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, {{"GLOBAL_TAGS", R"(["env:test"])"}, {"HOST", "shed"}});
  double sum = 0;
  for (int i = 0; i < 200; ++i) {
    redis.add({"hits", "count", i, unix_now(), {{"k", i % 2 == 0 ? "a" : "b"}}});
    sum += i;
  }
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == sum; }));
  EXPECT_FALSE(intake.points("hits", {"env:test", "k:a"}).empty());
  EXPECT_EQ(intake.series().begin()->first.host, "shed");
  EXPECT_TRUE(eventually([&] { return queues_are_empty(redis); }));
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  EXPECT_TRUE(agent.malformed_log_lines().empty());
}

TEST(Delivery, HostMetricsArrive) {
  RedisServer server;
  Intake intake;
  AgentProcess agent(server, intake,
                     {{"COLLECTOR_PLUGINS", "host"},
                      {"HOST_COLLECTOR_METRICS", R"(["cpu","fs","la","ram","network"])"}});
  for (const auto* metric : {"Chouette.host.cpu.percentage", "Chouette.host.la",
                             "Chouette.host.memory.used", "Chouette.host.memory.available"}) {
    EXPECT_TRUE(intake.wait_until([&] { return !intake.points(metric).empty(); })) << metric;
  }
  EXPECT_GT(intake.points("Chouette.host.memory.used").begin()->second.value, 1e6);
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
}

TEST(Delivery, NothingIsLostWhileTheIntakeIsAway) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.set_down();
  AgentProcess agent(server, intake);
  for (int i = 0; i < 50; ++i) {
    redis.add({"hits", "count", 1, unix_now() - i});
  }
  EXPECT_TRUE(agent.wait_for_log("the intake does not take the metrics"));
  EXPECT_TRUE(eventually([&] { return redis.size(raw_metrics) == 0; }));
  EXPECT_GT(redis.size(wrapped_metrics), 0U);
  intake.set_up();
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 50; }));
  EXPECT_TRUE(agent.wait_for_log("the intake takes metrics again"));
  EXPECT_EQ(agent.count_in_log("the intake does not take the metrics"), 1U);
}

class Refusal : public ::testing::TestWithParam<int> {};

TEST_P(Refusal, DeletesNothingAndIsTriedAgain) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.script({answer(GetParam())});
  redis.add({"hits", "count", 7, unix_now() - 10});
  AgentProcess agent(server, intake);
  ASSERT_TRUE(intake.wait_until([&] { return intake.scripted() == 0; }));
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 7; }));
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_metrics) == 0; }));
}

INSTANTIATE_TEST_SUITE_P(WithStatus, Refusal,
                         ::testing::Values(301, 401, 403, 404, 408, 429, 500, 502, 503));

TEST(Delivery, ARefusedRecordIsSetAsideAndBlocksNobody) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.set_judge([](const IntakeRequest& request) {
    return request.payload.dump().find("\"bad") == std::string::npos
               ? answer_ok()
               : answer(400, R"({"errors":["Bad Request"]})");
  });
  for (int i = 0; i < 300; ++i) {
    redis.add({"hits", "count", 1, unix_now() - i});
  }
  redis.add({"bad", "count", 1, unix_now() - 10});
  AgentProcess agent(server, intake);
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 300; }));
  EXPECT_TRUE(eventually([&] { return redis.size(rejected_metrics) == 1; }));
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_metrics) == 0; }));
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("chouette.dropped.metrics") == 1; }));
}

TEST(Delivery, LogsArriveWithTheirTagsAndHost) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, {{"GLOBAL_TAGS", "env:test"}, {"HOST", "shed"}});
  redis.add_log({{"message", "door open"}, {"ddtags", {"door:north", "floor:1"}}}, unix_now());
  redis.add_log({{"message", "door shut"}, {"ddtags", "door:north"}}, unix_now());
  redis.add_log({{"message", "no tags"}}, unix_now());
  redis.add(wrapped_logs, {{unix_now(), "not a log"}});
  ASSERT_TRUE(intake.wait_until([&] { return intake.logs().size() == 3; }));
  for (const auto& log : intake.logs()) {
    EXPECT_EQ(log["host"], "shed");
    const std::string tags = log["ddtags"];
    EXPECT_EQ(tags, log["message"] == "door open"   ? "door:north,floor:1,env:test"
                    : log["message"] == "door shut" ? "door:north,env:test"
                                                    : "env:test");
  }
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_logs) == 0; }));
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
}

TEST(Delivery, AnAnswerThatIsLostDoublesNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.script({lose_answer(), lose_answer()});
  redis.add({"hits", "count", 7, unix_now() - 10});
  AgentProcess agent(server, intake);
  EXPECT_TRUE(intake.wait_until([&] { return intake.metric_requests().size() >= 3; }));
  EXPECT_TRUE(eventually([&] { return queues_are_empty(redis); }));
  EXPECT_EQ(intake.sum("hits"), 7);
}

TEST(Delivery, ARequestThatHangsIsGivenUpAndTriedAgain) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.script({stall()});
  redis.add({"hits", "count", 7, unix_now() - 10});
  AgentProcess agent(server, intake);
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 7; }));
}

TEST(Delivery, KeepsItsConnectionToTheIntake) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake);
  for (int i = 1; i <= 4; ++i) {
    redis.add({"hits", "count", 1, unix_now()});
    ASSERT_TRUE(intake.wait_until([&] { return intake.sum("hits") == i; }));
  }
  EXPECT_GE(intake.metric_requests().size(), 4U);
  EXPECT_EQ(intake.connections(), 1U);
}

TEST(Delivery, NothingIsLostWhileRedisIsAway) {
  RedisServer server({.appendonly = true});
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake, {{"COLLECTOR_PLUGINS", "host"}});
  int sum = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      redis.add({"hits", "count", 1, unix_now()});
      ++sum;
    }
    server.stop();
    EXPECT_TRUE(eventually([&] {
      return agent.count_in_log("no connection to Redis") == static_cast<std::size_t>(round + 1);
    })) << "round "
        << round;
    std::this_thread::sleep_for(2500ms);
    server.start();
    EXPECT_TRUE(eventually([&] {
      return agent.count_in_log("answers again after") == static_cast<std::size_t>(round + 1);
    }));
  }
  EXPECT_TRUE(intake.wait_until(
      [&] { return intake.sum("hits") == sum && !intake.points("Chouette.host.la").empty(); }));
  // Each outage was said once, and host metrics captured meanwhile were kept.
  EXPECT_EQ(agent.count_in_log("no connection to Redis"), 3U);
  const auto la = intake.points("Chouette.host.la");
  ASSERT_FALSE(la.empty());
  const auto seconds = la.rbegin()->first - la.begin()->first + 1;
  EXPECT_GE(static_cast<std::int64_t>(la.size()), seconds - 2);
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
}

TEST(Delivery, GoesOnWhenRedisHangs) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  AgentProcess agent(server, intake);
  redis.add({"hits", "count", 1, unix_now()});
  ASSERT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 1; }));
  server.pause();
  EXPECT_TRUE(agent.wait_for_log("[Redis] "));
  server.resume();
  redis.add({"hits", "count", 1, unix_now()});
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 2; }));
  EXPECT_TRUE(agent.running());
}

TEST(Delivery, AnApplicationsGarbageHarmsNothingElse) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  const auto now = unix_now() - 5;
  for (const auto queue : {raw_metrics, wrapped_metrics}) {
    redis.add(queue, {{now, ""},
                      {now, "garbage"},
                      {now, "[]"},
                      {now, "{}"},
                      {now, std::string(100000, '[')},
                      {now, std::string("\xff\x00\xfe", 3)},
                      {now, R"({"metric":"x","type":"count","value":NaN,"timestamp":1})"},
                      {now, R"({"metric":"x","type":"count","value":1e999,"timestamp":1})"},
                      {-1e300, "{}"},
                      {0, "{}"}});
    redis.command({"ZADD", std::string(queue.keys), std::to_string(now), "a key without a value"});
  }
  redis.add({"hits", "count", 3, now});
  AgentProcess agent(server, intake);
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 3; }));
  EXPECT_TRUE(eventually([&] { return queues_are_empty(redis); }));
  EXPECT_TRUE(agent.running());
  EXPECT_EQ(agent.count_in_log("each of which is not JSON"), 1U);
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  EXPECT_TRUE(agent.malformed_log_lines().empty());
}

TEST(Delivery, AQueueKeyOfAnotherTypeStopsNothingAndLosesNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  redis.command({"SET", std::string(wrapped_metrics.keys), "oops"});
  redis.add({"hits", "count", 3, unix_now() - 5});
  AgentProcess agent(server, intake);
  EXPECT_TRUE(agent.wait_for_log("chouette:metrics:wrapped.keys"));
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(redis.size(raw_metrics), 1U);
  redis.command({"DEL", std::string(wrapped_metrics.keys)});
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 3; }));
}

}  // namespace
}  // namespace chouette::test
