#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace chouette::test {

/// The command that runs `program` where `file` lies in the place of `original`, for it and its
/// children alone. It takes the right to mount, which a container may not have.
std::vector<std::string> with_file_in_place_of(const std::filesystem::path& file,
                                               const std::filesystem::path& original,
                                               const std::vector<std::string>& program);

}  // namespace chouette::test
