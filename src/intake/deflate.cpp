#include "intake/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

namespace chouette {

struct Deflater::Stream {
  z_stream z{};

  Stream() {
    if (deflateInit(&z, Z_BEST_COMPRESSION) != Z_OK) {
      throw std::runtime_error("zlib cannot start to compress");
    }
  }
  ~Stream() { deflateEnd(&z); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
};

Deflater::Deflater() : stream_(std::make_unique<Stream>()) {}
Deflater::~Deflater() = default;

void Deflater::run(std::string_view input, int flush) {
  auto& z = stream_->z;
  std::array<char, 16384> buffer;
  // zlib reads through this pointer only, and counts in unsigned ints.
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  z.avail_in = static_cast<uInt>(input.size());
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = static_cast<uInt>(buffer.size());
    if (::deflate(&z, flush) == Z_STREAM_ERROR) {
      throw std::runtime_error("zlib cannot compress");
    }
    compressed_.append(buffer.data(), buffer.size() - z.avail_out);
  } while (z.avail_out == 0);
}

void Deflater::add(std::string_view piece) {
  constexpr std::size_t most = std::numeric_limits<uInt>::max();
  while (!piece.empty()) {
    run(piece.substr(0, most), Z_NO_FLUSH);
    piece.remove_prefix(std::min(piece.size(), most));
  }
}

std::string Deflater::finish() {
  run({}, Z_FINISH);
  return std::move(compressed_);
}

std::string deflate(std::string_view text) {
  Deflater deflater;
  deflater.add(text);
  return deflater.finish();
}

}  // namespace chouette
