#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

namespace chouette::test {

/// A CHOUETTE_PLUGIN_DIR with some of the shared objects that were built for the tests, with such
/// rights that the agent loads them.
class PluginFolder {
public:
  explicit PluginFolder(const std::vector<std::string>& objects) {
    namespace fs = std::filesystem;
    for (const auto& object : objects) {
      const auto path = folder_ / (object + ".so");
      fs::copy_file(fs::path(CHOUETTE_EXTENSIONS) / (object + ".so"), path);
      fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    }
  }

  std::string path() const { return folder_.path(); }

private:
  TempDir folder_;
};

}  // namespace chouette::test
