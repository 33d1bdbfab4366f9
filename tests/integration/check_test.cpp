#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "support/agent.hpp"
#include "support/free_port.hpp"
#include "support/intake.hpp"
#include "support/plugin_folder.hpp"
#include "support/redis_server.hpp"
#include "support/redis_state.hpp"
#include "support/tls_front.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// `chouette-iot check`, run to its end.
struct Check {
  std::string out;
  std::string err;
  std::optional<ExitStatus> exit;
  std::chrono::milliseconds took{0};

  explicit Check(const ChildProcess::Environment& environment) {
    const auto begin = std::chrono::steady_clock::now();
    AgentProcess process(environment, {"check"});
    exit = process.wait(30s);
    took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begin);
    out = process.out();
    err = process.err();
  }

  int code() const { return exit && exit->signal == 0 ? exit->code : -1; }

  /// The lines that begin with `level`, with their continuations, as one text without breaks.
  std::string of(const std::string& level) const {
    std::istringstream lines(out);
    std::string text;
    bool wanted = false;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(' ')) wanted = line.starts_with(level + ' ');
      if (wanted) text += line.substr(std::min(line.find_first_not_of(' '), line.size())) + ' ';
    }
    return text;
  }
};

/// A server that has what is recommended.
RedisOptions good_options() {
  return {.appendonly = true, .password = {}, .lines = {"maxmemory 64mb"}};
}

ChildProcess::Environment environment(const RedisServer& server, const Intake& intake,
                                      const ChildProcess::Environment& overrides = {}) {
  return agent_environment(server, intake, overrides);
}

TEST(CheckCommand, FindsAllWellWhereItIs) {
  RedisServer server(good_options());
  Intake intake;
  server.client().add({"hits", "count", 1, unix_now() - 5});
  const Check check(environment(server, intake, {{"COLLECTOR_PLUGINS", "host,dramatiq"}}));
  EXPECT_EQ(check.code(), 0) << check.out << check.err;
  EXPECT_EQ(check.of("warning"), "");
  EXPECT_EQ(check.of("failed"), "");
  for (const auto* part : {"the agent can start", " answers at ", "noeviction", "append-only file",
                           "raw metrics: 1", "points: 0", "accepts the API key", "Logs intake",
                           "agrees with", "Chouette.host.cpu.percentage = ",
                           "Chouette.host.memory.used = ", "dramatiq: 0 points", "all is well"}) {
    EXPECT_THAT(check.of("ok"), HasSubstr(part));
  }
  EXPECT_EQ(check.err, "");
}

TEST(CheckCommand, BeginsEachLineWithItsLevelOrWithSpaces) {
  RedisServer server;
  Intake intake("another-key");
  const Check check(environment(server, intake,
                                {{"COLLECTOR_PLUGINS", "host,docker"},
                                 {"DOCKER_SOCKET_PATH", "/nonexistent/docker.sock"},
                                 {"API_KEY", "wrong-key"}}));
  std::istringstream lines(check.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, testing::MatchesRegex("(ok       |warning  |failed   |    ).+"));
  }
}

TEST(CheckCommand, SendsTheKeyInItsHeaderAloneAndNothingElse) {
  RedisServer server(good_options());
  Intake intake;
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 0) << check.out;
  const auto requests = intake.requests();
  ASSERT_EQ(requests.size(), 2U);
  for (const auto& request : requests) {
    EXPECT_EQ(request.http.method, "GET");
    EXPECT_EQ(request.http.body, "");
    const auto validates = request.http.target == "/api/v1/validate";
    EXPECT_EQ(request.http.header("dd-api-key"), validates ? intake.api_key() : "");
    EXPECT_THAT(request.http.target, Not(HasSubstr(intake.api_key())));
  }
}

