#include "queue/packed_strings.hpp"

#include <algorithm>

namespace chouette {

void PackedStrings::append(const PackedStrings& others) {
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (others.present(i)) {
      push_back(others[i]);
    } else {
      push_absent();
    }
  }
}

PackedStrings PackedStrings::slice(std::size_t from, std::size_t count) const {
  PackedStrings part;
  const auto to = from + std::min(count, size() - std::min(from, size()));
  for (auto i = from; i < to; ++i) {
    if (present(i)) {
      part.push_back((*this)[i]);
    } else {
      part.push_absent();
    }
  }
  return part;
}

}  // namespace chouette
