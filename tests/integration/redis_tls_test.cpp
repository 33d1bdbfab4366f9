#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "queue/redis_connection.hpp"
#include "queue/redis_queue.hpp"
#include "queue/redis_tls.hpp"
#include "support/agent.hpp"
#include "support/application.hpp"
#include "support/free_port.hpp"
#include "support/intake.hpp"
#include "support/loopback.hpp"
#include "support/redis_faults.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_proxy.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_front.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

/// CAs are dear to make.
Authority& authority() {
  static Authority authority;
  return authority;
}
Authority& other_authority() {
  static Authority authority;
  return authority;
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_file(const std::filesystem::path& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), &std::fclose);
  if (!file) throw std::runtime_error("cannot open " + path.native());
  return file;
}

/// A certificate of `authority()` that is good but for its time: it begins and ends these numbers
/// of days from now.
Certificate issue_for_days(long begin, long end) {
  constexpr long day = 86400;
  const auto certificate = authority().issue_server();
  const auto ca_key = std::filesystem::path(authority().path()).replace_filename("ca.key");
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_PrivateKey(open_file(ca_key, "r").get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(
      PEM_read_X509(open_file(certificate.path, "r").get(), nullptr, nullptr, nullptr), &X509_free);
  if (X509_gmtime_adj(X509_getm_notBefore(x509.get()), begin * day) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(x509.get()), end * day) == nullptr ||
      X509_sign(x509.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_X509(open_file(certificate.path, "w").get(), x509.get()) != 1) {
    throw std::runtime_error("no certificate");
  }
  return certificate;
}

void show_certificate(const RedisServer& server, const Certificate& certificate) {
  server.client().command(
      {"CONFIG", "SET", "tls-cert-file", certificate.path, "tls-key-file", certificate.key});
}

RedisServer tls_server(const Certificate& certificate = authority().issue_server()) {
  return RedisServer({.certificate = certificate});
}

RedisSettings settings_for(std::uint16_t port, const std::string& host = "127.0.0.1") {
  RedisSettings settings;
  settings.host = host;
  settings.port = port;
  settings.tls = true;
  settings.tls_ca = authority().path();
  return settings;
}
RedisSettings settings_for(const RedisServer& server, const std::string& host = "127.0.0.1") {
  return settings_for(server.tls_port(), host);
}

/// Why there is no connection; empty if there is one.
std::string failure(const RedisSettings& settings, std::chrono::milliseconds timeout = 2s) {
  auto connection = RedisConnection::open(settings, timeout);
  if (!connection) return connection.error().message;
  const auto answer = connection->ask({"PING"});
  return answer ? "" : answer.error().message;
}

class RedisTls : public testing::Test {
protected:
  void SetUp() override {
    if (!redis_has_tls()) GTEST_SKIP() << "this build has no TLS for Redis";
    if (find_program("openssl").empty()) GTEST_SKIP() << "openssl is not installed";
  }

  TempDir folder_;
};

// connections

TEST_F(RedisTls, AnswersByNameAndByAddress) {
  const auto server = tls_server();
  EXPECT_EQ(failure(settings_for(server, "localhost")), "");
  EXPECT_EQ(failure(settings_for(server, "127.0.0.1")), "");
  EXPECT_EQ(failure(settings_for(server, "LOCALHOST")), "");
}

TEST_F(RedisTls, SignsIn) {
  const RedisServer server({.password = "s3cret", .certificate = authority().issue_server()});
  auto settings = settings_for(server);
  settings.db = 3;
  EXPECT_THAT(failure(settings), HasSubstr("NOAUTH"));
  settings.password = Secret("s3cret");
  EXPECT_EQ(failure(settings), "");
}

TEST_F(RedisTls, StaysAliveAndCarriesMuchBothWays) {
  const auto server = tls_server();
  auto connection = RedisConnection::open(settings_for(server), 2s);
  ASSERT_TRUE(connection) << connection.error().message;
  const std::string value(5'000'000, 'x');
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connection->ask({"SET", "big", value}));
    EXPECT_TRUE(connection->alive());
    ASSERT_TRUE(connection->ask({"GET", "big"}));
    EXPECT_TRUE(connection->alive());
  }
}