TEST(CheckCommand, ChangesNothingInRedisAndWorksBesideAnAgent) {
  RedisServer server(good_options());
  Intake intake;
  auto redis = server.client();
  redis.add({"hits", "count", 1, unix_now()});
  redis.add_log({{"message", "hello"}}, unix_now());
  const auto before = state_of(redis);
  const Check alone(environment(server, intake, {{"COLLECTOR_PLUGINS", "dramatiq"}}));
  EXPECT_EQ(state_of(redis), before);

  AgentProcess agent(server, intake, {{"COLLECTOR_PLUGINS", "host"}});
  ASSERT_TRUE(intake.wait_until([&] { return intake.sum("hits") == 1; }));
  const Check beside(environment(server, intake, {{"COLLECTOR_PLUGINS", "host"}}));
  EXPECT_EQ(beside.code(), 0) << beside.out;
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

TEST(CheckCommand, SaysThatRedisIsDownAndGoesOn) {
  RedisServer server;
  Intake intake;
  server.stop();
  const Check check(environment(server, intake, {{"COLLECTOR_PLUGINS", "host"}}));
  EXPECT_EQ(check.code(), 1);
  EXPECT_THAT(check.of("failed"), HasSubstr("no connection to Redis"));
  EXPECT_THAT(check.of("failed"), HasSubstr("REDIS_HOST"));
  EXPECT_THAT(check.of("ok"), HasSubstr("accepts the API key"));
  EXPECT_THAT(check.of("ok"), HasSubstr("Chouette.host.la"));
}

TEST(CheckCommand, GivesUpARedisThatHangs) {
  RedisServer server;
  Intake intake;
  server.pause();
  const Check check(environment(server, intake));
  server.resume();
  EXPECT_EQ(check.code(), 1);
  EXPECT_LT(check.took, 10s);
  EXPECT_THAT(check.of("failed"), HasSubstr("does not answer in time"));
}

TEST(CheckCommand, SaysThatThePasswordIsWrongOrMissing) {
  RedisServer server({.password = "redis-secret-1"});
  Intake intake;
  const Check wrong(environment(server, intake, {{"REDIS_PASSWORD", "redis-secret-2"}}));
  EXPECT_EQ(wrong.code(), 1);
  EXPECT_THAT(wrong.of("failed"), HasSubstr("Set REDIS_PASSWORD"));
  auto settings = environment(server, intake);
  settings.erase("REDIS_PASSWORD");
  const Check missing(settings);
  EXPECT_EQ(missing.code(), 1);
  EXPECT_THAT(missing.of("failed"), HasSubstr("Set REDIS_PASSWORD"));
}

TEST(CheckCommand, ShowsNoSecretThatAServerRepeats) {
  // Redis repeats the arguments of a command that it does not know.
  RedisServer server({.lines = {"rename-command AUTH \"\""}});
  Intake intake;
  const auto broken = answer(500, "broken: key-secret-4");
  auto settings = environment(server, intake,
                              {{"REDIS_PASSWORD", "redis-secret-3"}, {"API_KEY", "key-secret-4"}});
  intake.script({broken, broken});
  const Check repeated(settings);
  EXPECT_EQ(repeated.code(), 1);
  EXPECT_THAT(repeated.out, Not(HasSubstr("-secret-")));
  EXPECT_THAT(repeated.of("failed"), HasSubstr("broken: ***"));
  EXPECT_THAT(repeated.of("failed"), HasSubstr("unknown command"));

  settings["API_KEY"] = "a \x01-secret-\xff value";
  const Check unusable(settings);
  EXPECT_EQ(unusable.code(), 78);
  EXPECT_THAT(unusable.out, Not(HasSubstr("-secret-")));
  EXPECT_EQ(unusable.err, "");
}

TEST(CheckCommand, WarnsOfARedisThatIsSetUpBadlyAndEndsWithZero) {
  RedisServer server({.lines = {"maxmemory 64mb", "maxmemory-policy volatile-lru"}});
  Intake intake;
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 0) << check.out;
  EXPECT_EQ(check.of("failed"), "");
  EXPECT_THAT(check.of("warning"), HasSubstr("maxmemory-policy: volatile-lru"));
  EXPECT_THAT(check.of("warning"), HasSubstr("kept on disk: nothing"));
}

