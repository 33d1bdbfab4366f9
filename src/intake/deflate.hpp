#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace chouette {

/// Compresses into zlib format (RFC 1950), which HTTP calls deflate, piece by piece, at zlib's best
/// compression: on a metered link bytes cost more than the 3 us of CPU that a point takes.
class Deflater {
public:
  Deflater();
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void add(std::string_view piece);

  /// All of it, compressed; nothing can be added afterwards.
  std::string finish();

private:
  struct Stream;

  void run(std::string_view input, int flush);

  std::unique_ptr<Stream> stream_;
  std::string compressed_;
};

/// The same for a text in one piece.
std::string deflate(std::string_view text);

}  // namespace chouette
