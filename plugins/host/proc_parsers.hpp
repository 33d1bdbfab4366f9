#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/parse_error.hpp"

/// Pure readers of the texts in /proc, called by HostReader. The formats are those of proc(5).
/// Where a text is empty, cut off (its last line has no line end) or not understood they throw
/// ParseError; none of them depends on the locale.
namespace chouette {

/// Time that all CPUs together have spent since boot, in clock ticks. Guest time is left out: the
/// kernel counts it in `user` and `nice` as well.
struct CpuTimes {
  std::uint64_t user = 0;
  std::uint64_t nice = 0;
  std::uint64_t system = 0;
  std::uint64_t idle = 0;
  std::uint64_t iowait = 0;
  std::uint64_t irq = 0;
  std::uint64_t softirq = 0;
  std::uint64_t steal = 0;

  bool operator==(const CpuTimes&) const = default;
};

/// The first line of /proc/stat. Fields that an old kernel lacks are 0; the first four are needed.
CpuTimes parse_stat(std::string_view text);

/// Percentage of the time between two readings that the CPUs were busy, 0 to 100, rounded to one
/// decimal (a tie to the even digit, as Python's round). A field that went backwards counts as
/// unchanged. Nothing if no time has passed.
std::optional<double> busy_percentage(const CpuTimes& before, const CpuTimes& after);

/// The load average over one minute: the first field of /proc/loadavg.
double parse_loadavg(std::string_view text);

/// Fields of /proc/meminfo in bytes. What a kernel may lack is optional.
struct MemoryInfo {
  std::int64_t total = 0;
  std::int64_t free = 0;
  std::int64_t buffers = 0;                                     ///< 0 where it is missing.
  std::int64_t cached = 0;                                      ///< 0 where it is missing.
  std::optional<std::int64_t> available = std::nullopt;         ///< Since Linux 3.14.
  std::optional<std::int64_t> active_file = std::nullopt;       ///< Since Linux 2.6.28.
  std::optional<std::int64_t> inactive_file = std::nullopt;     ///< Since Linux 2.6.28.
  std::optional<std::int64_t> slab_reclaimable = std::nullopt;  ///< Since Linux 2.6.19.
};

/// /proc/meminfo.
MemoryInfo parse_meminfo(std::string_view text);

/// Sum of the zones' low watermarks in /proc/zoneinfo, in pages.
std::int64_t parse_low_watermark(std::string_view text);

/// Memory in use in bytes: not free, not buffers, not cached, not reclaimable slab.
std::int64_t used_memory(const MemoryInfo& memory);

/// Memory that programs can still get without swapping, in bytes. Where the kernel does not say, it
/// is estimated from free and reclaimable memory above the `low_watermark` (bytes), as Linux 3.14
/// did first; without that, it is free plus cached memory.
std::int64_t available_memory(const MemoryInfo& memory, std::optional<std::int64_t> low_watermark);

/// Bytes that passed through a network interface since it came up.
struct InterfaceBytes {
  std::string name;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;

  bool operator==(const InterfaceBytes&) const = default;
};

/// /proc/net/dev: every interface, lo as well, in the order of the file.
std::vector<InterfaceBytes> parse_net_dev(std::string_view text);

/// One line of /proc/PID/mounts.
struct Mount {
  std::string device;
  std::string mount_point;
  std::string type;

  bool operator==(const Mount&) const = default;
};

/// /proc/PID/mounts, with its octal escapes resolved.
std::vector<Mount> parse_mounts(std::string_view text);

/// /proc/filesystems: the types that live on a device, that is those not marked nodev, and zfs.
std::set<std::string> parse_filesystems(std::string_view text);

/// Whether a mount is a device's, as psutil.disk_partitions() counts them.
bool is_physical(const Mount& mount, const std::set<std::string>& device_types);

/// A block device, as in stat(2).
struct DeviceNumber {
  unsigned major_number = 0;
  unsigned minor_number = 0;
};

/// The device's path by /proc/partitions. Never throws: a text without it simply does not tell.
std::optional<std::string> device_in_partitions(std::string_view text, DeviceNumber device);

/// The device's path by its uevent file in sysfs. Never throws.
std::optional<std::string> device_in_uevent(std::string_view text);

}  // namespace chouette
