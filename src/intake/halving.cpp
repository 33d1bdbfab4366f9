#include "intake/halving.hpp"

namespace chouette {

Halving::Halving(std::size_t records) {
  if (records > 0) {
    ends_.push_back(records);
  }
}

void Halving::shorten(std::size_t end) {
  if (end > begin_ && end < ends_.back()) {
    ends_.push_back(end);
  }
}

void Halving::halve() {
  shorten(begin_ + current().size() / 2);
}

void Halving::finish() {
  begin_ = ends_.back();
  ends_.pop_back();
}

}  // namespace chouette
