#pragma once

#include <string>
#include <string_view>

namespace chouette {

/// `text` in zlib format (RFC 1950), which HTTP calls deflate, at zlib's best compression: on a
/// metered link bytes cost more than the 3 us of CPU that a point takes.
std::string deflate(std::string_view text);

}  // namespace chouette
