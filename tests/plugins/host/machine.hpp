#pragma once

#include <algorithm>
#include <chouette/plugin.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.hpp"

namespace chouette::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// A folder of its own, removed with everything in it.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "chouette-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// A copy of a recorded machine that a test may change, and the kernel's answers on it.
class Machine {
public:
  explicit Machine(const std::string& name)
      : recording_(std::filesystem::path(CHOUETTE_FIXTURES) / "proc" / name) {
    std::filesystem::copy(recording_, proc(), std::filesystem::copy_options::recursive);
    std::istringstream(read_file(recording_ / "root_device")) >> root.major_number >>
        root.minor_number;
    std::istringstream lines(read_file(recording_ / "statvfs"));
    std::int64_t blocks = 0;
    std::int64_t free = 0;
    std::int64_t available = 0;
    std::int64_t size = 0;
    while (lines >> blocks >> free >> available >> size) {
      std::string mount_point;
      std::getline(lines >> std::ws, mount_point);
      disks[mount_point] = {(blocks - free) * size, available * size};
    }
  }

  std::filesystem::path proc() const { return folder_.path() / "proc"; }
  std::filesystem::path sys() const { return folder_.path() / "sys"; }
  const std::filesystem::path& recording() const { return recording_; }

  /// Lets the time pass until `stat.later`.
  void later() const { write_file(proc() / "stat", read_file(recording_ / "stat.later")); }

  HostSettings settings(std::vector<std::string> metrics) const {
    return {.metrics = std::move(metrics),
            .roots = {.proc = proc().string(), .sys = sys().string()}};
  }

  HostCalls calls() const {
    return {.disk_space =
                [this](const std::string& mount_point) {
                  const auto disk = disks.find(mount_point);
                  if (disk == disks.end()) throw std::runtime_error("No such file or directory");
                  return disk->second;
                },
            .device_number =
                [this](const std::string& path) {
                  if (path != root_path) throw std::runtime_error("No such file or directory");
                  return root;
                },
            .page_size = 4096};
  }

  std::unique_ptr<Plugin> plugin(std::vector<std::string> metrics) const {
    return make_host_plugin(settings(std::move(metrics)), calls());
  }

  std::map<std::string, DiskSpace> disks;  ///< By mount point.
  DeviceNumber root;
  std::string root_path = "/";

private:
  TemporaryFolder folder_;
  std::filesystem::path recording_;
};

/// A captured value; throws if there is none. `tag` may be left out where the metric has none.
inline double value_of(const Capture& capture, const std::string& name,
                       const std::string& tag = "") {
  const Tags tags = tag.empty() ? Tags{} : Tags{tag};
  const auto metric =
      std::find_if(capture.metrics.begin(), capture.metrics.end(),
                   [&](const auto& each) { return each.name == name && each.tags == tags; });
  if (metric == capture.metrics.end()) throw std::runtime_error("no " + name + " " + tag);
  return metric->value;
}

/// The distinct names of a capture.
inline std::set<std::string> names_of(const Capture& capture) {
  std::set<std::string> names;
  for (const auto& metric : capture.metrics) names.insert(metric.name);
  return names;
}

/// The distinct tags of a capture.
inline std::set<std::string> tags_of(const Capture& capture) {
  std::set<std::string> tags;
  for (const auto& metric : capture.metrics) tags.insert(metric.tags.begin(), metric.tags.end());
  return tags;
}

}  // namespace chouette::test
