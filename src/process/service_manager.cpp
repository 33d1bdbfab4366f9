#include "process/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

namespace chouette {

void notify_service_manager(const ServiceSettings& settings, std::string_view state) {
  sockaddr_un address{};
  const auto& path = settings.notify_socket;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return;
  }
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  if (path.front() == '@') {
    address.sun_path[0] = '\0';  // the abstract namespace
  }
  const int sender = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (sender < 0) {
    return;
  }
  const auto length = offsetof(sockaddr_un, sun_path) + path.size();
  ::sendto(sender, state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
  ::close(sender);
}

}  // namespace chouette
