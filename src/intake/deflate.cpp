#include "intake/deflate.hpp"

#include <zlib.h>

#include <stdexcept>

namespace chouette {

std::string deflate(std::string_view text) {
  auto length = compressBound(text.size());
  std::string compressed(length, '\0');
  const auto result =
      compress2(reinterpret_cast<Bytef*>(compressed.data()), &length,
                reinterpret_cast<const Bytef*>(text.data()), text.size(), Z_BEST_COMPRESSION);
  if (result != Z_OK) {
    throw std::runtime_error("zlib cannot compress: error " + std::to_string(result));
  }
  compressed.resize(length);
  return compressed;
}

}  // namespace chouette
