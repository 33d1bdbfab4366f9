#include "support/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace chouette {
namespace {

constexpr std::size_t largest_file =
    std::size_t{4} * 1024 * 1024;  // thousands of containers' mounts fit

class File {
public:
  /// Does not block, lest a pipe in a file's place hold up the plugin.
  explicit File(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) throw last_error();
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }

  std::size_t read(char* buffer, std::size_t size) {
    while (true) {
      const ssize_t count = ::read(descriptor_, buffer, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) throw last_error();
    }
  }

private:
  int descriptor_;
};

}  // namespace

std::runtime_error last_error() {
  return std::runtime_error(std::generic_category().message(errno));
}

std::string read_text(const std::string& path) {
  constexpr std::size_t chunk = 16384;
  File file(path);
  std::string text;
  while (text.size() <= largest_file) {
    const std::size_t size = text.size();
    text.resize(size + chunk);
    const std::size_t count = file.read(text.data() + size, chunk);
    text.resize(size + count);
    if (count == 0) return text;
  }
  throw std::runtime_error("larger than 4 MiB");
}

std::optional<std::string> try_read_text(const std::string& path) {
  try {
    return read_text(path);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string without_trailing_slashes(std::string path) {
  path.erase(path.find_last_not_of('/') + 1);
  return path;
}

}  // namespace chouette
