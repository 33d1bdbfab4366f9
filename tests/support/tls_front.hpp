#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.hpp"

namespace chouette::test {

/// Paths of a certificate and its key, both in PEM form.
struct Certificate {
  std::string path;
  std::string key;
};

/// A certificate authority of its own, made with the openssl program, which must be installed. What
/// it issues ends with the object.
class Authority {
public:
  Authority();

  /// The path of its own certificate: what those who trust it need.
  std::string path() const { return folder_ / "ca.pem"; }

  /// For a server; `names` as in subjectAltName, e.g. "DNS:localhost,IP:127.0.0.1".
  Certificate issue_server(const std::string& names = "DNS:localhost,IP:127.0.0.1");
  /// For a client called `name`.
  Certificate issue_client(const std::string& name);

private:
  Certificate issue(const std::string& name, const std::vector<std::string>& extensions);

  TempDir folder_;
  int issued_ = 0;
};

/// TLS in front of a server on 127.0.0.1 that speaks plainly: takes it off, and passes bytes on
/// both ways. A thread per connection.
class TlsFront {
public:
  struct Settings {
    Certificate certificate;
    /// Clients must show a certificate of this CA (a path). Empty: none is asked for.
    std::string client_ca = {};
    std::uint16_t port = 0;  ///< 0: any that is free.
  };

  TlsFront(std::uint16_t server_port, const Settings& settings);
  ~TlsFront();
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  std::uint16_t port() const { return port_; }

  /// How many handshakes succeeded since the start.
  std::size_t handshakes() const { return handshakes_; }

  /// The common names of the clients that showed a certificate, in the order of their handshakes.
  std::vector<std::string> clients() const;

private:
  struct Context;
  struct Connection;

  void accept_connections();
  void serve(int client);

  const std::uint16_t server_port_;
  std::unique_ptr<Context> context_;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> handshakes_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::list<Connection> open_;
  std::vector<std::string> clients_;
  std::thread acceptor_;
};

}  // namespace chouette::test
