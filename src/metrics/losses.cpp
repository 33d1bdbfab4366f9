#include "metrics/losses.hpp"

#include <utility>

namespace chouette {

std::string_view to_string(LossReason reason) {
  switch (reason) {
    case LossReason::expired:
      return "expired";
    case LossReason::malformed:
      return "malformed";
    case LossReason::unsupported:
      return "unsupported";
    case LossReason::rejected:
      return "rejected";
    case LossReason::overflow:
      return "overflow";
  }
  return "unknown";
}

void Losses::add(LossReason reason, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  counts_.at(static_cast<std::size_t>(reason)) += count;
  total_.at(static_cast<std::size_t>(reason)) += count;
}

LossCounts Losses::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(counts_, {});
}

void Losses::give_back(const LossCounts& counts) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < loss_reasons; ++i) {
    counts_.at(i) += counts.at(i);
  }
}

LossCounts Losses::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace chouette
