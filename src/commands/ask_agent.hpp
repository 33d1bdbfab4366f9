#pragma once

#include <iosfwd>
#include <vector>

#include "http/listen_address.hpp"

namespace chouette {

/// Where an agent that systemd runs listens, whatever the environment of who asks says.
inline constexpr const char* service_socket = "/run/chouette-iot/http.sock";

/// `chouette-iot status`: asks the agent at the first of `addresses` that answers, and prints its
/// status for people or as it came, as JSON. False if none answers; then it says so on `errors`.
bool print_status(const std::vector<ListenAddress>& addresses, bool json, std::ostream& out,
                  std::ostream& errors);

/// `chouette-iot health`: whether the agent there says that its actors answer.
bool print_health(const std::vector<ListenAddress>& addresses, std::ostream& out,
                  std::ostream& errors);

}  // namespace chouette
