#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace chouette {

/// A command that prints metrics.
struct ExecCommand {
  std::vector<std::string> arguments;  ///< The first is the program: a path, or found in PATH.
  std::optional<std::chrono::seconds> timeout;  ///< Its own, instead of the one for all.

  bool operator==(const ExecCommand&) const = default;
};

/// The commands of a capture.
struct ExecSettings {
  std::vector<ExecCommand> commands;
  std::chrono::seconds timeout{5};
};

}  // namespace chouette
