#pragma once

#include <cstdint>
#include <string>

namespace chouette {

/// Where a server listens: a host (an address or a name; empty: all addresses of the machine) and a
/// port, or a unix socket.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  std::string socket;  ///< A path; takes the place of host and port.

  bool operator==(const ListenAddress&) const = default;
};

/// "127.0.0.1:8127", "[::1]:8127", "unix:/run/chouette-iot/http.sock": for messages.
std::string to_text(const ListenAddress& address);

}  // namespace chouette
