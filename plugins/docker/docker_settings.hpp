#pragma once

#include <string>
#include <vector>

namespace chouette {

/// Where the engine is and what to ask it.
struct DockerSettings {
  std::string socket = "/var/run/docker.sock";
  std::vector<std::string> metrics;  ///< Any of: memory cpu working_set network restarts.
};

}  // namespace chouette
