#include "host/proc_parsers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <system_error>

#include "support/words.hpp"

namespace chouette {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The kernel ends every line, so a last line without its end was cut off, its last number too.
std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.empty()) throw ParseError("empty");
  if (text.back() != '\n') throw ParseError("cut off");
  text.remove_suffix(1);
  return split(text, '\n');
}

ParseError bad_line(std::size_t index) {
  return ParseError("line " + std::to_string(index + 1) + " is not understood");
}

/// Spaces, tabs, line ends and backslashes stand as `\` and three octal digits.
std::string unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    if (text.size() >= 4 && text[0] == '\\' && text[1] <= '3' &&
        std::all_of(text.begin() + 1, text.begin() + 4, is_octal)) {
      plain += static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
      text.remove_prefix(4);
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  return plain;
}

double round_to_tenths(double value) {
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                     std::chars_format::fixed, 1);
  std::from_chars(digits.data(), written.ptr, value);
  return value;
}

}  // namespace

CpuTimes parse_stat(std::string_view text) {
  const auto words = words_of(lines_of(text).front());
  if (words.size() < 5 || words[0] != "cpu") throw ParseError("no line of all CPUs' times");
  CpuTimes times;
  const std::array fields{&times.user,   &times.nice, &times.system,  &times.idle,
                          &times.iowait, &times.irq,  &times.softirq, &times.steal};
  for (std::size_t i = 0; i < fields.size() && i + 1 < words.size(); ++i) {
    const auto ticks = to_number<std::uint64_t>(words[i + 1]);
    if (!ticks) throw bad_line(0);
    *fields[i] = *ticks;
  }
  return times;
}

std::optional<double> busy_percentage(const CpuTimes& before, const CpuTimes& after) {
  const auto passed = [&](std::uint64_t CpuTimes::*field) {
    return after.*field > before.*field ? static_cast<double>(after.*field - before.*field) : 0.0;
  };
  const double busy = passed(&CpuTimes::user) + passed(&CpuTimes::nice) +
                      passed(&CpuTimes::system) + passed(&CpuTimes::irq) +
                      passed(&CpuTimes::softirq) + passed(&CpuTimes::steal);
  const double total = busy + passed(&CpuTimes::idle) + passed(&CpuTimes::iowait);
  if (total == 0) return std::nullopt;
  return round_to_tenths(busy / total * 100);
}

double parse_loadavg(std::string_view text) {
  const auto words = words_of(lines_of(text).front());
  const auto load =
      words.empty() ? std::nullopt : to_number<double>(words.front(), std::chars_format::fixed);
  if (!load || !std::isfinite(*load) || *load < 0) throw bad_line(0);
  return *load;
}

MemoryInfo parse_meminfo(std::string_view text) {
  // Far beyond any machine's memory, and small enough that sums of bytes cannot overflow.
  constexpr std::int64_t most_kib = std::int64_t{1} << 50;
  std::map<std::string_view, std::string_view> fields;
  for (const auto line : lines_of(text)) {
    const auto words = words_of(line);
    // Lines without the unit are counts, or the table that kernels before 2.6 begin with.
    if (words.size() == 3 && words[2] == "kB") fields.emplace(words[0], words[1]);
  }
  // Only what is asked for must be right: kernels have been seen with wild values elsewhere.
  const auto find = [&](std::string_view name) -> std::optional<std::int64_t> {
    const auto field = fields.find(name);
    if (field == fields.end()) return std::nullopt;
    const auto kib = to_number<std::int64_t>(field->second);
    if (!kib || *kib < 0 || *kib > most_kib) throw ParseError(std::string(name) + " not a size");
    return *kib * 1024;
  };
  const auto total = find("MemTotal:");
  const auto free = find("MemFree:");
  if (!total || !free) throw ParseError("no MemTotal or no MemFree");
  if (*free > *total) throw ParseError("more MemFree than MemTotal");
  return {.total = *total,
          .free = *free,
          .buffers = find("Buffers:").value_or(0),
          .cached = find("Cached:").value_or(0),
          .available = find("MemAvailable:"),
          .active_file = find("Active(file):"),
          .inactive_file = find("Inactive(file):"),
          .slab_reclaimable = find("SReclaimable:")};
}

