#include "support/tls_front.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/child_process.hpp"
#include "support/free_port.hpp"
#include "support/loopback.hpp"

namespace chouette::test {

namespace {

void run_openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  const auto* path = std::getenv("PATH");
  ChildProcess openssl(arguments, {{"PATH", path == nullptr ? "/usr/bin:/bin" : path}});
  if (openssl.wait(std::chrono::seconds(30)) != ExitStatus{.code = 0}) {
    throw std::runtime_error("openssl: " + openssl.err());
  }
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class Socket {
public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

private:
  int fd_;
};

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeTls {
  void operator()(SSL* tls) const { SSL_free(tls); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string common_name(const X509* certificate) {
  std::array<char, 256> name{};
  const auto length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                                name.data(), static_cast<int>(name.size()));
  return {name.data(), static_cast<std::size_t>(std::max(length, 0))};
}

bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const auto sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

/// Until one of the two ends.
void pass_on(SSL* tls, int client, int server) {
  std::array<char, 16384> bytes;
  while (true) {
    std::array<pollfd, 2> fds{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (SSL_pending(tls) > 0) {
      fds[0].revents = POLLIN;
    } else if (poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (fds[0].revents != 0) {
      const int got = SSL_read(tls, bytes.data(), static_cast<int>(bytes.size()));
      if (got <= 0 || !send_all(server, bytes.data(), static_cast<std::size_t>(got))) return;
    }
    if (fds[1].revents != 0) {
      const auto got = recv(server, bytes.data(), bytes.size(), 0);
      if (got <= 0 || SSL_write(tls, bytes.data(), static_cast<int>(got)) <= 0) return;
    }
  }
}

}  // namespace

Authority::Authority() {
  run_openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
               "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", folder_ / "ca.key",
               "-out", path()});
}

Certificate Authority::issue_server(const std::string& names) {
  return issue("server", {"subjectAltName=" + names, "extendedKeyUsage=serverAuth"});
}

Certificate Authority::issue_client(const std::string& name) {
  return issue(name, {"extendedKeyUsage=clientAuth"});
}

Certificate Authority::issue(const std::string& name, const std::vector<std::string>& extensions) {
  const std::string stem = folder_ / std::to_string(++issued_);
  {
    std::ofstream file(stem + ".ext");
    for (const auto& extension : extensions) file << extension << '\n';
  }
  run_openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-subj", "/CN=" + name, "-keyout", stem + ".key", "-out", stem + ".csr"});
  run_openssl({"x509", "-req", "-in", stem + ".csr", "-CA", path(), "-CAkey", folder_ / "ca.key",
               "-set_serial", std::to_string(issued_), "-days", "2", "-extfile", stem + ".ext",
               "-out", stem + ".pem"});
  return {.path = stem + ".pem", .key = stem + ".key"};
}

struct TlsFront::Context {
  std::unique_ptr<SSL_CTX, FreeContext> tls{SSL_CTX_new(TLS_server_method())};
};

struct TlsFront::Connection {
  int fd = -1;  // -1 once it is about to be closed
  std::thread thread = {};
};

TlsFront::TlsFront(std::uint16_t server_port, const Settings& settings)
    : server_port_(server_port), context_(std::make_unique<Context>()) {
  auto* tls = context_->tls.get();
  if (SSL_CTX_use_certificate_chain_file(tls, settings.certificate.path.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, settings.certificate.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("no certificate for the server");
  }
  if (!settings.client_ca.empty()) {
    if (SSL_CTX_load_verify_locations(tls, settings.client_ca.c_str(), nullptr) != 1) {
      throw std::runtime_error("no CA for clients");
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // Or OpenSSL refuses to resume sessions.
    const std::string id = "tests";
    SSL_CTX_set_session_id_context(tls, reinterpret_cast<const unsigned char*>(id.data()),
                                   static_cast<unsigned>(id.size()));
  }
  port_ = settings.port;
  if (port_ != 0) listener_ = listen_on_loopback(port_);
  for (int attempt = 0; listener_ < 0; ++attempt) {
    if (settings.port != 0 || attempt == 10) fail("listen on 127.0.0.1");
    port_ = find_free_port();
    listener_ = listen_on_loopback(port_);
  }
  wake_ = eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept_connections(); });
}

TlsFront::~TlsFront() {
  eventfd_write(wake_, 1);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : open_) {
      if (connection.fd >= 0) shutdown(connection.fd, SHUT_RDWR);
    }
  }
  for (auto& connection : open_) connection.thread.join();
  close(listener_);
  close(wake_);
}

std::vector<std::string> TlsFront::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_;
}

void TlsFront::accept_connections() {
  while (true) {
    std::array<pollfd, 2> fds{pollfd{wake_, POLLIN, 0}, pollfd{listener_, POLLIN, 0}};
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const std::lock_guard lock(mutex_);
    auto& connection = open_.emplace_back(Connection{client});
    connection.thread = std::thread([this, &connection, client] {
      serve(client);
      const std::lock_guard closing(mutex_);
      close(client);
      connection.fd = -1;
    });
  }
}

void TlsFront::serve(int client) {
  // OpenSSL writes to sockets in the way that raises it.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

  const std::unique_ptr<SSL, FreeTls> tls(SSL_new(context_->tls.get()));
  SSL_set_fd(tls.get(), client);
  if (SSL_accept(tls.get()) != 1) {
    ERR_clear_error();
    // What the client has sent already must be read, or it gets a reset instead of the alert.
    shutdown(client, SHUT_WR);
    std::array<char, 1024> rest;
    while (recv(client, rest.data(), rest.size(), 0) > 0) {
    }
    return;
  }
  {
    const std::unique_ptr<X509, FreeX509> certificate(SSL_get1_peer_certificate(tls.get()));
    const std::lock_guard lock(mutex_);
    ++handshakes_;
    if (certificate) clients_.push_back(common_name(certificate.get()));
  }
  const Socket server(connect_to_loopback(server_port_));
  if (server.fd() >= 0) {
    setsockopt(server.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    pass_on(tls.get(), client, server.fd());
  }
  SSL_shutdown(tls.get());
  ERR_clear_error();
}

}  // namespace chouette::test
