#pragma once

#include <filesystem>
#include <string_view>

namespace chouette::test {

/// A new, empty folder of its own; removed at the end with all that is in it.
class TempDir {
public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

}  // namespace chouette::test
