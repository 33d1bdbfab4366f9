#pragma once

#include <cstdint>
#include <string>

#include "logging/secret.hpp"

namespace chouette {

/// Where Redis is and how to sign in.
struct RedisSettings {
  std::string host;
  std::uint16_t port = 0;
  std::string socket;    ///< Path of a unix socket; not empty: wins over host and port.
  std::string username;  ///< Empty: AUTH with the password alone.
  Secret password;       ///< Empty: no AUTH.
  int db = 0;
  bool tls = false;    ///< With host and port alone; only where redis_has_tls().
  std::string tls_ca;  ///< A PEM file of the CAs to trust. Empty: the system's.
};

/// Where that Redis is, as people write it: HOST:PORT, or the path of its socket.
inline std::string address_of(const RedisSettings& settings) {
  return settings.socket.empty() ? settings.host + ":" + std::to_string(settings.port)
                                 : settings.socket;
}

}  // namespace chouette