TEST_F(RedisTls, KeepsOneConnectionForManyCommands) {
  const auto server = tls_server();
  auto redis = server.client();
  RedisQueue queue(settings_for(server));
  const auto accepted = [&] {
    const auto info = redis.command({"INFO", "stats"}).get<std::string>();
    const std::string name = "total_connections_received:";
    return std::stol(info.substr(info.find(name) + name.size()));
  };
  const auto before = accepted();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(queue.size(raw_metrics));
  EXPECT_EQ(accepted() - before, 1);
}

TEST_F(RedisTls, SaysThatTheServerIsGone) {
  auto server = tls_server();
  auto connection = RedisConnection::open(settings_for(server), 2s);
  ASSERT_TRUE(connection) << connection.error().message;
  server.kill();
  EXPECT_FALSE(connection->alive());
  const auto answer = connection->ask({"PING"});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("the connection to Redis broke: "));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("Success")));
}

TEST_F(RedisTls, WaitsForNoAnswerLongerThanItsTimeout) {
  auto server = tls_server();
  auto connection = RedisConnection::open(settings_for(server), 300ms);
  ASSERT_TRUE(connection) << connection.error().message;
  server.pause();
  const auto answer = connection->ask({"PING"});
  server.resume();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "Redis does not answer in time");
}

// who is trusted

TEST_F(RedisTls, RefusesAServerThatNoCaOfItsFileVouchesFor) {
  const auto server = tls_server(other_authority().issue_server());
  EXPECT_THAT(
      failure(settings_for(server)),
      AllOf(HasSubstr("no connection to Redis at 127.0.0.1:"),
            HasSubstr(" over TLS: its certificate is not trusted: "), Not(HasSubstr("\n"))));
  auto settings = settings_for(server);
  settings.tls_ca = other_authority().path();
  EXPECT_EQ(failure(settings), "");
}

TEST_F(RedisTls, RefusesAServerThatTheSystemDoesNotTrust) {
  const auto server = tls_server();
  auto settings = settings_for(server);
  settings.tls_ca.clear();
  EXPECT_THAT(failure(settings), HasSubstr("its certificate is not trusted"));
}

TEST_F(RedisTls, RefusesAServerOfAnotherName) {
  const auto server = tls_server(authority().issue_server("DNS:redis.example,IP:127.0.0.2"));
  EXPECT_THAT(failure(settings_for(server)),
              HasSubstr("over TLS: its certificate is not for 127.0.0.1"));
  EXPECT_THAT(failure(settings_for(server, "localhost")),
              HasSubstr("over TLS: its certificate is not for localhost"));
}

TEST_F(RedisTls, TakesNoNameForAnAddress) {
  const auto server = tls_server(authority().issue_server("DNS:127.0.0.1"));
  EXPECT_THAT(failure(settings_for(server)), HasSubstr("its certificate is not for 127.0.0.1"));
}

TEST_F(RedisTls, RefusesCertificatesBeforeAndAfterTheirTime) {
  const auto server = tls_server(issue_for_days(-2, -1));
  EXPECT_THAT(failure(settings_for(server)), HasSubstr("its certificate has expired"));
  show_certificate(server, issue_for_days(1, 2));
  EXPECT_THAT(failure(settings_for(server)),
              HasSubstr("its certificate is not valid yet by this device's clock"));
  show_certificate(server, issue_for_days(-1, 1));
  EXPECT_EQ(failure(settings_for(server)), "");
}

TEST_F(RedisTls, SaysWhichFileOfCasCannotBeUsed) {
  const auto server = tls_server();
  auto settings = settings_for(server);
  settings.tls_ca = folder_ / "missing.pem";
  EXPECT_THAT(failure(settings), HasSubstr("REDIS_TLS_CA " + settings.tls_ca +
                                           " cannot be read: No such file or directory"));
  for (const auto* text : {"", "s3cret"}) {
    settings.tls_ca = folder_ / "ca.pem";
    std::ofstream(settings.tls_ca) << text;
    EXPECT_THAT(failure(settings),
                AllOf(HasSubstr("REDIS_TLS_CA " + settings.tls_ca + " has no certificate"),
                      Not(HasSubstr("s3cret"))));
  }
}

