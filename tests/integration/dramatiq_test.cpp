#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string metric = "Chouette.dramatiq.queue_size";

/// The queues of the Python library dramatiq, written as its RedisBroker does.
class DramatiqBroker {
public:
  explicit DramatiqBroker(RedisClient redis) : redis_(std::move(redis)) {}

  void enqueue(const std::string& queue, const std::string& id) {
    redis_.command({"ZADD", "dramatiq:__heartbeats__", std::to_string(unix_now()), "worker-1"});
    redis_.command({"HSET", "dramatiq:" + queue + ".msgs", id,
                    R"({"queue_name":")" + queue + R"(","actor_name":"send","args":[]})"});
    redis_.command({"RPUSH", "dramatiq:" + queue, id});
  }

  /// A worker takes the next message and has it done at once.
  void work(const std::string& queue) {
    const auto id = redis_.command({"LPOP", "dramatiq:" + queue}).get<std::string>();
    const auto acks = "dramatiq:__acks__.worker-1." + queue;
    redis_.command({"SADD", acks, id});
    redis_.command({"SREM", acks, id});
    redis_.command({"HDEL", "dramatiq:" + queue + ".msgs", id});
  }

private:
  RedisClient redis_;
};

/// The value of the last point of a queue's size; -1 if there is none.
double last_size(const Intake& intake, const std::string& queue) {
  const auto points = intake.points(metric, {"queue:" + queue});
  return points.empty() ? -1 : points.rbegin()->second.value;
}

ChildProcess::Environment with_dramatiq(ChildProcess::Environment more = {}) {
  more.emplace("COLLECTOR_PLUGINS", R"(["dramatiq"])");
  more.emplace("CAPTURE_INTERVAL", "1");
  return more;
}

TEST(Dramatiq, SizesOfQueuesArrive) {
  RedisServer server;
  Intake intake;
  DramatiqBroker broker(server.client());
  auto redis = server.client();
  for (const auto* id : {"1", "2", "3"}) broker.enqueue("default", id);
  broker.enqueue("default.DQ", "4");
  redis.command({"SET", "dramatiq:text.msgs", "no hash"});
  redis.command({"HSET", "other:default.msgs", "a", "b"});
  AgentProcess agent(server, intake, with_dramatiq({{"SEND_SELF_METRICS", "false"}}));
  EXPECT_TRUE(intake.wait_until([&] { return last_size(intake, "default") == 3; }));
  EXPECT_TRUE(intake.wait_until([&] { return last_size(intake, "default.DQ") == 1; }));
  std::vector<SeriesId> series;
  for (const auto& [id, points] : intake.series()) {
    series.push_back(id);
    EXPECT_EQ(points.begin()->second.type, "gauge");
  }
  EXPECT_EQ(series, (std::vector<SeriesId>{{metric, "queue:default", ""},
                                           {metric, "queue:default.DQ", ""}}));

  broker.work("default");
  EXPECT_TRUE(intake.wait_until([&] { return last_size(intake, "default") == 2; }));
  broker.work("default.DQ");
  EXPECT_EQ(redis.command({"EXISTS", "dramatiq:default.DQ.msgs"}), 0);
  EXPECT_TRUE(intake.wait_until([&] { return last_size(intake, "default.DQ") == 0; }));
  EXPECT_EQ(last_size(intake, "default"), 2);

  const auto stats = redis.command({"INFO", "commandstats"}).get<std::string>();
  EXPECT_THAT(stats, HasSubstr("cmdstat_scan:"));
  EXPECT_THAT(stats, Not(HasSubstr("cmdstat_keys:")));
  EXPECT_EQ(agent.count_in_log("plugin dramatiq"), 0U);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  EXPECT_TRUE(agent.malformed_log_lines().empty());
}

TEST(Dramatiq, SendsNoZerosWhileRedisIsAway) {
  RedisServer server({.appendonly = true});
  Intake intake;
  DramatiqBroker broker(server.client());
  broker.enqueue("default", "1");
  AgentProcess agent(server, intake, with_dramatiq());
  ASSERT_TRUE(intake.wait_until([&] { return last_size(intake, "default") == 1; }));
  server.stop();
  EXPECT_TRUE(agent.wait_for_log("plugin dramatiq: Redis: no connection to Redis"));
  server.start();
  EXPECT_TRUE(agent.wait_for_log("plugin dramatiq works again"));
  const auto before = intake.points(metric).size();
  EXPECT_TRUE(intake.wait_until([&] { return intake.points(metric).size() > before; }));
  for (const auto& [second, point] : intake.points(metric)) EXPECT_EQ(point.value, 1) << second;
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
}

TEST(Dramatiq, StopsWithinFiveSecondsWhileRedisHangs) {
  RedisServer server;
  Intake intake;
  DramatiqBroker broker(server.client());
  broker.enqueue("default", "1");
  AgentProcess agent(server, intake, with_dramatiq());
  ASSERT_TRUE(intake.wait_until([&] { return last_size(intake, "default") == 1; }));
  server.pause();
  std::this_thread::sleep_for(1500ms);  // A capture is under way by then.
  const auto stopped = agent.stop();
  server.resume();
  EXPECT_EQ(stopped.exit, (ExitStatus{0, 0}));
  EXPECT_LT(stopped.elapsed, 5s);
}

TEST(Dramatiq, HostileQueueNamesHarmNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  for (const auto& name : {std::string("a\nb"), std::string("\xff\xfe"), std::string("\0", 1),
                           std::string(), std::string(100'000, 'x')}) {
    redis.command({"HSET", "dramatiq:" + name + ".msgs", "1", "m"});
  }
  redis.command({"HSET", "dramatiq:\"quoted\" \\.msgs", "1", "m"});
  AgentProcess agent(server, intake, with_dramatiq({{"SEND_SELF_METRICS", "false"}}));
  EXPECT_TRUE(agent.wait_for_log("plugin dramatiq: queues: 5 with a name that is no tag"));
  EXPECT_TRUE(intake.wait_until([&] { return last_size(intake, R"("quoted" \)") == 1; }));
  EXPECT_EQ(intake.series().size(), 1U);
  EXPECT_TRUE(intake.violations().empty()) << ::testing::PrintToString(intake.violations());
  EXPECT_TRUE(agent.malformed_log_lines().empty());
}

TEST(Dramatiq, SaysWhatAnAclDenies) {
  RedisServer server({.lines = {"user agent on >pass-word ~* +@all -scan"}});
  Intake intake;
  DramatiqBroker broker(server.client());
  broker.enqueue("default", "1");
  AgentProcess agent(server, intake,
                     with_dramatiq({{"REDIS_USERNAME", "agent"},
                                    {"REDIS_PASSWORD", "pass-word"},
                                    {"SEND_SELF_METRICS", "false"}}));
  EXPECT_TRUE(agent.wait_for_log("plugin dramatiq: Redis: Redis answers: NOPERM"));
  // Said once, and nothing else suffers.
  auto redis = server.client();
  redis.add({"hits", "count", 1, unix_now()});
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 1; }));
  EXPECT_EQ(agent.count_in_log("plugin dramatiq: "), 1U);
  EXPECT_TRUE(intake.points(metric).empty());
  EXPECT_EQ(agent.out().find("pass-word"), std::string::npos);
}

}  // namespace
}  // namespace chouette::test
