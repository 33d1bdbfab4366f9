#include "queue/retention.hpp"

#include <algorithm>
#include <cmath>

namespace chouette {

namespace {

/// NTP slews a clock by at most 500 ppm; twice that, and what two readings may lie apart.
bool in_step(double drift, double elapsed) {
  return std::abs(drift) <= 1 + elapsed * 0.001;
}

}  // namespace

Retention::Retention(std::chrono::seconds time_to_live)
    : time_to_live_(static_cast<double>(time_to_live.count())) {}

std::optional<double> Retention::expire_before(double wall, SteadyTime steady) {
  const auto now = std::chrono::duration<double>(steady.time_since_epoch()).count();
  const auto offset = wall - now;
  const auto previous = offset_;
  const auto elapsed = now - last_steady_;
  offset_ = offset;
  last_steady_ = now;
  if (!previous) {
    return std::nullopt;
  }
  if (!in_step(offset - *previous, elapsed)) {
    former_.push_back({*previous, now});
    return std::nullopt;
  }
  while (!former_.empty() && now - former_.front().left_at > time_to_live_) {
    former_.pop_front();
  }
  if (wall < earliest_credible_time) {
    return std::nullopt;
  }
  auto slowest = offset;
  for (const auto& clock : former_) {
    slowest = std::min(slowest, clock.offset);
  }
  return slowest + now - time_to_live_;
}

}  // namespace chouette
