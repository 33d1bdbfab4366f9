#include "queue/packed_strings.hpp"

#include <algorithm>

namespace chouette {

void PackedStrings::append(const PackedStrings& others) {
  append(others, 0, others.size());
}

PackedStrings PackedStrings::slice(std::size_t from, std::size_t count) const {
  PackedStrings part;
  const auto begin = std::min(from, size());
  part.append(*this, begin, begin + std::min(count, size() - begin));
  return part;
}

void PackedStrings::append(const PackedStrings& others, std::size_t from, std::size_t to) {
  const auto add = [](auto& list, const auto& more, std::size_t begin, std::size_t end) {
    using Distance = typename std::decay_t<decltype(more)>::difference_type;
    list.insert(list.end(), more.begin() + static_cast<Distance>(begin),
                more.begin() + static_cast<Distance>(end));
  };
  const auto text = text_.size();
  const auto first = others.begin_of(from);
  const auto old = ends_.size();
  add(text_, others.text_, first, others.begin_of(to));
  add(ends_, others.ends_, from, to);
  add(present_, others.present_, from, to);
  for (auto i = old; i < ends_.size(); ++i) {
    ends_[i] = ends_[i] - first + text;
  }
}

}  // namespace chouette
