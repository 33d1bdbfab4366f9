#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/oracle.hpp"
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

/// Refuses records by their names, and confirms only most of what it takes in.
Intake::Judge moody(unsigned seed) {
  const auto random = std::make_shared<std::mt19937>(seed);
  const auto mutex = std::make_shared<std::mutex>();
  return [random, mutex](const IntakeRequest& request) {
    const std::lock_guard lock(*mutex);
    const auto choice = (*random)() % 10;
    if (request.payload.dump().find("refuse_me") != std::string::npos) {
      return answer(400, R"({"errors":["Bad Request"]})");
    }
    return choice < 3   ? lose_answer()
           : choice < 5 ? answer_late(std::chrono::milliseconds(20 * choice))
                        : answer_ok();
  };
}

std::chrono::microseconds random_time(std::mt19937& random, std::chrono::microseconds least,
                                      std::chrono::microseconds most) {
  return std::chrono::microseconds(
      std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random));
}

/// Writes counts every 20 ms for about this long.
void write_for(std::chrono::microseconds duration, Workload& workload) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end - 20ms) {
    workload.write_counts(unix_now());
    std::this_thread::sleep_for(20ms);
  }
  std::this_thread::sleep_until(end);
}

bool says_that_metrics_are_queued_again(const std::string& out) {
  return out.find(" metrics are queued again") != std::string::npos &&
         !out.starts_with("0 metrics");
}

TEST(Kill, AtRandomMomentsHundredsOfTimes) {
  constexpr int lives = 200;
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  Oracle oracle;
  oracle.answers_may_be_lost();
  oracle.counters_may_be_lost();
  Workload workload(server.client(), oracle, 7);
  intake.set_judge(moody(8));
  std::mt19937 random(9);
  const auto environment = agent_environment(server, intake);
  const std::vector<std::string> requeue{"rejected", "--requeue"};
  int requeued = 0;
  for (int life = 0; life < lives; ++life) {
    AgentProcess agent(server, intake);
    write_for(random_time(random, 50ms, 350ms), workload);
    if (life % 5 == 4) {
      // It too is killed where it takes its time.
      AgentProcess command(environment, requeue);
      const auto patience =
          std::chrono::ceil<std::chrono::milliseconds>(random_time(random, 2ms, 60ms));
      if (command.wait(patience) == ExitStatus{0, 0}) {
        requeued += says_that_metrics_are_queued_again(command.out()) ? 1 : 0;
      }
      command.kill();
    }
    EXPECT_EQ(agent.kill(), (ExitStatus{-1, SIGKILL})) << agent.out();
  }
  // Else nothing of note was interrupted.
  const auto requests = intake.requests();
  const auto with_status = [&](int status) {
    return std::count_if(requests.begin(), requests.end(), [status](const IntakeRequest& request) {
      return request.status == status;
    });
  };
  EXPECT_GE(with_status(202), 10);
  EXPECT_GE(with_status(400), 10);
  EXPECT_GE(with_status(0), 3);
  EXPECT_GE(requeued, 2);

  intake.set_judge({});
  AgentProcess agent(environment);
  EXPECT_EQ(AgentProcess(environment, requeue).wait(), (ExitStatus{0, 0}));
  const auto wrong = [&] { return oracle.discrepancies(intake, redis); };
  eventually([&] { return wrong().empty() && redis.size(rejected_metrics) == 0; }, 20s);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_EQ(wrong(), Discrepancies{});
  EXPECT_EQ(redis.size(rejected_metrics), 0U);
}

TEST(Kill, OfRedisAtRandomMomentsLosesAndDoublesNothing) {
  RedisServer server({.appendonly = true, .lines = {"appendfsync always"}});
  Intake intake;
  Oracle oracle;
  oracle.answers_may_be_lost();
  oracle.counters_may_be_lost();
  Workload workload(server.client(), oracle, 17);
  intake.set_judge(moody(18));
  std::mt19937 random(19);
  std::optional<AgentProcess> agent;
  for (int round = 0; round < 16; ++round) {
    if (round % 4 == 0) {
      agent.emplace(server, intake);
    }
    write_for(random_time(random, 200ms, 1300ms), workload);
    // Nobody writes at this moment but the agent: all that is written is known to be stored.
    server.kill();
    if (round % 4 == 3) {
      agent->kill();
    }
    std::this_thread::sleep_for(random_time(random, 0ms, 300ms));
    server.start();
  }
  intake.set_judge({});
  agent.emplace(server, intake);
  AgentProcess command(agent_environment(server, intake), {"rejected", "--requeue"});
  EXPECT_EQ(command.wait(), (ExitStatus{0, 0}));
  auto redis = server.client();
  const auto wrong = [&] { return oracle.discrepancies(intake, redis); };
  eventually([&] { return wrong().empty(); }, 20s);
  EXPECT_EQ(agent->stop().exit, (ExitStatus{0, 0}));
  EXPECT_EQ(wrong(), Discrepancies{});
  EXPECT_GE(intake.metric_requests().size(), 10U);
}

}  // namespace
}  // namespace chouette::test
