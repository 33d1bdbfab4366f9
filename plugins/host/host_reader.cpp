#include "host/host_reader.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <utility>

#include "support/files.hpp"

namespace chouette {
namespace {

DiskSpace disk_space_by_statvfs(const std::string& mount_point) {
  struct statvfs stat {};
  if (::statvfs(mount_point.c_str(), &stat) != 0) throw last_error();
  // Wide before multiplying: on 32-bit machines the block size is an unsigned long of 32 bits.
  const std::uint64_t block_size = stat.f_frsize;
  const std::uint64_t used_blocks = std::uint64_t{stat.f_blocks} - stat.f_bfree;
  return {static_cast<std::int64_t>(used_blocks * block_size),
          static_cast<std::int64_t>(stat.f_bavail * block_size)};
}

DeviceNumber device_number_by_stat(const std::string& path) {
  struct stat stat {};
  if (::stat(path.c_str(), &stat) != 0) throw last_error();
  return {major(stat.st_dev), minor(stat.st_dev)};
}

}  // namespace

HostCalls system_calls() {
  return {disk_space_by_statvfs, device_number_by_stat, ::sysconf(_SC_PAGESIZE)};
}

HostReader::HostReader(const HostSettings& settings, HostCalls calls)
    : proc_(without_trailing_slashes(settings.roots.proc)),
      // In another machine's /proc, `self` is this process's container or no process at all.
      process_(proc_ + (proc_ == "/proc" ? "/self" : "/1")),
      sys_(without_trailing_slashes(settings.roots.sys)),
      mount_prefix_(without_trailing_slashes(settings.roots.mount_prefix)),
      calls_(std::move(calls)) {}

CpuTimes HostReader::cpu_times() const {
  return read_and_parse(proc_ + "/stat", parse_stat);
}

double HostReader::load() const {
  return read_and_parse(proc_ + "/loadavg", parse_loadavg);
}

MemoryInfo HostReader::memory() const {
  return read_and_parse(proc_ + "/meminfo", parse_meminfo);
}

std::optional<std::int64_t> HostReader::low_watermark() const {
  const std::string path = proc_ + "/zoneinfo";
  const auto text = try_read_text(path);
  if (!text) return std::nullopt;
  return naming(path, [&] { return parse_low_watermark(*text) * calls_.page_size; });
}

std::vector<InterfaceBytes> HostReader::interfaces() const {
  return read_and_parse(process_ + "/net/dev", parse_net_dev);
}

std::vector<Mount> HostReader::disks() const {
  const auto types = read_and_parse(proc_ + "/filesystems", parse_filesystems);
  auto mounts = read_and_parse(process_ + "/mounts", parse_mounts);
  std::erase_if(mounts, [&](const Mount& mount) { return !is_physical(mount, types); });
  for (auto& mount : mounts) {
    if (mount.device == "/dev/root" || mount.device == "rootfs") {
      mount.device = root_device().value_or(mount.device);
    }
  }
  return mounts;
}

std::string HostReader::path_of(const Mount& mount) const {
  return mount_prefix_ + mount.mount_point;
}

DiskSpace HostReader::space_of(const Mount& mount) const {
  const std::string path = path_of(mount);
  return naming(path, [&] { return calls_.disk_space(path); });
}

std::optional<std::string> HostReader::root_device() const {
  DeviceNumber root;
  try {
    root = calls_.device_number(mount_prefix_ + "/");
  } catch (const std::exception&) {
    return std::nullopt;
  }
  const auto partitions = try_read_text(proc_ + "/partitions").value_or("");
  if (auto device = device_in_partitions(partitions, root)) return device;
  const auto number = std::to_string(root.major_number) + ":" + std::to_string(root.minor_number);
  const auto uevent = try_read_text(sys_ + "/dev/block/" + number + "/uevent").value_or("");
  return device_in_uevent(uevent);
}

}  // namespace chouette
