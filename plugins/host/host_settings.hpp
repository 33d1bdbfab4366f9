#pragma once

#include <string>
#include <vector>

namespace chouette {

/// What the host plugin reads, and where.
struct HostSettings {
  std::vector<std::string> metrics;  ///< Any of: cpu fs la ram network.
  std::string proc = "/proc";        ///< The host's /proc (HOST_PROC).
  std::string sys = "/sys";          ///< The host's /sys (HOST_SYS).
  std::string mount_prefix = "";     ///< Where the host's / is mounted (HOST_MOUNT_PREFIX).
};

}  // namespace chouette
