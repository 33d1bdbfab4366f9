#include "queue/retention.hpp"

namespace chouette {

Retention::Retention(std::chrono::seconds time_to_live)
    : time_to_live_(time_to_live), history_(time_to_live) {}

std::optional<double> Retention::expire_before(double wall, SteadyTime steady) {
  history_.observe(wall, steady);
  return history_.expire_before(time_to_live_);
}

}  // namespace chouette
