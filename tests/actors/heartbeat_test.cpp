#include "actors/heartbeat.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "actor_test.hpp"
#include "support/temp_dir.hpp"

namespace chouette::test {
namespace {

/// Hears what systemd would.
class ServiceManager {
public:
  ServiceManager() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~ServiceManager() { ::close(socket_); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  std::string path() const { return (folder_.path() / "notify").string(); }

  /// What has come since the last call.
  std::vector<std::string> heard() const {
    std::vector<std::string> all;
    std::array<char, 4096> text{};
    for (;;) {
      const auto size = ::recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
      if (size < 0) {
        return all;
      }
      all.emplace_back(text.data(), static_cast<std::size_t>(size));
    }
  }

private:
  TempDir folder_;
  int socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

std::size_t count(const std::vector<std::string>& all, const std::string& text) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), text));
}

caf::behavior other_actor(caf::event_based_actor* /*self*/, int /*CAF needs one*/) {
  return {[](caf::ok_atom) {}};
}

class Heartbeat : public ActorTest {
protected:
  void begin(ServiceSettings service = {}) {
    spawn(heartbeat, redis_,
          HeartbeatSettings{.actors = {{"good", caf::actor_cast<caf::actor>(redis_), 30s},
                                       {"other", other_, 45s}},
                            .board = board_,
                            .service = std::move(service),
                            .period = 10s});
    run();
  }

  /// How often `text` comes while time passes. Read often, for such a socket holds few messages.
  std::size_t heard_while_advancing(const ServiceManager& systemd, std::chrono::seconds duration,
                                    const std::string& text) {
    std::size_t times = 0;
    for (auto passed = 0s; passed < duration; passed += 2s) {
      advance(2s);
      times += count(systemd.heard(), text);
    }
    return times;
  }

  Status status() { return board_->read(wall(), scheduler_.clock().now()); }

  caf::actor other_ = spawn(other_actor, 0);
};

TEST_F(Heartbeat, ActorsThatAnswerAreAlive) {
  begin();
  advance(600s);
  const auto now = status();
  ASSERT_EQ(now.actors.size(), 2U);
  EXPECT_EQ(now.actors[0].name, "good");
  EXPECT_LT(now.actors[0].silent, 10.5);
  EXPECT_LT(now.actors[1].silent, 10.5);
  EXPECT_TRUE(now.alive());
  EXPECT_EQ(now.version, "1.2.3");
  EXPECT_NEAR(now.uptime, 600, 1);
}

TEST_F(Heartbeat, AnActorThatEndsIsNotAliveOncePatienceIsOver) {
  begin();
  advance(60s);
  caf::anon_send_exit(other_, caf::exit_reason::kill);
  advance(30s);
  EXPECT_TRUE(status().alive());
  advance(30s);
  EXPECT_TRUE(status().actors[0].alive());
  EXPECT_FALSE(status().actors[1].alive());
  EXPECT_FALSE(status().alive());
}

TEST_F(Heartbeat, KeepsTheWatchdogAsLongAsAllAnswer) {
  const ServiceManager systemd;
  begin({systemd.path(), std::chrono::seconds{30}});
  EXPECT_EQ(heard_while_advancing(systemd, 100s, "WATCHDOG=1"), 10U);
  caf::anon_send_exit(other_, caf::exit_reason::kill);
  heard_while_advancing(systemd, 60s, "WATCHDOG=1");
  EXPECT_EQ(heard_while_advancing(systemd, 60s, "WATCHDOG=1"), 0U);
}

TEST_F(Heartbeat, BeatsMoreOftenForAShortWatchdog) {
  const ServiceManager systemd;
  begin({systemd.path(), std::chrono::seconds{6}});
  EXPECT_EQ(heard_while_advancing(systemd, 60s, "WATCHDOG=1"), 30U);
}

TEST_F(Heartbeat, TellsHowMuchWaits) {
  const ServiceManager systemd;
  put_raw("m", "count", 1, ActorTest::start);
  begin({systemd.path(), {}});
  advance(10s);
  EXPECT_EQ(count(systemd.heard(), "STATUS=1 raw metrics and 0 points wait"), 1U);
  queue_->failure = QueueError{QueueErrc::unreachable, "away"};
  advance(10s);
  EXPECT_EQ(count(systemd.heard(), "STATUS=Redis cannot be asked"), 1U);
}

TEST_F(Heartbeat, IsNotHeldUpByAServiceManagerThatDoesNotListen) {
  begin({"/nowhere/notify", std::chrono::seconds{30}});
  advance(60s);
  EXPECT_TRUE(status().alive());
}

}  // namespace
}  // namespace chouette::test
