#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using nlohmann::json;

const std::string folder = std::string(CHOUETTE_FIXTURES) + "/golden/";

std::vector<AnyRecord> raw_queue() {
  std::vector<AnyRecord> records;
  std::ifstream file(folder + "raw_queue.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto record = json::parse(line);
    records.push_back({record["score"], record["value"], record["key"]});
  }
  return records;
}

/// Equal but for the last places of numbers.
bool same(const json& a, const json& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.get<double>();
    const auto y = b.get<double>();
    return std::abs(x - y) <= 1e-12 * std::max(std::abs(x), std::abs(y));
  }
  if (a.is_structured() && a.type() == b.type() && a.size() == b.size()) {
    return std::equal(a.items().begin(), a.items().end(), b.items().begin(),
                      [](const auto& left, const auto& right) {
                        return left.key() == right.key() && same(left.value(), right.value());
                      });
  }
  return a == b;
}

TEST(Golden, ARecordedRawQueueBecomesExactlyTheseSeries) {
  const auto records = raw_queue();
  ASSERT_GT(records.size(), 80U);
  const auto expected = json::parse(std::ifstream(folder + "series.json"));

  RedisServer server;
  Intake intake;
  auto redis = server.client();
  redis.add(raw_metrics, records);
  redis.command({"ZADD", std::string(raw_metrics.keys), "1795416002", "a key without a value"});
  AgentProcess agent(server, intake,
                     {{"AGGREGATE_INTERVAL", "10"},
                      {"METRIC_TTL", "315360000"},
                      {"SEND_SELF_METRICS", "false"},
                      {"HISTOGRAM_AGGREGATES", "avg,max,median,min,count"},
                      {"HISTOGRAM_PERCENTILES", "0.95,0.999"},
                      {"GLOBAL_TAGS", "site:shed,env:test"},
                      {"HOST", "pi-1"}});
  ASSERT_TRUE(intake.wait_until([&] { return !intake.metric_requests().empty(); },
                                std::chrono::seconds(15)));
  ASSERT_TRUE(
      eventually([&] { return redis.size(raw_metrics) == 0 && redis.size(wrapped_metrics) == 0; }));

  // All of it in one request: one object for each series.
  const auto requests = intake.metric_requests();
  ASSERT_EQ(requests.size(), 1U);
  auto series = requests[0].payload["series"];
  std::sort(series.begin(), series.end(), [](const json& a, const json& b) {
    return std::tie(a["metric"], a["tags"]) < std::tie(b["metric"], b["tags"]);
  });
  ASSERT_EQ(series.size(), expected.size()) << series.dump(1);
  for (std::size_t i = 0; i < series.size(); ++i) {
    EXPECT_TRUE(same(series[i], expected[i])) << series[i] << "\nis not\n" << expected[i];
  }
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  // What is left in Redis is the memory of seconds taken, which expires, and the fence.
  EXPECT_EQ(redis.command({"DEL", "chouette:fence"}), 1);
  const auto keys = redis.command({"KEYS", "*"});
  for (const std::string key : keys) {
    EXPECT_EQ(key.rfind("chouette:metrics:seconds:", 0), 0U) << key;
    EXPECT_GT(redis.command({"TTL", key}), 0) << key;
  }
}

}  // namespace
}  // namespace chouette::test
