#pragma once

#include <memory>
#include <string>
#include <string_view>

struct libdeflate_compressor;

namespace chouette {

/// Compresses into zlib format (RFC 1950), which HTTP calls deflate, as small as it gets: on a
/// metered link bytes cost more than the CPU that a point takes. Keeps up to 9 MB from one text to
/// the next, which the system has back when it is destroyed: where pages are dear, to get them for
/// each text takes a fifth of the time. For one thread at a time.
class Deflater {
public:
  Deflater();

  /// Longer than `text` by at most 16 bytes and a 500th. Takes memory for a copy of `text`. Throws
  /// std::bad_alloc where memory is short.
  std::string deflate(std::string_view text);

private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const;
  };

  std::unique_ptr<libdeflate_compressor, Free> compressor_;
};

/// The same for a single text. May be called from any thread.
std::string deflate(std::string_view text);

}  // namespace chouette
