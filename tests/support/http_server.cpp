#include "support/http_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/free_port.hpp"

namespace chouette::test {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t largest_head = 65'536;
constexpr std::size_t largest_body = 268'435'456;

// The other side, or the server's end, has cut the connection.
struct Gone {};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    case 502:
      return "Bad Gateway";
    default:
      return "Status";
  }
}

HttpRequest parse_head(const std::string& head) {
  HttpRequest request;
  auto line_end = head.find("\r\n");
  const auto line = head.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string::npos || first == last) return request;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  request.version = line.substr(last + 1);
  while (line_end != std::string::npos) {
    const auto begin = line_end + 2;
    line_end = head.find("\r\n", begin);
    const auto header = head.substr(begin, line_end - begin);
    const auto colon = header.find(':');
    if (colon == std::string::npos) continue;
    request.headers[lower(header.substr(0, colon))] = trim(header.substr(colon + 1));
  }
  return request;
}

// One connection's socket. Every wait ends early, with Gone, when either side cuts it.
class Stream {
public:
  explicit Stream(int fd) : fd_(fd) {}

  void wait_readable() const {
    pollfd poll_fd{fd_, POLLIN, 0};
    while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR) {
    }
    char byte = 0;
    if (recv(fd_, &byte, 1, MSG_PEEK) <= 0) throw Gone{};
  }

  // Sleeps, reading nothing; a negative duration means for ever.
  void hold(milliseconds duration) const {
    const auto end = std::chrono::steady_clock::now() + duration;
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
      if (duration.count() >= 0 && left.count() <= 0) return;
      pollfd poll_fd{fd_, POLLRDHUP, 0};
      const int timeout = duration.count() < 0 ? -1 : static_cast<int>(left.count());
      if (poll(&poll_fd, 1, timeout) > 0) throw Gone{};
    }
  }

  std::string read_head() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (buffer_.size() > largest_head) throw Gone{};
      receive();
    }
    auto head = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    return head;
  }

  std::string read(std::size_t size) {
    while (buffer_.size() < size) receive();
    auto bytes = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return bytes;
  }

  bool has_buffered() const { return !buffer_.empty(); }

  void write(const std::string& bytes) const {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) throw Gone{};
      sent += static_cast<std::size_t>(n);
    }
  }

  // The close that follows sends RST instead of FIN.
  void reset_at_close() const {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }

private:
  void receive() {
    std::array<char, 65536> bytes;
    const auto n = recv(fd_, bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) throw Gone{};
    buffer_.append(bytes.data(), static_cast<std::size_t>(n));
  }

  int fd_;
  std::string buffer_;
};

// Now, as RFC 9110 writes it: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %T GMT", &parts)};
}

void send_answer(const Stream& stream, const HttpAnswer& answer, const Behaviour& behaviour) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status);
  head += "\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n";
  if (answer.headers.count("Content-Type") == 0) head += "Content-Type: application/json\r\n";
  if (answer.headers.count("Date") == 0) head += "Date: " + http_date() + "\r\n";
  for (const auto& [name, value] : answer.headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  head += "\r\n";
  if (behaviour.drip.count() == 0) {
    stream.write(head + answer.body);
    return;
  }
  stream.write(head);
  for (const char byte : answer.body) {
    stream.hold(behaviour.drip);
    stream.write(std::string(1, byte));
  }
}

std::size_t content_length(const HttpRequest& request) {
  const auto text = request.header("content-length");
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size()) return 0;
  return size;
}

// Serves one request; false if the connection is to be closed.
bool serve_request(Stream& stream, const HttpServer::Handler& handler, std::size_t connection) {
  using Kind = Behaviour::Kind;
  if (!stream.has_buffered()) stream.wait_readable();
  auto behaviour = handler.begin();
  if (behaviour.kind == Kind::close_unread) return false;
  if (behaviour.kind == Kind::stall) stream.hold(milliseconds(-1));

  auto request = parse_head(stream.read_head());
  request.connection = connection;
  request.time = std::chrono::system_clock::now();
  const auto size = content_length(request);
  if (size > largest_body) return false;
  if (lower(request.header("expect")) == "100-continue") {
    stream.write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (behaviour.kind == Kind::reset_inside) {
    stream.read(size / 2);
    stream.reset_at_close();
    return false;
  }
  request.body = stream.read(size);

  behaviour = handler.treat(request, behaviour);
  switch (behaviour.kind) {
    case Kind::answer:
      break;
    case Kind::reset_inside:
      stream.reset_at_close();
      return false;
    case Kind::lose_answer:
    case Kind::close_unread:
      return false;
    case Kind::never_answer:
    case Kind::stall:
      stream.hold(milliseconds(-1));
  }
  if (behaviour.delay.count() > 0) stream.hold(behaviour.delay);
  const auto answer = behaviour.fixed.value_or(HttpAnswer{});
  send_answer(stream, answer, behaviour);
  const auto asked = lower(request.header("connection"));
  const auto told = answer.headers.find("Connection");
  return asked != "close" && (told == answer.headers.end() || lower(told->second) != "close");
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// -1 if somebody else does. A port that was not chosen by the system is kept while it is down.
int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      listen(fd, SOMAXCONN) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

int listen_on(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof(address.sun_path)) {
    throw std::invalid_argument("too long for a socket: " + path.string());
  }
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd, SOMAXCONN) != 0) {
    const int reason = errno;
    close(fd);
    throw std::system_error(reason, std::generic_category(), path.string());
  }
  return fd;
}

}  // namespace

