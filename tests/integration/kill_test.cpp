#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

/// The sum of a count over the raw records and the points that are in Redis.
double sum_in_redis(RedisClient& redis, const std::string& metric) {
  double sum = 0;
  for (const auto queue : {raw_metrics, wrapped_metrics}) {
    for (const auto& record : redis.dump(queue)) {
      const auto json = nlohmann::json::parse(record.value.value());
      if (json["metric"] == metric) {
        sum += json.contains("points") ? json["points"][0][1].get<double>()
                                       : json["value"].get<double>();
      }
    }
  }
  return sum;
}

TEST(Kill, InTheMiddleOfAggregatingLosesAndDoublesNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  std::mt19937 random(20261123);
  std::uniform_int_distribution<int> bucket(0, 90);
  std::uniform_int_distribution<int> microseconds(0, 25000);
  const auto oldest = std::floor(unix_now()) - 120;
  double sum = 0;
  int in_the_middle = 0;
  for (int round = 0; round < 25; ++round) {
    std::vector<RawMetric> metrics;
    for (int i = 0; i < 3000; ++i) {
      metrics.push_back({"hits", "count", i, oldest + bucket(random), {{"i", i % 7}}});
      sum += i;
    }
    redis.add(metrics);
    const auto before = redis.size(raw_metrics);
    // Far from releasing: what was aggregated stays to be counted.
    AgentProcess agent(server, intake, {{"RELEASE_INTERVAL", "86400"}});
    ASSERT_TRUE(agent.wait_for_log("starts"));
    const auto deadline = std::chrono::steady_clock::now() + 3s;
    while (redis.size(raw_metrics) == before && std::chrono::steady_clock::now() < deadline) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    agent.kill();
    const auto left = redis.size(raw_metrics);
    in_the_middle += left > 0 && left < before ? 1 : 0;
    ASSERT_EQ(sum_in_redis(redis, "hits"), sum) << "after round " << round;
  }
  // The test is worth something only if kills did hit rounds that were under way.
  EXPECT_GE(in_the_middle, 5);

  AgentProcess agent(server, intake);
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == sum; }))
      << intake.sum("hits") << " of " << sum;
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
}

TEST(Kill, InTheMiddleOfDeliveringLosesAndDoublesNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  std::mt19937 random(1123);
  std::uniform_int_distribution<int> microseconds(0, 20000);
  double sum = 0;
  const auto oldest = std::floor(unix_now()) - 3000;
  std::vector<AnyRecord> points;
  for (int i = 0; i < 3000; ++i) {
    const auto time = static_cast<std::int64_t>(oldest) + i;
    points.push_back({static_cast<double>(time), nlohmann::json{{"metric", "hits"},
                                                                {"type", "count"},
                                                                {"interval", 1},
                                                                {"tags", nlohmann::json::array()},
                                                                {"points", {{time, i}}}}
                                                     .dump()});
    sum += i;
  }
  redis.add(wrapped_metrics, points);
  intake.set_judge([](const IntakeRequest&) { return answer_late(2ms); });
  int in_the_middle = 0;
  for (int round = 0; round < 30 && redis.size(wrapped_metrics) > 0; ++round) {
    AgentProcess agent(server, intake, {{"METRICS_BULK_SIZE", "50"}});
    const auto before = intake.metric_requests().size();
    intake.wait_until([&] { return intake.metric_requests().size() > before; }, 3s);
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    agent.kill();
    const auto left = redis.size(wrapped_metrics);
    in_the_middle += left > 0 && left < points.size() ? 1 : 0;
  }
  EXPECT_GE(in_the_middle, 4);
  AgentProcess agent(server, intake);
  EXPECT_TRUE(eventually([&] { return redis.size(wrapped_metrics) == 0; }));
  EXPECT_EQ(intake.sum("hits"), sum);
  EXPECT_EQ(intake.points("hits").size(), 3000U);
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
}

}  // namespace
}  // namespace chouette::test
