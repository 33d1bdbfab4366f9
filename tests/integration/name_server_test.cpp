// A name server that never answers: whatever needs it waits, and nothing else does.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/agent.hpp"
#include "support/bind_mount.hpp"
#include "support/child_process.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

/// Takes queries in, and that is all.
class SilentNameServer {
public:
  SilentNameServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    // resolv.conf names no ports. An address of this process's own lets others do the same.
    const auto number = static_cast<std::uint32_t>(getpid()) & 0xffffU;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    address.sin_addr.s_addr = htonl(0x7f350000U + number);  // 127.53.0.0 and on
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    address_ = text.data();
    listens_ = bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~SilentNameServer() { close(socket_); }
  SilentNameServer(const SilentNameServer&) = delete;
  SilentNameServer& operator=(const SilentNameServer&) = delete;

  bool listens() const { return listens_; }
  const std::string& address() const { return address_; }

  /// Waits for a query that contains `label`, one of a name's between its dots.
  bool is_asked_for(const std::string& label) const {
    return eventually([&] {
      std::array<char, 512> query;
      const auto size = recv(socket_, query.data(), query.size(), MSG_DONTWAIT);
      return size > 0 && std::string(query.data(), static_cast<std::size_t>(size)).find(label) !=
                             std::string::npos;
    });
  }

private:
  const int socket_;
  std::string address_;
  bool listens_ = false;
};

class NameServer : public testing::Test {
protected:
  void SetUp() override {
    if (!name_server_.listens()) GTEST_SKIP() << "no right to listen at port 53";
    // Far longer than the agent may take to stop.
    std::ofstream(resolv_conf_) << "nameserver " << name_server_.address()
                                << "\noptions timeout:30 attempts:1\n";
    ChildProcess probe(with_own_resolv_conf("true"), {{"PATH", path}});
    if (probe.wait() != ExitStatus{0, 0}) {
      GTEST_SKIP() << "no right to mount in a namespace of its own: " << probe.err();
    }
  }

  void start_agent(ChildProcess::Environment overrides) {
    overrides.emplace("PATH", path);
    agent_ = std::make_unique<ChildProcess>(with_own_resolv_conf(CHOUETTE_EXECUTABLE),
                                            agent_environment(server_, intake_, overrides));
  }

  void expect_quick_stop() {
    const auto begin = std::chrono::steady_clock::now();
    agent_->signal(SIGTERM);
    EXPECT_EQ(agent_->wait(20s), (ExitStatus{0, 0})) << agent_->out() << agent_->err();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    EXPECT_EQ(agent_->err(), "");
  }

  std::vector<std::string> with_own_resolv_conf(const std::string& program) const {
    return with_file_in_place_of(resolv_conf_, "/etc/resolv.conf", {program});
  }

  static constexpr auto path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  RedisServer server_;
  Intake intake_;
  TempDir folder_;
  std::filesystem::path resolv_conf_ = folder_ / "resolv.conf";
  SilentNameServer name_server_;
  std::unique_ptr<ChildProcess> agent_;
};

TEST_F(NameServer, ThatDoesNotKnowRedisHoldsUpNeitherCapturesNorTheStop) {
  const auto captures = folder_ / "captures";
  start_agent({{"REDIS_SOCKET", ""},
               {"REDIS_HOST", "redis.test"},
               {"COLLECTOR_PLUGINS", "exec"},
               {"EXEC_COMMANDS", R"([["sh", "-c", "echo >>)" + captures.string() + R"("]])"}});
  ASSERT_TRUE(name_server_.is_asked_for("redis"));
  const auto captured = [&] { return read_file(captures).size(); };
  EXPECT_TRUE(eventually([&, before = captured()] { return captured() >= before + 3; }));
  expect_quick_stop();
}

TEST_F(NameServer, ThatDoesNotKnowTheIntakeHoldsUpNeitherCapturesNorTheStop) {
  start_agent({{"DATADOG_URL", "http://intake.test/api"},
               {"DATADOG_LOGS_URL", "http://intake.test"},
               {"COLLECTOR_PLUGINS", "host"}});
  ASSERT_TRUE(name_server_.is_asked_for("intake"));
  auto redis = server_.client();
  redis.add({"hits", "count", 1, unix_now() - 10});
  EXPECT_TRUE(eventually([&] { return redis.size(raw_metrics) == 0; }));
  const auto waiting = [&] { return redis.size(wrapped_metrics); };
  EXPECT_TRUE(eventually([&, before = waiting()] { return waiting() >= before + 3; }));
  expect_quick_stop();
  EXPECT_GT(waiting(), 0U);
}

}  // namespace
}  // namespace chouette::test
