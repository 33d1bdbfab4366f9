#pragma once

#include <string>
#include <string_view>

namespace chouette {

/// Compresses into zlib format (RFC 1950), which HTTP calls deflate, as small as it gets: on a
/// metered link bytes cost more than the CPU that a point takes. What comes out is longer than
/// `text` by at most 16 bytes and a 500th. Takes memory for a copy of `text`, and up to 9 MB more
/// that the system has back when it returns. May be called from any thread. Throws std::bad_alloc
/// where memory is short.
std::string deflate(std::string_view text);

}  // namespace chouette
