#pragma once

#include <cstdint>

namespace chouette {

/// When the plugins of the tests capture.
inline constexpr std::int64_t now = 1700001000;

}  // namespace chouette
