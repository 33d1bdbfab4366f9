#pragma once

#include <optional>
#include <string>

namespace chouette {

/// Why a folder must not be trusted with code that the agent runs: it cannot be read, or others
/// than root and the agent's user may write to it. None if it may be.
std::optional<std::string> fault_of_folder(const std::string& path);

/// Why a file is not to be handed to dlopen, which crashes on a file that is cut off and has no
/// words for one that was built for another processor. None if it may be.
std::optional<std::string> fault_of_shared_object(const std::string& path);

}  // namespace chouette