struct HttpServer::Connection {
  int fd = -1;  // -1 once closed
  std::thread thread = {};
};

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  for (int attempt = 0; listener_ < 0; ++attempt) {
    port_ = find_free_port();
    listener_ = listen_on(port_);
    if (listener_ < 0 && attempt == 10) fail("listen on 127.0.0.1");
  }
  start();
}

HttpServer::HttpServer(Handler handler, const std::filesystem::path& socket)
    : handler_(std::move(handler)), listener_(listen_on(socket)) {
  start();
}

void HttpServer::start() {
  wake_ = eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept_connections(); });
}

HttpServer::~HttpServer() {
  eventfd_write(wake_, 1);
  acceptor_.join();
  close_connections();
  close(listener_);
  close(wake_);
}

void HttpServer::accept_connections() {
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{wake_, POLLIN, 0}, pollfd{listener_, POLLIN, 0}};
    {
      // While it is down the listener would report a hang-up without end.
      const std::lock_guard lock(mutex_);
      if (down_) fds[1].fd = -1;
    }
    if (poll(fds.data(), fds.size(), 20) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;

    const std::lock_guard lock(mutex_);
    open_.remove_if([](Connection& connection) {
      if (connection.fd >= 0) return false;
      connection.thread.join();
      return true;
    });
    if (down_ || (fds[1].revents & POLLIN) == 0) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    auto& connection = open_.emplace_back(Connection{fd});
    connection.thread = std::thread([this, &connection, fd, number = ++connections_] {
      try {
        Stream stream(fd);
        while (serve_request(stream, handler_, number)) {
        }
      } catch (const Gone&) {  // the way every connection ends
      }
      const std::lock_guard closing(mutex_);
      close(fd);
      connection.fd = -1;
    });
  }
}

void HttpServer::close_connections() {
  std::list<Connection> all;
  {
    const std::lock_guard lock(mutex_);
    for (auto& connection : open_) {
      if (connection.fd >= 0) shutdown(connection.fd, SHUT_RDWR);
    }
    all.splice(all.end(), open_);
  }
  for (auto& connection : all) connection.thread.join();
}

void HttpServer::set_down() {
  {
    const std::lock_guard lock(mutex_);
    if (down_) return;
    down_ = true;
    shutdown(listener_, SHUT_RDWR);  // on Linux: listens no more, but stays bound
  }
  close_connections();
}

void HttpServer::set_up() {
  const std::lock_guard lock(mutex_);
  if (!down_) return;
  if (listen(listener_, SOMAXCONN) != 0) fail("listen again");
  down_ = false;
}

std::string HttpRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

Behaviour answer_ok() {
  return {};
}

Behaviour answer(int status, std::string body, std::map<std::string, std::string> headers) {
  Behaviour behaviour;
  behaviour.fixed = HttpAnswer{status, std::move(body), std::move(headers)};
  return behaviour;
}

Behaviour answer_late(milliseconds delay, Behaviour behaviour) {
  behaviour.delay = delay;
  return behaviour;
}

Behaviour answer_slowly(milliseconds between_bytes, Behaviour behaviour) {
  behaviour.drip = between_bytes;
  return behaviour;
}

Behaviour answer_as_broken_proxy() {
  return answer(502,
                "<html><head><title>502 Bad Gateway</title></head>"
                "<body><center><h1>502 Bad Gateway</h1></center></body></html>\r\n",
                {{"Content-Type", "text/html"}});
}

Behaviour lose_answer() {
  return {.kind = Behaviour::Kind::lose_answer};
}
Behaviour never_answer() {
  return {.kind = Behaviour::Kind::never_answer};
}
Behaviour close_unread() {
  return {.kind = Behaviour::Kind::close_unread};
}
Behaviour reset_inside() {
  return {.kind = Behaviour::Kind::reset_inside};
}
Behaviour stall() {
  return {.kind = Behaviour::Kind::stall};
}

}  // namespace chouette::test
