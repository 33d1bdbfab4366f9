#include "http/http_server.hpp"

#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>

namespace chouette {

namespace {

constexpr unsigned threads = 2;
constexpr unsigned longest_silence = 5;  // s; of a client
constexpr unsigned connection_limit = 32;
constexpr unsigned connection_limit_of_an_address = 8;
constexpr int backlog = 64;
constexpr mode_t for_everybody = 0666;

std::string last_reason() {
  return std::generic_category().message(errno);
}

/// A socket that is closed at the end, unless it is released.
class Socket {
public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  int descriptor() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

private:
  int descriptor_;
};

using Listening = tl::expected<Socket, std::string>;

Listening bind_and_listen(Socket socket, const sockaddr* address, socklen_t length) {
  if (socket.descriptor() < 0 || ::bind(socket.descriptor(), address, length) != 0 ||
      ::listen(socket.descriptor(), backlog) != 0) {
    return tl::unexpected(last_reason());
  }
  return socket;
}

Listening listen_at(const addrinfo& address) {
  Socket socket(
      ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  const int yes = 1;
  const int no = 0;
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (address.ai_family == AF_INET6) {
    // All addresses of the machine are those of IPv4 as well.
    ::setsockopt(socket.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  }
  return bind_and_listen(std::move(socket), address.ai_addr, address.ai_addrlen);
}

Listening listen_on_port(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                      std::to_string(port).c_str(), &wanted, &found);
      error != 0) {
    return tl::unexpected<std::string>(::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  Listening last = tl::unexpected<std::string>("no such address");
  // IPv6 first: where it is there, it takes connections over IPv4 as well.
  for (const int family : {AF_INET6, AF_INET}) {
    for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
      if (address->ai_family != family) {
        continue;
      }
      if (auto listening = listen_at(*address)) {
        return listening;
      } else {
        last = tl::unexpected(listening.error());
      }
    }
  }
  return last;
}

Listening listen_on_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return tl::unexpected<std::string>("the path is too long");
  }
  path.copy(static_cast<char*>(address.sun_path), path.size());
  const auto* const any_address = reinterpret_cast<const sockaddr*>(&address);
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    const Socket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.descriptor(), any_address, sizeof(address)) != 0 && errno == ECONNREFUSED) {
      ::unlink(path.c_str());  // What an agent that was killed has left behind.
    }
  }
  auto listening =
      bind_and_listen(Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
                      any_address, sizeof(address));
  if (listening && ::chmod(path.c_str(), for_everybody) != 0) {
    const auto reason = last_reason();
    ::unlink(path.c_str());
    return tl::unexpected(reason);
  }
  return listening;
}

std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return 0;
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return address.ss_family == AF_INET
             ? ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port)
             : std::uint16_t{0};
}

MHD_Result send(MHD_Connection* connection, const HttpPage& page) {
  auto body = page.body;
  auto* const response =
      MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) {
    return MHD_NO;
  }
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  const auto result = MHD_queue_response(connection, static_cast<unsigned>(page.status), response);
  MHD_destroy_response(response);
  return result;
}

HttpPage page_at(const HttpServer::Pages& pages, std::string_view path, std::string_view method) {
  if (method != MHD_HTTP_METHOD_GET) {
    return {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "only GET\n"};
  }
  const auto page = pages.find(path);
  if (page == pages.end()) {
    return {MHD_HTTP_NOT_FOUND, "text/plain", "no such page\n"};
  }
  try {
    return page->second();
  } catch (const std::exception& error) {
    return {MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", std::string(error.what()) + '\n'};
  }
}

/// Called once the headers are there; no body is waited for.
MHD_Result on_request(void* pages, MHD_Connection* connection, const char* url, const char* method,
                      const char* /*version*/, const char* /*data*/, std::size_t* /*size*/,
                      void** /*state*/) {
  return send(connection, page_at(*static_cast<const HttpServer::Pages*>(pages), url, method));
}

}  // namespace

struct HttpServer::Running {
  ListenAddress address;
  Pages pages;
  MHD_Daemon* daemon = nullptr;

  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (daemon == nullptr) {
      return;
    }
    MHD_stop_daemon(daemon);
    if (!address.socket.empty()) {
      ::unlink(address.socket.c_str());
    }
  }
};

std::string to_text(const ListenAddress& address) {
  if (!address.socket.empty()) {
    return "unix:" + address.socket;
  }
  const bool bracketed = address.host.find(':') != std::string::npos;
  return (bracketed ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

HttpServer::HttpServer(std::unique_ptr<Running> running) : running_(std::move(running)) {}
HttpServer::~HttpServer() = default;
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;

std::uint16_t HttpServer::port() const {
  return running_->address.port;
}

tl::expected<HttpServer, std::string> HttpServer::listen(const ListenAddress& address,
                                                         Pages pages) {
  const auto failed = [&](const std::string& reason) {
    return tl::unexpected("cannot listen on " + to_text(address) + ": " + reason);
  };
  auto socket = address.socket.empty() ? listen_on_port(address.host, address.port)
                                       : listen_on_socket(address.socket);
  if (!socket) {
    return failed(socket.error());
  }
  auto running = std::make_unique<Running>();
  running->address = address;
  running->address.port = port_of(socket->descriptor());
  running->pages = std::move(pages);
  running->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, nullptr, nullptr, &on_request,
      &running->pages, MHD_OPTION_LISTEN_SOCKET, socket->descriptor(), MHD_OPTION_THREAD_POOL_SIZE,
      threads, MHD_OPTION_CONNECTION_TIMEOUT, longest_silence, MHD_OPTION_CONNECTION_LIMIT,
      connection_limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT, connection_limit_of_an_address,
      MHD_OPTION_END);
  if (running->daemon == nullptr) {
    return failed("no threads or memory");
  }
  socket->release();  // The daemon closes it.
  return HttpServer(std::move(running));
}

}  // namespace chouette
