#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/intake_rules.hpp"
#include "support/plugin_folder.hpp"
#include "support/redis_server.hpp"
#include "support/redis_state.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// `chouette-iot --dry-run`, run to its end.
struct DryRunProcess {
  std::string out;
  std::string err;
  std::optional<ExitStatus> exit;

  explicit DryRunProcess(const ChildProcess::Environment& environment) {
    AgentProcess process(environment, {"--dry-run"});
    exit = process.wait(30s);
    out = process.out();
    err = process.err();
  }

  json payload() const { return json::parse(out, nullptr, false); }

  json series(const std::string& name) const {
    const auto all = payload();
    for (const auto& one : all.at("series")) {
      if (one.at("metric") == name) return one;
    }
    return nullptr;
  }
};

/// With buckets that are closed a moment after they began.
double closed_moment() {
  return unix_now() - 30;
}

TEST(DryRunCommand, PrintsWhatTheAgentWouldSendAndSendsNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  redis.add({"hits", "count", 2, closed_moment()});
  const auto waiting = static_cast<std::int64_t>(closed_moment());
  redis.add(wrapped_metrics,
            {{static_cast<double>(waiting),
              json{{"metric", "load"}, {"type", "gauge"}, {"points", {{waiting, 0.5}}}}.dump()}});
  const DryRunProcess run(agent_environment(
      server, intake,
      {{"COLLECTOR_PLUGINS", "host"}, {"GLOBAL_TAGS", "site:shed"}, {"HOST", "pi"}}));
  EXPECT_EQ(run.exit, (ExitStatus{0, 0})) << run.err;
  ASSERT_TRUE(run.payload().is_object()) << run.out;
  EXPECT_THAT(check_series_payload(run.payload()), IsEmpty());
  EXPECT_EQ(run.series("hits")["points"][0][1], 2);
  EXPECT_EQ(run.series("load")["points"], json::array({{waiting, 0.5}}));
  EXPECT_TRUE(run.series("Chouette.host.cpu.percentage").is_object());
  for (const auto& series : run.payload()["series"]) {
    EXPECT_EQ(series["host"], "pi");
    EXPECT_NE(series["tags"].dump().find("site:shed"), std::string::npos);
  }
  EXPECT_THAT(run.err, HasSubstr("Waiting points: 1 record of 1\n"));
  EXPECT_THAT(run.err, HasSubstr("1 closed bucket gave 1 point\n"));
  EXPECT_THAT(run.err, HasSubstr("Plugin host: "));
  EXPECT_THAT(run.err, HasSubstr(" compressed\n"));
  EXPECT_THAT(intake.requests(), IsEmpty());
}

TEST(DryRunCommand, PrintsWhatTheAgentThenSends) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  const auto moment = closed_moment();
  for (int i = 0; i < 50; ++i) {
    redis.add({"hits", "count", 1.5 + i, moment + i * 0.1});
    redis.add({"load", "histogram", 0.1 * i, moment + i * 0.1});
  }
  const ChildProcess::Environment settings{{"SEND_SELF_METRICS", "false"},
                                           {"GLOBAL_TAGS", "site:shed"}};
  const DryRunProcess run(agent_environment(server, intake, settings));
  ASSERT_TRUE(run.payload().is_object()) << run.out << run.err;
  AgentProcess agent(server, intake, settings);
  ASSERT_TRUE(intake.wait_until(
      [&] { return redis.size(raw_metrics) == 0 && redis.size(wrapped_metrics) == 0; }));
  const auto sent = intake.series();
  EXPECT_EQ(run.payload()["series"].size(), sent.size());
  for (const auto& [id, points] : sent) {
    const auto series = run.series(id.metric);
    ASSERT_TRUE(series.is_object()) << id.metric;
    EXPECT_EQ(joined_tags(series), id.tags);
    ASSERT_EQ(series["points"].size(), points.size()) << id.metric;
    for (const auto& point : series["points"]) {
      ASSERT_TRUE(points.contains(point[0])) << id.metric;
      EXPECT_DOUBLE_EQ(points.at(point[0]).value, point[1]);
    }
  }
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

