#pragma once

#include <string>
#include <vector>

namespace chouette {

/// The tool to run and what to take from its lines.
struct TegrastatsSettings {
  std::string path = "/usr/bin/tegrastats";
  std::vector<std::string> metrics;  ///< Any of: ram temp gpu power swap.
};

}  // namespace chouette
