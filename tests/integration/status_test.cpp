// The running agent tells how it is, and takes a replaced key.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "http/http_client.hpp"
#include "support/agent.hpp"
#include "support/application.hpp"
#include "support/intake.hpp"
#include "support/loopback.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class StatusTest : public testing::Test {
protected:
  std::string socket() const { return (folder_.path() / "http.sock").string(); }

  ChildProcess::Environment settings() const {
    return {{"HTTP_LISTEN", "unix:" + socket()}, {"COLLECTOR_PLUGINS", "host"}};
  }

  HttpResult get(const std::string& path) const {
    return HttpClient({}).perform({.method = "GET",
                                   .url = "http://agent" + path,
                                   .headers = {},
                                   .timeout = std::chrono::seconds(5),
                                   .unix_socket = socket()});
  }

  int status_of(const std::string& path) const {
    const auto answer = get(path);
    return answer ? answer->status : 0;
  }

  nlohmann::json status() const {
    const auto answer = get("/status");
    return answer ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
  }

  /// What a command of the program prints, with the agent's settings.
  std::pair<ExitStatus, std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv{CHOUETTE_EXECUTABLE};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    ChildProcess process(argv, settings());
    const auto exit = process.wait();
    return {exit.value_or(ExitStatus{}), process.out() + process.err()};
  }

  TempDir folder_;
  RedisServer redis_;
  Intake intake_;
};

TEST_F(StatusTest, TellsWhatWasDeliveredAndWhatThePluginsDo) {
  AgentProcess agent(redis_, intake_, settings());
  ASSERT_TRUE(eventually([&] {
    const auto now = status();
    return now.is_object() && now["deliveries"][0]["delivered"] > 0 && now["ready"] == true;
  }));
  const auto now = status();
  EXPECT_EQ(now["alive"], true);
  EXPECT_EQ(now["api_key"], "accepted");
  EXPECT_EQ(now["plugins"][0]["name"], "host");
  EXPECT_GT(now["plugins"][0]["last_success"], 1.7e9);
  EXPECT_EQ(now["queues"].size(), 5U);
  EXPECT_TRUE(now["queues"][0]["records"].is_number());
  EXPECT_LT(std::abs(now["clock_offset_seconds"].get<double>()), 3);
  EXPECT_EQ(status_of("/live"), 200);
  EXPECT_EQ(status_of("/ready"), 200);
  EXPECT_THAT(get("/metrics")->body, HasSubstr("chouette_delivered_total{kind=\"metrics\"} "));
  const auto [exit, text] = command({"status"});
  EXPECT_EQ(exit, (ExitStatus{0, 0})) << text;
  EXPECT_THAT(text, StartsWith("chouette-iot "));
  EXPECT_EQ(command({"health"}).first, (ExitStatus{0, 0}));
  const auto [json_exit, json] = command({"status", "--json"});
  EXPECT_EQ(json_exit, (ExitStatus{0, 0}));
  EXPECT_TRUE(nlohmann::json::parse(json, nullptr, false).is_object());
  EXPECT_EQ(text.find(intake_.api_key()), std::string::npos);
  EXPECT_EQ(json.find(intake_.api_key()), std::string::npos);
}

TEST_F(StatusTest, IsAliveButNotReadyWhileRedisIsAwayOrHangs) {
  AgentProcess agent(redis_, intake_, settings());
  ASSERT_TRUE(eventually([&] { return status_of("/ready") == 200; }));
  redis_.pause();
  EXPECT_TRUE(eventually([&] { return status_of("/ready") == 503; }, std::chrono::seconds(20)));
  EXPECT_EQ(status_of("/live"), 200);
  EXPECT_EQ(command({"health"}).first, (ExitStatus{0, 0}));
  EXPECT_EQ(status()["queues"][0]["records"], nullptr);
  EXPECT_THAT(command({"status"}).second, HasSubstr("! Redis    Redis does not answer in time"));
  redis_.resume();
  EXPECT_TRUE(eventually([&] { return status_of("/ready") == 200; }, std::chrono::seconds(20)));
}

TEST_F(StatusTest, SaysThatRedisRefusesThePassword) {
  const RedisServer locked({.password = "right"});
  auto wrong = settings();
  wrong["REDIS_PASSWORD"] = "wrong-password";
  AgentProcess agent(locked, intake_, wrong);
  EXPECT_TRUE(eventually([&] {
    const auto now = status();
    return now.is_object() && now["redis"]["error"].is_string() && now["ready"] == false;
  }));
  EXPECT_EQ(status_of("/live"), 200);
}

TEST_F(StatusTest, ACommandSaysThatNoAgentAnswers) {
  for (const auto* const name : {"status", "health"}) {
    const auto [exit, text] = command({name});
    EXPECT_EQ(exit, (ExitStatus{1, 0}));
    EXPECT_THAT(text, HasSubstr("No agent answers"));
    EXPECT_THAT(text, HasSubstr(socket()));
  }
}

