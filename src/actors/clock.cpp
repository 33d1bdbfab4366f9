#include "actors/clock.hpp"

#include <cmath>

namespace chouette {

namespace {

caf::timespan to_timespan(double seconds) {
  return std::chrono::duration_cast<caf::timespan>(std::chrono::duration<double>(seconds));
}

/// The seconds from `time` to the next multiple of `period` plus `offset`, in (0, period].
double until_multiple(double time, double period, double offset) {
  const auto phase = std::fmod(time - offset, period);
  return period - (phase < 0 ? phase + period : phase);
}

}  // namespace

double wall_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

caf::timespan first_tick(double wall, std::chrono::seconds period, double offset) {
  return to_timespan(until_multiple(wall, static_cast<double>(period.count()), offset));
}

caf::timespan next_tick(double wall, std::chrono::seconds period, double offset) {
  const auto length = static_cast<double>(period.count());
  return to_timespan(length / 2 + until_multiple(wall + length / 2, length, offset));
}

}  // namespace chouette
