#pragma once

#include <cstdint>

namespace chouette::test {

/// A socket that listens on a port of 127.0.0.1, and does not block; -1 if somebody else does.
int listen_on_loopback(std::uint16_t port);

/// A socket that is connected to a port of 127.0.0.1; -1 if nobody listens there.
int connect_to_loopback(std::uint16_t port);

}  // namespace chouette::test
