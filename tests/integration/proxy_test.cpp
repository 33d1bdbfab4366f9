// Delivery through an HTTP proxy, which the usual variables name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/http_client.hpp"
#include "support/agent.hpp"
#include "support/free_port.hpp"
#include "support/intake.hpp"
#include "support/loopback.hpp"
#include "support/redis_server.hpp"
#include "support/tls_front.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// Passes plain requests on, and tunnels others (CONNECT); only to ports of this machine. A thread
/// per connection.
class HttpProxy {
public:
  HttpProxy() : port_(find_free_port()), listener_(listen_on_loopback(port_)) {
    acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_connections(stop); });
  }
  ~HttpProxy() {
    acceptor_ = {};
    for (auto& connection : connections_) {
      shutdown(connection.client, SHUT_RDWR);
      connection.thread.join();
      close(connection.client);
    }
    close(listener_);
  }
  HttpProxy(const HttpProxy&) = delete;
  HttpProxy& operator=(const HttpProxy&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// The first lines of what it was asked.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

private:
  struct Connection {
    int client;
    std::jthread thread;
  };

  void accept_connections(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd incoming{listener_, POLLIN, 0};
      poll(&incoming, 1, 20);
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client >= 0) {
        connections_.push_back({client, std::jthread([this, client] { serve(client); })});
      }
    }
  }

  void serve(int client) {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos && pass_on(client, request)) {
    }
    const auto line = request.substr(0, request.find("\r\n"));
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(line);
    }
    constexpr std::string_view host = "127.0.0.1:";
    const auto port = line.find(host);
    const int server =
        port == std::string::npos
            ? -1
            : connect_to_loopback(static_cast<std::uint16_t>(std::atoi(&line[port + host.size()])));
    if (server >= 0) {
      if (line.starts_with("CONNECT ")) {
        put(client, "HTTP/1.1 200 Connection established\r\n\r\n");
      } else {
        // The server gets the path alone, and one request a connection.
        const auto url = line.find("http://");
        request.insert(line.size(), "\r\nConnection: close");
        request.erase(url, line.find('/', url + 7) - url);
        put(server, request);
      }
      tunnel(client, server);
      close(server);
    }
    shutdown(client, SHUT_RDWR);
  }

  static void tunnel(int client, int server) {
    for (std::string text;; text.clear()) {
      std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
      poll(ends.data(), ends.size(), -1);
      const bool from_client = ends[0].revents != 0;
      if (!pass_on(from_client ? client : server, text)) {
        return;
      }
      put(from_client ? server : client, text);
    }
  }

  /// Appends what has come; false at the end.
  static bool pass_on(int from, std::string& text) {
    std::array<char, 16384> bytes;
    const auto got = recv(from, bytes.data(), bytes.size(), 0);
    text.append(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    return got > 0;
  }

  static void put(int to, std::string_view text) {
    while (!text.empty()) {
      const auto sent = send(to, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  std::uint16_t port_;
  int listener_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::list<Connection> connections_;
  std::jthread acceptor_;
};

class ProxyTest : public testing::Test {
protected:
  /// Whether a record that is put into Redis now arrives.
  bool arrives(const std::string& metric) {
    redis_.client().add({metric, "count", 1, unix_now()});
    return intake_.wait_until([&] { return intake_.sum(metric) == 1; });
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(intake_.port()); }

  RedisServer redis_;
  Intake intake_;
  HttpProxy proxy_;
};

TEST_F(ProxyTest, DeliversThroughTheProxyOfPlainHttp) {
  // Its name is written small: libcurl ignores HTTP_PROXY, which a web server sets for programs.
  AgentProcess agent(redis_, intake_, {{"http_proxy", proxy_.url()}});
  EXPECT_TRUE(arrives("a"));
  EXPECT_TRUE(arrives("b"));
  EXPECT_THAT(proxy_.asked(), AllOf(Not(IsEmpty()), Each(StartsWith("POST http://" + address()))));
  EXPECT_THAT(intake_.violations(), IsEmpty());
}

TEST_F(ProxyTest, LeavesTheProxyOutForWhatNoProxyNames) {
  AgentProcess agent(redis_, intake_,
                     {{"http_proxy", proxy_.url()}, {"NO_PROXY", "example.com,127.0.0.1"}});
  EXPECT_TRUE(arrives("a"));
  EXPECT_THAT(proxy_.asked(), IsEmpty());
}

TEST_F(ProxyTest, KeepsAllWhileTheProxyIsAway) {
  auto redis = redis_.client();
  AgentProcess agent(redis_, intake_,
                     {{"http_proxy", "http://127.0.0.1:" + std::to_string(find_free_port())}});
  redis.add({"a", "count", 1, unix_now()});
  EXPECT_TRUE(agent.wait_for_log("the intake does not take the metrics"));
  EXPECT_GT(redis.size(wrapped_metrics), 0U);
  EXPECT_THAT(intake_.requests(), IsEmpty());
}

TEST_F(ProxyTest, TunnelsToAnIntakeOverHttpsAndVerifiesIt) {
  Authority authority;
  const TlsFront front(intake_.port(), {authority.issue_server()});
  const auto address = "127.0.0.1:" + std::to_string(front.port());
  // Nobody has told it to trust this authority.
  AgentProcess agent(redis_, intake_,
                     {{"HTTPS_PROXY", proxy_.url()}, {"DATADOG_URL", "https://" + address}});
  redis_.client().add({"a", "count", 1, unix_now()});
  EXPECT_TRUE(agent.wait_for_log("certificate"));
  EXPECT_THAT(proxy_.asked(), Contains("CONNECT " + address + " HTTP/1.1"));
  EXPECT_EQ(front.handshakes(), 0U);
}

TEST_F(ProxyTest, CarriesARequestOverHttpsToTheEnd) {
  Authority authority;
  const TlsFront front(intake_.port(), {authority.issue_server()});
  const auto address = "127.0.0.1:" + std::to_string(front.port());
  const auto ask = [&] {
    const auto answer = HttpClient({}).perform({.method = "GET",
                                                .url = "https://" + address + "/api/v1/validate",
                                                .headers = {"DD-API-KEY: " + intake_.api_key()},
                                                .timeout = 5s,
                                                .tls = {.ca = authority.path()}});
    return answer ? answer->status : 0;
  };
  setenv("HTTPS_PROXY", proxy_.url().c_str(), 1);
  EXPECT_EQ(ask(), 200);
  EXPECT_THAT(proxy_.asked(), testing::ElementsAre("CONNECT " + address + " HTTP/1.1"));
  setenv("NO_PROXY", "127.0.0.1", 1);
  EXPECT_EQ(ask(), 200);
  EXPECT_EQ(proxy_.asked().size(), 1U);
  unsetenv("HTTPS_PROXY");
  unsetenv("NO_PROXY");
}

}  // namespace
}  // namespace chouette::test