TEST(DryRunCommand, PrintsWhatIsSetAsideAndNotAggregatedYet) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  const auto moment = std::floor(closed_moment());
  redis.add({{"hits", "count", 1, moment - 2}, {"hits", "count", 2, moment}});
  redis.set_aside();
  redis.command({"SET", std::string(taken_until_key), std::to_string(moment - 1)});
  redis.add({"hits", "count", 4, moment});
  const DryRunProcess run(agent_environment(server, intake));
  const auto second = static_cast<std::int64_t>(moment);
  EXPECT_EQ(run.series("hits")["points"], json({{second, 2}, {second + 1, 4}}));
  EXPECT_THAT(run.err,
              HasSubstr("Raw metrics: 2 records of 2 in 1 closed bucket gave 2 points; set "
                        "aside to be aggregated: 1\n"));
}

TEST(DryRunCommand, ChangesNothingInRedis) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  for (int i = 0; i < 100; ++i) redis.add({"hits", "count", 1, unix_now() - i});
  redis.add(raw_metrics, {{closed_moment(), "not JSON"}, {0, R"({"metric":"ancient"})"}});
  redis.add(wrapped_metrics, {{closed_moment(), "not JSON"}});
  redis.add_log({{"message", "hello"}}, unix_now());
  redis.command({"HSET", "dramatiq:default.msgs", "1", "x"});
  redis.command({"SADD", "chouette:metrics:seconds:1795416000", "1", "2"});
  redis.command({"EXPIRE", "chouette:metrics:seconds:1795416000", "100000"});
  redis.command({"ZADD", "chouette:metrics:raw.keys", "1", "a-key-without-value"});
  const auto before = state_of(redis);
  ASSERT_GT(before.size(), 8U);
  const DryRunProcess run(
      agent_environment(server, intake, {{"COLLECTOR_PLUGINS", "host,dramatiq"}}));
  auto after = state_of(redis);
  for (const auto& key : {"chouette:metrics:seconds:1795416000"}) {
    EXPECT_NE(after[key].second, "-1");
    after[key].second = before.at(key).second;  // a second may have passed
  }
  EXPECT_EQ(after, before);
  EXPECT_EQ(run.exit, (ExitStatus{0, 0})) << run.err;
  EXPECT_EQ(run.series("Chouette.dramatiq.queue_size")["points"][0][1], 1);
}

TEST(DryRunCommand, PrintsWhatPluginsGiveThoughRedisIsAway) {
  RedisServer server;
  Intake intake;
  server.stop();
  const DryRunProcess run(agent_environment(server, intake, {{"COLLECTOR_PLUGINS", "host"}}));
  EXPECT_EQ(run.exit, (ExitStatus{1, 0}));
  EXPECT_TRUE(run.series("Chouette.host.la").is_object()) << run.out;
  EXPECT_THAT(run.err, HasSubstr("no connection to Redis"));
}

TEST(DryRunCommand, EndsWith78ForAWrongConfiguration) {
  RedisServer server;
  Intake intake;
  const DryRunProcess run(
      agent_environment(server, intake, {{"METRIC_TTL", "soon"}, {"CHOUETTE_METRIC_TLL", "5"}}));
  EXPECT_EQ(run.exit, (ExitStatus{78, 0}));
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("fault: METRIC_TTL: \"soon\""));
  EXPECT_THAT(run.err, HasSubstr("warning: CHOUETTE_METRIC_TLL"));
}

TEST(DryRunCommand, ShowsNoSecrets) {
  RedisServer server({.lines = {"rename-command AUTH \"\""}});
  Intake intake("key-secret-1");
  const DryRunProcess run(
      agent_environment(server, intake, {{"REDIS_PASSWORD", "redis-secret-3"}}));
  EXPECT_EQ(run.exit, (ExitStatus{1, 0}));
  EXPECT_THAT(run.out + run.err, Not(HasSubstr("-secret-")));
  EXPECT_THAT(run.err, HasSubstr("***"));
}

TEST(DryRunCommand, EndsThoughAPluginHangsForEver) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody"});
  const DryRunProcess run(agent_environment(server, intake,
                                            {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                                             {"COLLECTOR_PLUGINS", "moody,host"},
                                             {"moody", "hangs"}}));
  EXPECT_EQ(run.exit, (ExitStatus{1, 0}));
  EXPECT_TRUE(run.series("Chouette.host.la").is_object()) << run.out;
  EXPECT_THAT(run.err, HasSubstr("Plugin moody: no answer within 1 s\n"));
}

}  // namespace
}  // namespace chouette::test
