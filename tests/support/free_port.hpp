#pragma once

#include <cstdint>

namespace chouette::test {

/// A TCP port of 127.0.0.1 that nobody uses now, outside the range that the system itself hands
/// out. Another process may take it first: be ready to ask again.
std::uint16_t find_free_port();

}  // namespace chouette::test
