#include "support/redis_faults.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <utility>

#include "support/wait.hpp"

namespace chouette::test {

namespace {

constexpr auto lasted_and_waiting = R"( after \d+ s: \d+ raw metrics and \d+ points wait)";

}  // namespace

std::size_t count_like(const AgentProcess& agent, const std::string& pattern) {
  const std::regex regex(pattern);
  const auto lines = agent.log();
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const nlohmann::json& line) {
        return std::regex_match(line["message"].get_ref<const std::string&>(), regex);
      }));
}

std::size_t outages_begun(const AgentProcess& agent) {
  return count_like(
      agent,
      R"(\[Redis\] (no connection to Redis|the connection to Redis broke|Redis does not answer in time).*)");
}

std::size_t outages_ended(const AgentProcess& agent) {
  return count_like(agent, std::string(R"(\[Redis\] answers again)") + lasted_and_waiting);
}

std::size_t refusals_begun(const AgentProcess& agent, const std::string& code) {
  return count_like(agent, R"(\[Redis\] .* fails: Redis answers: )" + code + ".*");
}

std::size_t refusals_ended(const AgentProcess& agent) {
  return count_like(agent, std::string(R"(\[Redis\] .* works again)") + lasted_and_waiting);
}

void expect_one_refusal(const AgentProcess& agent, const std::string& code) {
  EXPECT_TRUE(eventually([&] { return refusals_ended(agent) > 0; }));
  EXPECT_EQ(refusals_begun(agent, code), 1U);
  EXPECT_EQ(refusals_begun(agent, ""), 1U);
  EXPECT_EQ(refusals_ended(agent), 1U);
}

void expect_delivered(AgentProcess& agent, const Intake& intake, const RedisAddress& redis,
                      const std::map<std::string, double>& sums) {
  for (const auto& [metric, sum] : sums) {
    EXPECT_GT(sum, 0) << metric;
    EXPECT_TRUE(intake.wait_until([&, &metric = metric, &sum = sum] {
      return intake.sum(metric) == sum;
    })) << metric
        << ": " << intake.sum(metric) << " of " << sum;
  }
  RedisClient client(redis);
  EXPECT_TRUE(eventually(
      [&] { return client.size(raw_metrics) == 0 && client.size(wrapped_metrics) == 0; }));
  for (const auto& [metric, sum] : sums) EXPECT_EQ(intake.sum(metric), sum) << metric;
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  EXPECT_TRUE(agent.running());
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_TRUE(agent.malformed_log_lines().empty());
  EXPECT_EQ(agent.err(), "");
}

bool stores(const Application& application, std::size_t count) {
  return eventually(
      [&, goal = application.stored() + count] { return application.stored() >= goal; });
}

ChildProcess::Environment without_self_metrics(ChildProcess::Environment overrides) {
  overrides.emplace("SEND_SELF_METRICS", "false");
  return overrides;
}

}  // namespace chouette::test
