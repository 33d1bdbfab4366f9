#include "status/status.hpp"

#include <algorithm>

namespace chouette {

std::string_view to_string(KeyStatus status) {
  switch (status) {
    case KeyStatus::accepted:
      return "accepted";
    case KeyStatus::refused:
      return "refused";
    case KeyStatus::unknown:
      break;
  }
  return "unknown";
}

bool Status::alive() const {
  return std::all_of(actors.begin(), actors.end(),
                     [](const ActorStatus& actor) { return actor.alive(); });
}

}  // namespace chouette
