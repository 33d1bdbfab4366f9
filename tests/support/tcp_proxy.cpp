#include "support/tcp_proxy.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/free_port.hpp"
#include "support/loopback.hpp"

namespace chouette::test {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// One direction of a connection.
struct Flow {
  int from;
  int to;
  std::size_t left;  // until the cut
  std::string pending = {};
  bool ended = false;

  bool wants_more() const { return pending.empty() && !ended && left > 0; }
  bool cut() const { return left == 0 && pending.empty(); }
  bool over() const { return (ended && pending.empty()) || cut(); }

  void read() {
    std::array<char, 16384> bytes;
    const auto got = recv(from, bytes.data(), std::min(bytes.size(), left), MSG_DONTWAIT);
    if (got > 0) {
      pending.assign(bytes.data(), static_cast<std::size_t>(got));
      if (left != Cut::never) left -= pending.size();
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      ended = true;
    }
  }

  void write() {
    const auto put = send(to, pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      pending.erase(0, static_cast<std::size_t>(put));
    } else if (errno != EAGAIN && errno != EINTR) {
      ended = true;
      pending.clear();
    }
  }
};

}  // namespace

struct TcpProxy::Link {
  Link(int client, int server, const Cut& cut)
      : client(client),
        server(server),
        reset(cut.reset),
        requests{client, server, cut.requests},
        answers{server, client, cut.answers} {}
  ~Link() {
    if (reset && cut()) {
      const linger at_once{1, 0};
      setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    close(client);
    close(server);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool cut() const { return requests.cut() || answers.cut(); }
  bool over() const { return requests.over() || answers.over(); }

  // What to wait for at the end where `in` comes from and `out` goes to.
  static short events(const Flow& in, const Flow& out) {
    return static_cast<short>((in.wants_more() ? POLLIN : 0) | (out.pending.empty() ? 0 : POLLOUT));
  }

  int client;
  int server;
  bool reset;
  bool held = false;
  Flow requests;
  Flow answers;
};

TcpProxy::TcpProxy(std::uint16_t server_port) : server_port_(server_port) {
  for (int attempt = 0; listener_ < 0; ++attempt) {
    port_ = find_free_port();
    listener_ = listen_on_loopback(port_);
    if (listener_ < 0 && attempt == 10) fail("listen on 127.0.0.1");
  }
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  eventfd_write(wake_, 1);
  thread_.join();
  links_.clear();
  close(listener_);
  close(wake_);
}

void TcpProxy::set_plan(std::function<Cut()> plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
}

void TcpProxy::stall() {
  const std::lock_guard lock(mutex_);
  stalled_ = true;
}

void TcpProxy::hold_at(std::string text) {
  const std::lock_guard lock(mutex_);
  hold_at_ = std::move(text);
}

bool TcpProxy::holds() {
  const std::lock_guard lock(mutex_);
  return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.held; });
}

void TcpProxy::resume() {
  const std::lock_guard lock(mutex_);
  stalled_ = false;
  for (auto& link : links_) link.held = false;
  eventfd_write(wake_, 1);
}

void TcpProxy::refuse() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(refusing_, true)) return;
  shutdown(listener_, SHUT_RDWR);  // on Linux: listens no more, but stays bound
  links_.clear();
  eventfd_write(wake_, 1);
}

void TcpProxy::accept() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(refusing_, false)) return;
  if (listen(listener_, SOMAXCONN) != 0) fail("listen again");
  eventfd_write(wake_, 1);
}

void TcpProxy::run() {
  std::vector<pollfd> fds;
  for (;;) {
    fds.assign({{wake_, POLLIN, 0}});
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      if (!refusing_) fds.push_back({listener_, POLLIN, 0});
      for (const auto& link : links_) {
        if (stalled_) break;
        if (link.held) continue;
        fds.push_back({link.client, Link::events(link.requests, link.answers), 0});
        fds.push_back({link.server, Link::events(link.answers, link.requests), 0});
      }
    }
    poll(fds.data(), fds.size(), -1);
    const std::lock_guard lock(mutex_);
    eventfd_t ignored = 0;
    eventfd_read(wake_, &ignored);
    if (!refusing_) take_client();
    if (!stalled_) pass_on();
  }
}

void TcpProxy::take_client() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++connections_;
  const int server = connect_to_loopback(server_port_);
  if (server < 0) {
    close(client);
    return;
  }
  // Small pieces are to travel at once.
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  links_.emplace_back(client, server, plan_ ? plan_() : Cut{});
}

void TcpProxy::pass_on() {
  for (auto& link : links_) {
    for (auto* flow : {&link.requests, &link.answers}) {
      if (link.held) break;
      if (flow->wants_more()) flow->read();
      if (flow == &link.requests && !hold_at_.empty() &&
          flow->pending.find(hold_at_) != std::string::npos) {
        link.held = true;
        hold_at_.clear();
        break;
      }
      if (!flow->pending.empty()) flow->write();
    }
  }
  links_.remove_if([this](const Link& link) {
    if (link.cut()) ++cuts_;
    return link.over();
  });
}

}  // namespace chouette::test