std::int64_t parse_low_watermark(std::string_view text) {
  constexpr std::int64_t most_pages = std::int64_t{1} << 40;
  std::int64_t sum = 0;
  const auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    if (words.size() < 2 || words[0] != "low") continue;
    const auto pages = to_number<std::int64_t>(words[1]);
    if (!pages || *pages < 0 || *pages > most_pages - sum) throw bad_line(i);
    sum += *pages;
  }
  return sum;
}

std::int64_t used_memory(const MemoryInfo& memory) {
  const std::int64_t taken = memory.total - memory.free;
  const std::int64_t used =
      taken - memory.buffers - memory.cached - memory.slab_reclaimable.value_or(0);
  // Some containers mix the host's fields with their own.
  return used < 0 ? taken : used;
}

std::int64_t available_memory(const MemoryInfo& memory, std::optional<std::int64_t> low_watermark) {
  std::int64_t available = memory.free + memory.cached;
  if (memory.available) {
    available = *memory.available;
  } else if (low_watermark && memory.active_file && memory.inactive_file &&
             memory.slab_reclaimable) {
    const auto reclaimable = [&](std::int64_t size) {
      return size - std::min(size / 2, *low_watermark);
    };
    available = memory.free - *low_watermark +
                reclaimable(*memory.active_file + *memory.inactive_file) +
                reclaimable(*memory.slab_reclaimable);
  }
  return available > memory.total ? memory.free : std::max<std::int64_t>(available, 0);
}

std::vector<InterfaceBytes> parse_net_dev(std::string_view text) {
  constexpr std::size_t header_lines = 2;
  constexpr std::size_t columns = 16;  // 8 of what was received, then 8 of what was sent
  const auto lines = lines_of(text);
  if (lines.size() < header_lines || lines[0].find('|') == std::string_view::npos ||
      lines[1].find("bytes") == std::string_view::npos) {
    throw ParseError("no table header");
  }
  std::vector<InterfaceBytes> interfaces;
  for (std::size_t i = header_lines; i < lines.size(); ++i) {
    // The last colon: an alias's name, such as eth0:1, has one of its own.
    const auto colon = lines[i].rfind(':');
    if (colon == std::string_view::npos) throw bad_line(i);
    const auto name = words_of(lines[i].substr(0, colon));
    const auto numbers = words_of(lines[i].substr(colon + 1));
    if (name.size() != 1 || numbers.size() != columns) throw bad_line(i);
    const auto received = to_number<std::uint64_t>(numbers[0]);
    const auto sent = to_number<std::uint64_t>(numbers[columns / 2]);
    if (!received || !sent) throw bad_line(i);
    interfaces.push_back({std::string(name[0]), *received, *sent});
  }
  return interfaces;
}

std::vector<Mount> parse_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  const auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // One space stands between fields, so a line that begins with one has an empty device.
    const auto fields = split(lines[i], ' ');
    if (fields.size() < 6) throw bad_line(i);
    mounts.push_back({unescape(fields[0]), unescape(fields[1]), unescape(fields[2])});
  }
  return mounts;
}

std::set<std::string> parse_filesystems(std::string_view text) {
  std::set<std::string> types;
  const auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    const bool nodev = words.size() == 2 && words[0] == "nodev";
    if (words.size() != 1 && !nodev) throw bad_line(i);
    // ZFS is marked nodev, as it handles its devices itself.
    if (!nodev || words[1] == "zfs") types.emplace(words.back());
  }
  return types;
}

bool is_physical(const Mount& mount, const std::set<std::string>& device_types) {
  return !mount.device.empty() && mount.device != "none" && device_types.contains(mount.type);
}

std::optional<std::string> device_in_partitions(std::string_view text, DeviceNumber device) {
  for (const auto line : split(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() == 4 && to_number<unsigned>(words[0]) == device.major_number &&
        to_number<unsigned>(words[1]) == device.minor_number) {
      return "/dev/" + std::string(words[3]);
    }
  }
  return std::nullopt;
}

std::optional<std::string> device_in_uevent(std::string_view text) {
  constexpr std::string_view key = "DEVNAME=";
  for (const auto line : split(text, '\n')) {
    if (line.size() > key.size() && line.starts_with(key)) {
      return "/dev/" + std::string(line.substr(key.size()));
    }
  }
  return std::nullopt;
}

}  // namespace chouette
