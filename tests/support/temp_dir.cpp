#include "support/temp_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace chouette::test {

namespace {

// The path of a unix socket has room for 107 bytes, so a long TMPDIR is of no use.
std::filesystem::path parent() {
  auto folder = std::filesystem::temp_directory_path();
  return folder.native().size() < 60 ? folder : "/tmp";
}

}  // namespace

TempDir::TempDir() {
  std::string name = parent() / "chouette-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace chouette::test
