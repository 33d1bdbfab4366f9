#pragma once

#include <optional>
#include <string>

namespace chouette {

/// A bearer token from a file, without the line end behind it. None if there is no such file.
/// Throws std::exception with the reason, never with the token, if the file cannot be read, is
/// larger than 64 KiB or empty, or holds what cannot stand in a header: anything but visible ASCII.
std::optional<std::string> read_bearer_token(const std::string& path);

}  // namespace chouette
