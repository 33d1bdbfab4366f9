#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/plugin_folder.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

TEST(Process, StopsCleanlyAtSigtermAndSigint) {
  RedisServer server;
  Intake intake;
  for (const auto signal : {SIGTERM, SIGINT}) {
    AgentProcess agent(server, intake, {{"COLLECTOR_PLUGINS", "host"}});
    ASSERT_TRUE(agent.wait_for_log("starts"));
    std::this_thread::sleep_for(500ms);
    agent.signal(signal);
    EXPECT_EQ(agent.wait(5s), (ExitStatus{0, 0})) << "signal " << signal;
    EXPECT_EQ(agent.count_in_log("stopped"), 1U);
    EXPECT_EQ(agent.err(), "");
  }
}

TEST(Process, StopsWithinFiveSecondsWhileARequestHangs) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.script({stall()});
  redis.add({"hits", "count", 1, unix_now() - 5});
  AgentProcess agent(server, intake, {{"RELEASE_INTERVAL", "10"}});
  if (!intake.wait_until([&] { return intake.scripted() == 0; }, 11s)) {
    FAIL() << "no release within its interval";
  }
  const auto stopped = agent.stop();
  EXPECT_EQ(stopped.exit, (ExitStatus{0, 0}));
  EXPECT_LT(stopped.elapsed, 5s);
  EXPECT_EQ(redis.size(wrapped_metrics), 1U);
}

TEST(Process, EndsAtOnceAtTheSecondSignalAndLosesNothing) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.script({answer_late(3s)});
  redis.add({"hits", "count", 1, unix_now() - 5});
  AgentProcess agent(server, intake, {{"RELEASE_INTERVAL", "10"}});
  ASSERT_TRUE(intake.wait_until([&] { return intake.scripted() == 0; }, 11s));
  agent.signal(SIGTERM);
  ASSERT_TRUE(agent.wait_for_log("signal 15: stopping"));
  const auto again = agent.stop();
  EXPECT_EQ(again.exit, (ExitStatus{1, 0}));
  EXPECT_LT(again.elapsed, 1s);
  EXPECT_EQ(agent.count_in_log("[Agent] stopped"), 0U);
  EXPECT_EQ(redis.size(wrapped_metrics), 1U);
}

TEST(Process, FinishesTheRequestUnderWayWhenItStops) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  intake.script({answer_late(700ms)});
  redis.add({"hits", "count", 1, unix_now() - 5});
  AgentProcess agent(server, intake);
  ASSERT_TRUE(intake.wait_until([&] { return intake.scripted() == 0; }));
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_EQ(intake.sum("hits"), 1);
  EXPECT_EQ(redis.size(wrapped_metrics), 0U);
}

TEST(Process, StopsWithinFiveSecondsWhileRedisHangs) {
  RedisServer server;
  Intake intake;
  AgentProcess agent(server, intake, {{"COLLECTOR_PLUGINS", "host"}});
  ASSERT_TRUE(agent.wait_for_log("starts"));
  std::this_thread::sleep_for(1s);
  server.pause();
  std::this_thread::sleep_for(1500ms);
  const auto stopped = agent.stop();
  server.resume();
  EXPECT_EQ(stopped.exit, (ExitStatus{0, 0}));
  EXPECT_LT(stopped.elapsed, 5s);
}

TEST(Process, StartsWithoutRedisAndWithoutIntakeAndWorksOnceTheyAreThere) {
  RedisServer server;
  Intake intake;
  server.stop();
  intake.set_down();
  AgentProcess agent(server, intake);
  EXPECT_TRUE(agent.wait_for_log("no connection to Redis"));
  server.start();
  intake.set_up();
  auto redis = server.client();
  redis.add({"hits", "count", 1, unix_now()});
  EXPECT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 1; }));
}

/// Lets a process have no more address space than it has by now, but for `more` bytes.
bool limit_address_space(pid_t process, rlim_t more) {
  std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
  rlim_t pages = 0;
  if (!(statm >> pages)) return false;
  const auto bytes = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + more;
  const rlimit limit{bytes, bytes};
  return prlimit(process, RLIMIT_AS, &limit, nullptr) == 0;
}

