#include "queue/packed_strings.hpp"

#include <algorithm>

namespace chouette {

void PackedStrings::append(const PackedStrings& others) {
  for (std::size_t i = 0; i < others.size(); ++i) {
    push_back_of(others, i);
  }
}

PackedStrings PackedStrings::slice(std::size_t from, std::size_t count) const {
  PackedStrings part;
  const auto to = from + std::min(count, size() - std::min(from, size()));
  for (auto i = from; i < to; ++i) {
    part.push_back_of(*this, i);
  }
  return part;
}

}  // namespace chouette
