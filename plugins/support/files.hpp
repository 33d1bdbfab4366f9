#pragma once

#include <optional>
#include <stdexcept>
#include <string>

namespace chouette {

/// The last failed system call's reason, as text.
std::runtime_error last_error();

/// The whole of a file, at most 4 MiB. Never waits, not even for a pipe in a file's place. Throws
/// std::exception with the reason, without the path.
std::string read_text(const std::string& path);

/// For sources that a kernel may lack: nothing if the file cannot be read.
std::optional<std::string> try_read_text(const std::string& path);

/// Calls `read` and puts the path before the reason if it fails.
template <class Read>
auto naming(const std::string& path, Read read) {
  try {
    return read();
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

/// What `parse` makes of the file's text; what either throws names the path.
template <class Parse>
auto read_and_parse(const std::string& path, Parse parse) {
  return naming(path, [&] { return parse(read_text(path)); });
}

std::string without_trailing_slashes(std::string path);

}  // namespace chouette
