#pragma once

#include <string>
#include <vector>

#include "support/machine_roots.hpp"

namespace chouette {

/// What the rpi plugin reads, and where.
struct RpiSettings {
  std::vector<std::string> metrics;  ///< Any of: temperature power frequency storage.
  MachineRoots roots;
};

}  // namespace chouette