// Whichever needs more memory first: a sender for a request, or the collector for the stack of a
// thread, as each capture takes that follows one that hangs.
TEST(Process, EndsWithAnErrorWhenAVitalActorFails) {
#ifdef CHOUETTE_SANITIZED
  GTEST_SKIP() << "a sanitizer's shadow memory takes all address space";
#endif
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody"});
  server.client().add({"hits", "count", 1, unix_now() - 10});
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"COLLECTOR_PLUGINS", "moody"},
                      {"MOODY", "hangs"},
                      {"CAPTURE_INTERVAL", "3"}});
  // By then all other threads are there.
  ASSERT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 1; }));
  ASSERT_TRUE(limit_address_space(agent.pid(), 1'000'000));
  EXPECT_EQ(agent.wait(30s), (ExitStatus{1, 0}));
  const auto log = agent.log();
  EXPECT_EQ(std::count_if(log.begin(), log.end(),
                          [](const nlohmann::json& line) {
                            const std::string message = line["message"];
                            return line["levelname"] == "CRITICAL" &&
                                   message.starts_with("[Supervisor] the ") &&
                                   message.find(" has failed: ") != std::string::npos;
                          }),
            1);
}

TEST(Process, SaysAllThatIsWrongWithItsConfigurationAndExitsWith78) {
  AgentProcess agent({{"AGGREGATE_INTERVAL", "soon"},
                      {"METRICS_WRAPPER", "statsd"},
                      {"COLLECTOR_PLUGINS", "host,toaster"},
                      {"REDIS_PASSWORD", "hunter2 hunter2"}});
  EXPECT_EQ(agent.wait(), (ExitStatus{78, 0}));
  EXPECT_EQ(agent.count_in_log("API_KEY"), 1U);
  EXPECT_EQ(agent.count_in_log("AGGREGATE_INTERVAL: \"soon\""), 1U);
  EXPECT_EQ(agent.count_in_log("datadog, simple"), 1U);
  EXPECT_EQ(agent.count_in_log("toaster"), 1U);
  EXPECT_TRUE(agent.malformed_log_lines().empty());
  EXPECT_EQ(agent.out().find("hunter2"), std::string::npos);
}

TEST(Process, ExitsWith2ForWrongUsageAndWith0ForQuestions) {
  const ChildProcess::Environment environment{{"API_KEY", "x"}};
  for (const auto& [argument, code] :
       {std::pair{"--toaster", 2}, {"surplus", 2}, {"--help", 0}, {"--version", 0}}) {
    AgentProcess agent(environment, std::vector<std::string>{argument});
    EXPECT_EQ(agent.wait(), (ExitStatus{code, 0})) << argument;
  }
}

TEST(Process, CheckConfigSaysWhetherTheConfigurationIsGood) {
  const std::vector<std::string> check{"--check-config"};
  AgentProcess good(ChildProcess::Environment{{"API_KEY", "x"}}, check);
  EXPECT_EQ(good.wait(), (ExitStatus{0, 0}));
  EXPECT_NE(good.out().find("The configuration is good."), std::string::npos);
  AgentProcess bad(ChildProcess::Environment{{"API_KEY", "x"}, {"METRIC_TTL", "-1"}}, check);
  EXPECT_EQ(bad.wait(), (ExitStatus{78, 0}));
  EXPECT_NE(bad.out().find("METRIC_TTL"), std::string::npos);
}

TEST(Process, ShowsItsSecretsNowhere) {
  RedisServer server({.password = "redis-secret-1"});
  Intake intake("key-secret-2");
  // Both refuse, and so have something to say.
  AgentProcess agent(
      server, intake,
      {{"REDIS_PASSWORD", "redis-secret-3"}, {"API_KEY", "key-secret-4"}, {"LOG_LEVEL", "DEBUG"}});
  EXPECT_TRUE(agent.wait_for_log("Redis answers: "));
  AgentProcess other(server, intake,
                     {{"REDIS_PASSWORD", "redis-secret-1"},
                      {"API_KEY", "key-secret-4"},
                      {"COLLECTOR_PLUGINS", "host"},
                      {"LOG_LEVEL", "DEBUG"}});
  EXPECT_TRUE(other.wait_for_log("refuses the API key"));
  for (auto* process : {&agent, &other}) {
    const auto command_line = read_file("/proc/" + std::to_string(process->pid()) + "/cmdline");
    EXPECT_NE(command_line, "");
    EXPECT_EQ(command_line.find("secret"), std::string::npos);
    EXPECT_EQ(process->stop().exit, (ExitStatus{0, 0}));
    EXPECT_EQ(process->out().find("-secret-"), std::string::npos);
    EXPECT_EQ(process->err(), "");
  }
}

}  // namespace
}  // namespace chouette::test
