#pragma once

#include <string>

namespace chouette {

/// Where the machine is seen from here, for all plugins that read it. In a container the machine's
/// own folders are mounted somewhere else than the container's.
struct MachineRoots {
  std::string proc = "/proc";     ///< The machine's /proc (HOST_PROC).
  std::string sys = "/sys";       ///< The machine's /sys (HOST_SYS).
  std::string mount_prefix = "";  ///< Where the machine's / is mounted (HOST_MOUNT_PREFIX).
};

}  // namespace chouette
