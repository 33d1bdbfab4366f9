#include "support/bind_mount.hpp"

#include <unistd.h>

namespace chouette::test {

std::vector<std::string> with_file_in_place_of(const std::filesystem::path& file,
                                               const std::filesystem::path& original,
                                               const std::vector<std::string>& program) {
  std::vector<std::string> command{"unshare", "--mount"};
  if (geteuid() != 0) {
    command.insert(command.end(), {"--user", "--map-root-user"});
  }
  command.insert(command.end(), {"sh", "-c", R"(mount --bind "$0" "$1" && shift && exec "$@")",
                                 file.string(), original.string()});
  command.insert(command.end(), program.begin(), program.end());
  return command;
}

}  // namespace chouette::test
