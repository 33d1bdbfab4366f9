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
};

}  // namespace chouette