TEST(CheckCommand, SaysNotKnownWhereRedisDeniesConfig) {
  RedisServer server({.lines = {"rename-command CONFIG \"\""}});
  Intake intake;
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 0) << check.out;
  EXPECT_THAT(check.of("ok"), HasSubstr("kept on disk: not known"));
}

TEST(CheckCommand, SaysNotKnownWhereRedisDeniesInfo) {
  RedisServer server({.lines = {"rename-command INFO \"\""}});
  Intake intake;
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 0) << check.out;
  EXPECT_THAT(check.of("ok"), HasSubstr("version is not known"));
  EXPECT_THAT(check.of("ok"), HasSubstr("memory: not known"));
}

TEST(CheckCommand, NamesKeysOfAnotherType) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  redis.command({"SET", "chouette:logs:wrapped.keys", "x"});
  redis.command({"SET", "chouette:metrics:raw.taken.values", "x"});
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 1);
  for (const auto* part : {"chouette:logs:wrapped.keys holds a string instead of a zset",
                           "chouette:metrics:raw.taken.values holds a string instead of a hash"}) {
    EXPECT_THAT(check.of("failed"), HasSubstr(part));
  }
}

TEST(CheckCommand, CountsRawMetricsThatAreSetAside) {
  RedisServer server(good_options());
  Intake intake;
  auto redis = server.client();
  const auto now = std::floor(unix_now());
  redis.add({{"hits", "count", 1, now - 300}, {"hits", "count", 2, now - 200}});
  redis.set_aside();
  redis.command({"SET", std::string(taken_until_key), std::to_string(now - 250)});
  redis.add({"hits", "count", 4, now - 5});
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 0) << check.out;
  EXPECT_THAT(check.of("ok"),
              testing::ContainsRegex("raw metrics: 2, 1 of them set aside to be aggregated, the "
                                     "oldest from (20. s|3 min)"));
}

TEST(CheckCommand, SaysThatTheKeyIsRefused) {
  RedisServer server;
  Intake intake;
  const Check check(environment(server, intake, {{"API_KEY", "wrong-key"}}));
  EXPECT_EQ(check.code(), 1);
  EXPECT_THAT(check.of("failed"), HasSubstr("refuses the API key (HTTP 403)"));
  EXPECT_THAT(check.of("ok"), HasSubstr("Logs intake"));
}

TEST(CheckCommand, SaysThatTheIntakeIsDown) {
  RedisServer server;
  Intake intake;
  intake.set_down();
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 1);
  EXPECT_THAT(check.of("failed"), HasSubstr("Intake"));
  EXPECT_THAT(check.of("failed"), HasSubstr("Logs intake"));
  EXPECT_THAT(check.of("ok"), HasSubstr("not compared"));
}

TEST(CheckCommand, SaysThatTheIntakesNameIsNotKnown) {
  RedisServer server;
  Intake intake;
  const Check check(environment(server, intake, {{"DATADOG_URL", "http://nowhere.invalid/api"}}));
  EXPECT_EQ(check.code(), 1);
  EXPECT_THAT(check.of("failed"), HasSubstr("Could not resolve host"));
  EXPECT_THAT(check.of("failed"), HasSubstr("resolv.conf"));
}

TEST(CheckCommand, TrustsNoCertificateOfItsOwnMaking) {
  RedisServer server;
  Intake intake;
  Authority authority;
  const TlsFront front(intake.port(), {authority.issue_server()});
  const auto port = std::to_string(front.port());
  const Check check(
      environment(server, intake, {{"DATADOG_URL", "https://127.0.0.1:" + port + "/api"}}));
  EXPECT_EQ(check.code(), 1);
  EXPECT_THAT(check.of("failed"), HasSubstr("certificate"));
  EXPECT_THAT(check.of("failed"), HasSubstr("ca-certificates"));
  EXPECT_EQ(front.handshakes(), 0U);
}