TEST_F(RedisTls, SaysThatTheServerAsksForACertificateOfItsOwn) {
  const auto server = tls_server();
  server.client().command(
      {"CONFIG", "SET", "tls-ca-cert-file", authority().path(), "tls-auth-clients", "yes"});
  // With TLS 1.3 it says so only after the handshake, and may break off before it is heard.
  EXPECT_THAT(failure(settings_for(server)),
              AnyOf(HasSubstr("it asks for a client's certificate"),
                    HasSubstr("Connection reset by peer"), HasSubstr("Broken pipe")));
}

TEST_F(RedisTls, SpeaksTls12ButNothingOlder) {
  const auto server = tls_server();
  auto redis = server.client();
  redis.command({"CONFIG", "SET", "tls-protocols", "TLSv1.2"});
  EXPECT_EQ(failure(settings_for(server)), "");
  redis.command({"CONFIG", "SET", "tls-protocols", "TLSv1.1", "tls-ciphers", "ALL:@SECLEVEL=0"});
  EXPECT_THAT(failure(settings_for(server)), HasSubstr(" over TLS: "));
}

// servers that do not answer

TEST_F(RedisTls, GivesUpAServerThatHangsInTheHandshake) {
  std::uint16_t port = 0;
  int listener = -1;
  while (listener < 0) listener = listen_on_loopback(port = find_free_port());
  const auto begin = steady_clock::now();
  EXPECT_THAT(failure(settings_for(port), 300ms),
              HasSubstr(" over TLS: no answer to the TLS handshake in time"));
  const auto took = steady_clock::now() - begin;
  close(listener);
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 1500ms);
}

TEST_F(RedisTls, SaysThatTheHandshakeWasBrokenOff) {
  const auto server = tls_server();
  TcpProxy proxy(server.tls_port());
  proxy.set_plan([] { return Cut{.answers = 10, .reset = true}; });
  EXPECT_THAT(failure(settings_for(proxy.port())), HasSubstr("Connection reset by peer"));
  proxy.set_plan([] { return Cut{.answers = 10}; });
  EXPECT_THAT(failure(settings_for(proxy.port())),
              HasSubstr(" over TLS: Server closed the connection"));
}

TEST_F(RedisTls, GivesUpAPortWithoutTls) {
  const RedisServer server;
  EXPECT_THAT(failure(settings_for(server.port()), 300ms), HasSubstr(" over TLS: "));
}

TEST_F(RedisTls, IsNotUsedOnAUnixSocket) {
  const RedisServer server;
  auto settings = settings_for(server.port());
  settings.socket = server.socket();
  EXPECT_EQ(failure(settings), "");
}

// the agent

ChildProcess::Environment over_tls(std::uint16_t port) {
  return without_self_metrics({{"REDIS_SOCKET", ""},
                               {"REDIS_HOST", "127.0.0.1"},
                               {"REDIS_PORT", std::to_string(port)},
                               {"REDIS_TLS", "true"},
                               {"REDIS_TLS_CA", authority().path()}});
}

/// A server whose fault is there when the agent starts, is mended, comes again and is mended again.
class Fault {
public:
  RedisServer server = tls_server();
  std::uint16_t port = server.tls_port();

  void expect_nothing_lost(const std::string& reason, const std::function<void()>& begin,
                           const std::function<void()>& mend) {
    Intake intake;
    begin();
    AgentProcess agent(server, intake, over_tls(port));
    ASSERT_TRUE(eventually([&] { return outages_begun(agent) == 1; }));
    EXPECT_EQ(agent.count_in_log(reason), 1U);
    Application application(server.address());
    EXPECT_TRUE(stores(application, 100));
    mend();
    EXPECT_TRUE(eventually([&] { return outages_ended(agent) == 1; }));
    EXPECT_TRUE(stores(application, 100));
    begin();
    server.client().command({"CLIENT", "KILL", "TYPE", "normal"});
    EXPECT_TRUE(eventually([&] { return outages_begun(agent) == 2; }));
    EXPECT_TRUE(stores(application, 100));
    mend();
    EXPECT_TRUE(eventually([&] { return outages_ended(agent) == 2; }));
    const auto sum = application.stop();
    expect_delivered(agent, intake, server.address(), {{"hits", sum}});
    EXPECT_EQ(outages_begun(agent), 2U);
    EXPECT_EQ(outages_ended(agent), 2U);
  }

