#include "queue/clock_history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace chouette {

namespace {

/// How far two readings of one clock may lie apart without meaning anything, in seconds.
constexpr double slack = 1;

/// A clock that jumps all the time is not remembered in every detail.
constexpr std::size_t max_former_clocks = 64;

/// NTP slews a clock by at most 500 ppm; twice that is allowed.
bool moved_in_step(double drift, double elapsed) {
  return std::abs(drift) <= slack + elapsed * 0.001;
}

}  // namespace

ClockHistory::ClockHistory(std::chrono::seconds remember)
    : remember_(static_cast<double>(remember.count())),
      first_wall_(-std::numeric_limits<double>::infinity()) {}

void ClockHistory::observe(double wall, SteadyTime steady) {
  const auto now = std::chrono::duration<double>(steady.time_since_epoch()).count();
  const auto offset = wall - now;
  const auto drift = offset - offset_.value_or(offset);
  in_step_ = offset_ && moved_in_step(drift, now - steady_);
  if (offset_ && !in_step_) {
    add_former({*offset_, first_wall_, now, 0}, drift);
    first_wall_ = wall_ + drift;
  }
  offset_ = offset;
  wall_ = wall;
  steady_ = now;
  while (!former_.empty() && now - former_.back().left_at > remember_) {
    former_.pop_back();
  }
}

void ClockHistory::add_former(const FormerClock& clock, double drift) {
  former_.push_front(clock);
  for (auto& former : former_) {
    former.shift += drift;
  }
  if (former_.size() > max_former_clocks) {
    // The two oldest become one that makes records no older than either does.
    const auto oldest = former_.back();
    former_.pop_back();
    auto& next = former_.back();
    next.offset = std::min(next.offset, oldest.offset);
    next.first_wall = std::min(next.first_wall, oldest.first_wall);
  }
}

bool ClockHistory::is_set() const {
  return offset_ && wall_ >= earliest_credible_time;
}

std::optional<double> ClockHistory::expire_before(std::chrono::seconds time_to_live) const {
  if (!in_step_ || !is_set()) {
    return std::nullopt;
  }
  const auto lifetime = static_cast<double>(time_to_live.count());
  auto slowest = *offset_;
  for (const auto& clock : former_) {
    if (steady_ - clock.left_at <= lifetime) {
      slowest = std::min(slowest, clock.offset);
    }
  }
  return slowest + steady_ - lifetime;
}

double ClockHistory::restamp(double stamp) const {
  const bool of_the_future = stamp > wall_ + slack;
  if (stamp >= first_wall_ && !of_the_future) {
    return stamp;
  }
  // The last clock that may have made the stamp is taken to have made it.
  for (const auto& clock : former_) {
    const auto last_wall = clock.offset + clock.left_at;
    // A point's stamp is cut to the second, which may have begun before the clock did.
    if (stamp >= std::max(clock.first_wall - slack, last_wall - remember_) &&
        stamp <= last_wall + slack) {
      const auto shift = std::floor(clock.shift);
      return shift > 0 || of_the_future ? std::min(stamp + shift, wall_) : stamp;
    }
  }
  return stamp;
}

std::vector<double> ClockHistory::former_walls() const {
  std::vector<double> walls;
  walls.reserve(former_.size());
  for (const auto& clock : former_) {
    walls.push_back(clock.offset + steady_);
  }
  return walls;
}

}  // namespace chouette
