#pragma once

#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "recorded_lines.hpp"
#include "support/temp_dir.hpp"

namespace chouette::test {

/// A shell script in tegrastats' place. It runs in a folder of its own, where the test can read and
/// write files, and keeps a record of its starts.
class FakeTegrastats {
public:
  explicit FakeTegrastats(std::string_view script) {
    write("tegrastats", "#!/bin/sh\ncd '" + folder_.path().string() +
                            "'\necho \"$$ $*\" >>starts\n" + std::string(script) + '\n');
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }

  std::filesystem::path folder() const { return folder_.path(); }
  std::string path() const { return (folder_ / "tegrastats").string(); }

  void write(std::string_view name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  bool has(std::string_view name) const { return std::filesystem::exists(folder_ / name); }
  std::string read(std::string_view name) const { return text_of(folder_ / name); }

  struct Start {
    pid_t pid = 0;
    std::string arguments;
  };

  /// One for each time that it was started.
  std::vector<Start> starts() const {
    std::vector<Start> all;
    if (!has("starts")) return all;
    std::istringstream lines(read("starts"));
    for (Start start; lines >> start.pid && std::getline(lines >> std::ws, start.arguments);) {
      all.push_back(start);
    }
    return all;
  }

private:
  TempDir folder_;
};

/// Not for a process that has ended, be it reaped or not.
inline bool is_running(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  const auto end_of_name = text.rfind(')');
  const char state = end_of_name + 2 < text.size() ? text[end_of_name + 2] : 'X';
  return state != 'Z' && state != 'X';
}

}  // namespace chouette::test
