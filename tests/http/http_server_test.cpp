#include "http/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stop_token>
#include <thread>

#include "http/http_client.hpp"
#include "support/loopback.hpp"
#include "support/temp_dir.hpp"

namespace chouette {
namespace {

using testing::HasSubstr;

const HttpServer::Pages pages{{"/live",
                               [] {
                                 return HttpPage{200, "text/plain", "ok\n"};
                               }},
                              {"/status", [] {
                                 return HttpPage{503, "application/json", "{}"};
                               }}};

HttpResult get(const ListenAddress& address, std::uint16_t port, const std::string& path) {
  const auto host =
      address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
  return HttpClient({}).perform(
      {.method = "GET",
       .url = "http://" + (address.socket.empty() ? host + ":" + std::to_string(port) : "agent") +
              path,
       .headers = {},
       .timeout = std::chrono::seconds(5),
       .unix_socket = address.socket,
       .direct = true});
}

class HttpServerTest : public testing::Test {
protected:
  std::string socket() const { return (folder_.path() / "http.sock").string(); }
  ListenAddress unix_address() const { return {.host = {}, .port = 0, .socket = socket()}; }
  static ListenAddress tcp_address() { return {.host = "127.0.0.1", .port = 0, .socket = {}}; }

  test::TempDir folder_;
};

TEST_F(HttpServerTest, ServesItsPagesOverTcpAndUnixSockets) {
  for (const auto& address : {tcp_address(), unix_address()}) {
    const auto server = HttpServer::listen(address, pages);
    ASSERT_TRUE(server) << server.error();
    const auto live = get(address, server->port(), "/live");
    ASSERT_TRUE(live) << live.error().message;
    EXPECT_EQ(live->status, 200);
    EXPECT_EQ(live->body, "ok\n");
    EXPECT_EQ(get(address, server->port(), "/status")->status, 503);
    EXPECT_EQ(get(address, server->port(), "/status")->headers.at("content-type"),
              "application/json");
    EXPECT_EQ(get(address, server->port(), "/other")->status, 404);
  }
}

/// Clients that send a byte of their request now and then, and never finish it.
class DrippingClients {
public:
  DrippingClients(std::uint16_t port, int count) {
    for (int i = 0; i < count; ++i) {
      sockets_.push_back(test::connect_to_loopback(port));
      EXPECT_GE(sockets_.back(), 0);
    }
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        for (const int socket : sockets_) {
          ::send(socket, "G", 1, MSG_NOSIGNAL);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }
  ~DrippingClients() {
    thread_.request_stop();
    thread_.join();
    for (const int socket : sockets_) {
      ::close(socket);
    }
  }
  DrippingClients(const DrippingClients&) = delete;
  DrippingClients& operator=(const DrippingClients&) = delete;

private:
  std::vector<int> sockets_;
  std::jthread thread_;
};

TEST_F(HttpServerTest, EndsAtOnceWhateverItsClientsDo) {
  auto server = HttpServer::listen(tcp_address(), pages);
  ASSERT_TRUE(server) << server.error();
  const DrippingClients clients(server->port(), 4);
  ASSERT_EQ(get(tcp_address(), server->port(), "/live")->status, 200);
  const auto begin = std::chrono::steady_clock::now();
  { const auto ended = std::move(*server); }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST_F(HttpServerTest, IsNotHeldUpBySlowClientsOfAnotherKind) {
  const auto tcp = HttpServer::listen(tcp_address(), pages);
  const auto local = HttpServer::listen(unix_address(), pages);
  ASSERT_TRUE(tcp && local);
  const DrippingClients clients(tcp->port(), 40);
  EXPECT_EQ(get(unix_address(), 0, "/live")->status, 200);
}

TEST_F(HttpServerTest, TakesFewConnectionsOfOneAddress) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto server = HttpServer::listen(tcp_address(), pages);
  ASSERT_TRUE(server);
  const auto before = descriptors();
  const DrippingClients clients(server->port(), 40);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(descriptors() - before, 40 + 8 + 2);  // both ends are in this process
}

TEST_F(HttpServerTest, ListensOnAllAddressesOverBothProtocols) {
  const auto server = HttpServer::listen({.host = {}, .port = 0, .socket = {}}, pages);
  ASSERT_TRUE(server) << server.error();
  EXPECT_EQ(get(tcp_address(), server->port(), "/live")->status, 200);
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe >= 0) {
    ::close(probe);
    EXPECT_EQ(get({.host = "::1", .port = 0, .socket = {}}, server->port(), "/live")->status, 200);
  }
}

TEST_F(HttpServerTest, RefusesAPortThatIsTaken) {
  const auto first = HttpServer::listen(tcp_address(), pages);
  ASSERT_TRUE(first);
  auto address = tcp_address();
  address.port = first->port();
  const auto second = HttpServer::listen(address, pages);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("127.0.0.1:" + std::to_string(first->port())));
}

TEST_F(HttpServerTest, RefusesAnAddressThatIsNotThisMachines) {
  EXPECT_FALSE(HttpServer::listen({.host = "203.0.113.1", .port = 0, .socket = {}}, pages));
  EXPECT_FALSE(HttpServer::listen({.host = {}, .port = 0, .socket = "/nowhere/a.sock"}, pages));
}

TEST_F(HttpServerTest, TakesOverASocketThatNobodyListensOn) {
  {
    const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(left);
  }
  const auto server = HttpServer::listen(unix_address(), pages);
  ASSERT_TRUE(server) << server.error();
  EXPECT_FALSE(HttpServer::listen(unix_address(), pages)) << "took over one that is in use";
  EXPECT_EQ(get(unix_address(), 0, "/live")->status, 200);
}

TEST_F(HttpServerTest, DoesNotRemoveAFileThatIsNoSocket) {
  std::ofstream(socket()) << "precious";
  EXPECT_FALSE(HttpServer::listen(unix_address(), pages));
  EXPECT_TRUE(std::filesystem::is_regular_file(socket()));
}

TEST_F(HttpServerTest, LetsEverybodyOnTheMachineConnect) {
  const auto server = HttpServer::listen(unix_address(), pages);
  ASSERT_TRUE(server);
  struct stat status {};
  ASSERT_EQ(::stat(socket().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0666U);
}

TEST_F(HttpServerTest, TakesNothingButGet) {
  const auto server = HttpServer::listen(tcp_address(), pages);
  ASSERT_TRUE(server);
  const auto answer =
      HttpClient({}).perform({.method = "POST",
                              .url = "http://127.0.0.1:" + std::to_string(server->port()) + "/live",
                              .headers = {},
                              .body = std::string(100000, 'x'),
                              .timeout = std::chrono::seconds(5),
                              .direct = true});
  EXPECT_TRUE(!answer || answer->status >= 400);
  EXPECT_EQ(get(tcp_address(), server->port(), "/live")->status, 200);
}

TEST_F(HttpServerTest, SurvivesManyClientsAtOnce) {
  const auto server = HttpServer::listen(tcp_address(), pages);
  ASSERT_TRUE(server);
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          const auto answer = get(tcp_address(), server->port(), "/live");
          good += answer && answer->status == 200 ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace chouette
