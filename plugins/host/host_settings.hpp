#pragma once

#include <string>
#include <vector>

#include "support/machine_roots.hpp"

namespace chouette {

/// What the host plugin reads, and where.
struct HostSettings {
  std::vector<std::string> metrics;  ///< Any of: cpu fs la ram network.
  MachineRoots roots;
};

}  // namespace chouette
