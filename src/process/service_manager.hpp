#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace chouette {

/// How to talk to systemd, which tells it in the environment: sd_notify(3), sd_watchdog_enabled(3).
struct ServiceSettings {
  std::string notify_socket;              ///< NOTIFY_SOCKET. Empty: nobody listens.
  std::chrono::microseconds watchdog{0};  ///< WATCHDOG_USEC. 0: none is kept.
};

/// Sends `state`, lines such as READY=1, to the service manager. Never waits; what cannot be sent
/// is dropped, for systemd then acts by itself. Does nothing without a notify_socket.
void notify_service_manager(const ServiceSettings& settings, std::string_view state);

}  // namespace chouette