  void expect_nothing_lost(const std::string& reason, const Certificate& bad) {
    const auto good = authority().issue_server();
    expect_nothing_lost(
        reason, [&] { show_certificate(server, bad); }, [&] { show_certificate(server, good); });
  }
};

TEST_F(RedisTls, DeliversAllOverIt) {
  const auto server = tls_server();
  Intake intake;
  server.client().command({"CONFIG", "SET", "port", "0"});
  AgentProcess agent(server, intake, over_tls(server.tls_port()));
  Application application(server.address());
  EXPECT_TRUE(stores(application, 1000));
  const auto sum = application.stop();
  expect_delivered(agent, intake, server.address(), {{"hits", sum}});
  EXPECT_EQ(outages_begun(agent), 0U);
}

TEST_F(RedisTls, LosesNothingToAServerThatIsNotTrusted) {
  Fault().expect_nothing_lost("its certificate is not trusted", other_authority().issue_server());
}

TEST_F(RedisTls, LosesNothingToAServerOfAnotherName) {
  Fault().expect_nothing_lost("its certificate is not for 127.0.0.1",
                              authority().issue_server("DNS:redis.example"));
}

TEST_F(RedisTls, LosesNothingToAnExpiredCertificate) {
  Fault().expect_nothing_lost("its certificate has expired", issue_for_days(-2, -1));
}

TEST_F(RedisTls, LosesNothingToAPortWithoutTls) {
  Fault fault;
  auto redis = fault.server.client();
  const auto set = [&](const std::string& port, const std::string& tls_port) {
    // One after the other, for both have the same number.
    redis.command({"CONFIG", "SET", "port", "0", "tls-port", "0"});
    redis.command({"CONFIG", "SET", "port", port, "tls-port", tls_port});
  };
  const auto port = std::to_string(fault.port);
  fault.expect_nothing_lost(
      "no answer to the TLS handshake in time", [&] { set(port, "0"); }, [&] { set("0", port); });
}

TEST_F(RedisTls, LosesNothingToAServerThatHangsInTheHandshake) {
  auto server = tls_server();
  Intake intake;
  server.client().add({"hits", "count", 7, unix_now()});
  server.pause();
  AgentProcess agent(server, intake, over_tls(server.tls_port()));
  ASSERT_TRUE(eventually([&] { return outages_begun(agent) == 1; }));
  EXPECT_EQ(agent.count_in_log("no answer to the TLS handshake in time"), 1U);
  server.resume();
  EXPECT_TRUE(eventually([&] { return outages_ended(agent) == 1; }));
  expect_delivered(agent, intake, server.address(), {{"hits", 7}});
}

TEST_F(RedisTls, IsCheckedByTheCommandCheck) {
  const auto server = tls_server();
  Intake intake;
  const auto check = [&](const ChildProcess::Environment& environment) {
    AgentProcess process(agent_environment(server, intake, environment), {"check"});
    process.wait(30s);
    return process.out();
  };
  auto environment = over_tls(server.tls_port());
  EXPECT_THAT(check(environment),
              HasSubstr("answers at 127.0.0.1:" + std::to_string(server.tls_port()) + " over TLS"));
  environment["REDIS_TLS_CA"] = other_authority().path();
  EXPECT_THAT(check(environment),
              AllOf(HasSubstr("certificate is not trusted"), HasSubstr("REDIS_TLS_CA")));
}

// builds without it

TEST(WithoutRedisTls, TheSettingIsRefused) {
  if (redis_has_tls()) GTEST_SKIP() << "this build has TLS for Redis";
  AgentProcess agent(ChildProcess::Environment{{"API_KEY", "key"}, {"REDIS_TLS", "true"}});
  EXPECT_EQ(agent.wait(), (ExitStatus{.code = 78}));
  EXPECT_THAT(agent.out() + agent.err(),
              HasSubstr("this build has no TLS for Redis, as it needs hiredis 1.0 or later"));
}

}  // namespace
}  // namespace chouette::test