TEST(CheckCommand, GivesUpAnIntakeThatHangs) {
  RedisServer server;
  Intake intake;
  intake.script({stall(), stall()});
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 1);
  EXPECT_LT(check.took, 9s);
  EXPECT_THAT(check.of("failed"), HasSubstr("timed out"));
}

TEST(CheckCommand, ComparesTheClockWithTheIntakes) {
  RedisServer server;
  Intake intake;
  intake.set_judge([](const IntakeRequest&) {
    return answer(200, R"({"valid":true})", {{"Date", "Sun, 06 Nov 2022 08:49:37 GMT"}});
  });
  const Check check(environment(server, intake));
  EXPECT_EQ(check.code(), 1);
  EXPECT_THAT(check.of("failed"), HasSubstr("ahead of the intake's"));
  EXPECT_THAT(check.of("failed"), HasSubstr("NTP"));
}

TEST(CheckCommand, ChecksRedisAndIntakeThoughTheConfigurationIsWrong) {
  RedisServer server(good_options());
  Intake intake;
  const Check check(environment(server, intake,
                                {{"AGGREGATE_INTERVAL", "soon"},
                                 {"CHOUETTE_METRIC_TLL", "5"},
                                 {"COLLECTOR_PLUGINS", "host"}}));
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.of("failed"), HasSubstr("AGGREGATE_INTERVAL: \"soon\""));
  EXPECT_THAT(check.of("warning"), HasSubstr("did you mean METRIC_TTL?"));
  EXPECT_THAT(check.of("ok"), HasSubstr(" answers at "));
  EXPECT_THAT(check.of("ok"), HasSubstr("accepts the API key"));
  EXPECT_THAT(check.of("warning"), HasSubstr("Plugin         not checked"));
}

TEST(CheckCommand, LeavesOutWhatHangsOnAWrongSetting) {
  RedisServer server;
  Intake intake;
  auto settings =
      environment(server, intake, {{"REDIS_DB", "first"}, {"DATADOG_LOGS_URL", "ftp://example"}});
  settings.erase("API_KEY");
  const Check check(settings);
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.of("warning"), HasSubstr("Redis          not checked"));
  EXPECT_THAT(check.of("warning"), HasSubstr("Logs intake    not checked"));
  EXPECT_THAT(check.of("ok"), HasSubstr("answers; there is no key to check"));
}

TEST(CheckCommand, EndsACommandThatHangs) {
  RedisServer server;
  Intake intake;
  const Check check(environment(server, intake,
                                {{"COLLECTOR_PLUGINS", "exec,host"},
                                 {"EXEC_COMMANDS", R"([["sleep", "3600"]])"},
                                 {"EXEC_TIMEOUT", "3600"}}));
  EXPECT_EQ(check.code(), 1);
  EXPECT_LT(check.took, 10s);
  EXPECT_THAT(check.of("failed"), HasSubstr("exec: "));
  EXPECT_THAT(check.of("ok"), HasSubstr("Chouette.host.cpu.percentage"));
}

TEST(CheckCommand, EndsThoughAPluginHangsForEver) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody", "host"});
  const Check check(environment(server, intake,
                                {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                                 {"COLLECTOR_PLUGINS", "moody,host"},
                                 {"moody", "hangs"}}));
  EXPECT_EQ(check.code(), 1);
  EXPECT_LT(check.took, 15s);
  EXPECT_THAT(check.of("failed"), HasSubstr("moody: no answer within 1 s; it hangs"));
  EXPECT_THAT(check.of("ok"), HasSubstr("plugin moody loaded from "));
  EXPECT_THAT(check.of("warning"), HasSubstr("is a built-in one's"));
  EXPECT_THAT(check.of("failed"), HasSubstr("In all"));
}

}  // namespace
}  // namespace chouette::test
