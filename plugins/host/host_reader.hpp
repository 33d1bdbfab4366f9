#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/host_settings.hpp"
#include "host/proc_parsers.hpp"

namespace chouette {

/// Space of a mounted file system in bytes, counted as psutil.disk_usage() does: what root keeps
/// for itself is neither used nor free.
struct DiskSpace {
  std::int64_t used = 0;
  std::int64_t free = 0;
};

/// What the reader asks the kernel for beside files. Tests put a recorded machine's answers here.
/// Both functions throw std::exception with the reason.
struct HostCalls {
  std::function<DiskSpace(const std::string& mount_point)> disk_space;  ///< By statvfs(3).
  std::function<DeviceNumber(const std::string& path)> device_number;   ///< By stat(2).
  std::int64_t page_size = 0;                                           ///< In bytes.
};

/// The answers of the machine it runs on.
HostCalls system_calls();

/// Reads a machine's state below the roots in the settings; the host plugin calls it from its
/// thread. Each function reads anew, at most 4 MiB a file, and throws std::exception with the path
/// and the reason.
class HostReader {
public:
  HostReader(const HostSettings& settings, HostCalls calls);

  CpuTimes cpu_times() const;
  double load() const;
  MemoryInfo memory() const;

  /// Bytes that available_memory() needs where the kernel has no MemAvailable, if it has zones.
  std::optional<std::int64_t> low_watermark() const;

  std::vector<InterfaceBytes> interfaces() const;

  /// Mounts of physical devices, in the order of the mounts file. A device can come up repeatedly.
  std::vector<Mount> disks() const;

  /// The path below which `mount` is seen from here.
  std::string path_of(const Mount& mount) const;
  DiskSpace space_of(const Mount& mount) const;

private:
  std::optional<std::string> root_device() const;

  std::string proc_;
  std::string process_;  ///< The folder in proc_ whose mounts and network are the host's.
  std::string sys_;
  std::string mount_prefix_;
  HostCalls calls_;
};

}  // namespace chouette