TEST_F(StatusTest, AnAddressThatIsTakenDoesNotKeepTheAgentFromItsWork) {
  const HttpServer other(
      {.begin = [] { return answer_ok(); },
       .treat = [](const HttpRequest&, const Behaviour&) { return answer(404); }});
  auto taken = settings();
  taken["HTTP_LISTEN"] = "127.0.0.1:" + std::to_string(other.port());
  AgentProcess agent(redis_, intake_, taken);
  EXPECT_TRUE(agent.wait_for_log("HTTP_LISTEN: cannot listen on 127.0.0.1:"));
  EXPECT_TRUE(intake_.wait_until([&] { return !intake_.series().empty(); }));
}

TEST_F(StatusTest, StopsInTimeWhateverTheClientsDo) {
  std::uint16_t port = 0;
  {
    const HttpServer free(
        {.begin = [] { return answer_ok(); },
         .treat = [](const HttpRequest&, const Behaviour&) { return answer(404); }});
    port = free.port();
  }
  auto over_tcp = settings();
  over_tcp["HTTP_LISTEN"] = "127.0.0.1:" + std::to_string(port);
  AgentProcess agent(redis_, intake_, over_tcp);
  ASSERT_TRUE(agent.wait_for_log("tells its status at"));
  std::vector<int> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(connect_to_loopback(port));
    ::send(clients.back(), "G", 1, MSG_NOSIGNAL);
  }
  const auto stopped = agent.stop();
  EXPECT_EQ(stopped.exit, (ExitStatus{0, 0}));
  EXPECT_LT(stopped.elapsed, std::chrono::seconds(5));
  for (const int client : clients) {
    ::close(client);
  }
}

class KeyFile : public StatusTest {
protected:
  std::string path() const { return (folder_.path() / "key").string(); }
  void write(const std::string& key) const { std::ofstream(path()) << key << '\n'; }

  ChildProcess::Environment with_file() const {
    auto settings = agent_environment(redis_, intake_, this->settings());
    settings.erase("API_KEY");
    settings["API_KEY_FILE"] = path();
    return settings;
  }
};

TEST_F(KeyFile, ThatIsReplacedIsNoticedWhenTheOldKeyIsRefused) {
  write("an-old-key-that-was-revoked");
  AgentProcess agent(with_file());
  ASSERT_TRUE(agent.wait_for_log("the intake refuses the API key"));
  ASSERT_TRUE(eventually([&] { return status()["api_key"] == "refused"; }));
  intake_.take_violations();
  write(intake_.api_key());
  EXPECT_TRUE(intake_.wait_until([&] { return !intake_.series().empty(); }));
  EXPECT_TRUE(agent.wait_for_log("the intake takes metrics again"));
  EXPECT_TRUE(eventually([&] { return status()["api_key"] == "accepted"; }));
  EXPECT_EQ(agent.out().find(intake_.api_key()), std::string::npos);
}

TEST_F(StatusTest, TheLogLevelIsReadAgainAtSighup) {
  const auto path = (folder_.path() / "level").string();
  const auto write = [&](const std::string& level) { std::ofstream(path) << level << '\n'; };
  write("warning");
  auto with_file = settings();
  with_file["LOG_LEVEL_FILE"] = path;
  AgentProcess agent(redis_, intake_, with_file);
  ASSERT_TRUE(intake_.wait_until([&] { return !intake_.series().empty(); }));
  EXPECT_EQ(agent.out().find("\"INFO\""), std::string::npos);
  write("debug");
  agent.signal(SIGHUP);
  EXPECT_TRUE(agent.wait_for_log("the log level is DEBUG"));
  EXPECT_TRUE(eventually([&] { return agent.out().find("\"DEBUG\"") != std::string::npos; }));
  write("loud");
  agent.signal(SIGHUP);
  EXPECT_TRUE(agent.wait_for_log("LOG_LEVEL_FILE: it is not known; the former level is kept"));
  EXPECT_TRUE(agent.running());
}

TEST_F(KeyFile, IsReadAgainAtSighupAndAWrongOneChangesNothing) {
  write(intake_.api_key());
  AgentProcess agent(with_file());
  ASSERT_TRUE(intake_.wait_until([&] { return !intake_.series().empty(); }));
  agent.signal(SIGHUP);
  EXPECT_TRUE(agent.wait_for_log("the API key is as before"));
  std::filesystem::remove(path());
  agent.signal(SIGHUP);
  EXPECT_TRUE(agent.wait_for_log("the former key is kept"));
  write("a-new-key-0123456789");
  agent.signal(SIGHUP);
  EXPECT_TRUE(agent.wait_for_log("the API key has changed"));
  EXPECT_TRUE(agent.wait_for_log("the intake refuses the API key"));
  EXPECT_TRUE(agent.running());
  EXPECT_EQ(agent.out().find("a-new-key-0123456789"), std::string::npos);
}

}  // namespace
}  // namespace chouette::test
