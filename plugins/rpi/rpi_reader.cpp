#include "rpi/rpi_reader.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/files.hpp"

namespace chouette {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// Names in a folder, in no order; none if there is no such folder.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw std::runtime_error(folder + ": " + error.message());
  }
  return names;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// What stands between `prefix` and `suffix` where it is a number, in the numbers' order.
std::vector<std::string> numbers_in(const std::string& folder, std::string_view prefix,
                                    std::string_view suffix = "") {
  std::vector<std::string> numbers;
  for (const auto& name : names_in(folder)) {
    if (name.size() <= prefix.size() + suffix.size()) continue;
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    auto number = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    if (is_number(number)) numbers.push_back(std::move(number));
  }
  std::sort(numbers.begin(), numbers.end(), [](const auto& a, const auto& b) {
    return std::pair(a.size(), std::string_view(a)) < std::pair(b.size(), std::string_view(b));
  });
  return numbers;
}

/// As drivers/thermal/thermal_hwmon.c makes a hwmon's name of a zone's type.
std::string hwmon_name(std::string zone_type) {
  std::replace(zone_type.begin(), zone_type.end(), '-', '_');
  return zone_type;
}

/// A zone's hwmon points to it on newer kernels, the newest of which number its name besides; on
/// old ones only the name tells.
bool points_to_thermal_zone(const std::string& hwmon) {
  std::error_code error;
  const auto target = fs::read_symlink(hwmon + "/device", error);
  return !error && target.filename().string().starts_with("thermal_zone");
}

struct NumberedSensor {
  TemperatureSensor sensor;
  std::string number;  ///< Of the zone or hwmon.
  std::string file;    ///< Without its suffix.
};

/// Appends what `suffix` makes of a sensor to the names that more than one has.
template <class Suffix>
void tell_apart(std::vector<NumberedSensor>& sensors, Suffix suffix) {
  std::map<std::string, int> uses;
  for (const auto& each : sensors) ++uses[each.sensor.name];
  for (auto& each : sensors) {
    if (uses[each.sensor.name] > 1) each.sensor.name += suffix(each);
  }
}

std::vector<TemperatureSensor> with_distinct_names(std::vector<NumberedSensor>&& numbered) {
  tell_apart(numbered, [](const auto& each) { return "-" + each.number; });
  tell_apart(numbered, [](const auto& each) { return "." + each.file; });
  std::vector<TemperatureSensor> sensors;
  sensors.reserve(numbered.size());
  for (auto& each : numbered) sensors.push_back(std::move(each.sensor));
  return sensors;
}

}  // namespace

RpiReader::RpiReader(const std::string& sys) : sys_(without_trailing_slashes(sys)) {}

TemperatureSensors RpiReader::temperature_sensors() const {
  std::vector<NumberedSensor> found;
  std::vector<std::string> faults;
  std::set<std::string> mirrored;

  const std::string zones = sys_ + "/class/thermal/thermal_zone";
  for (const auto& number : numbers_in(sys_ + "/class/thermal", "thermal_zone")) {
    const std::string zone = zones + number;
    try {
      const auto type = read_and_parse(zone + "/type", parse_name);
      mirrored.insert(hwmon_name(type));
      found.push_back({{type, zone + "/temp"}, number, "temp"});
    } catch (const std::exception& error) {
      faults.emplace_back(error.what());
    }
  }

  for (const auto& number : numbers_in(sys_ + "/class/hwmon", "hwmon")) {
    const std::string hwmon = sys_ + "/class/hwmon/hwmon" + number;
    try {
      const auto inputs = numbers_in(hwmon, "temp", "_input");
      if (inputs.empty() || points_to_thermal_zone(hwmon)) continue;
      const auto name = read_and_parse(hwmon + "/name", parse_name);
      if (mirrored.contains(hwmon_name(name))) continue;
      for (const auto& input : inputs) {
        const auto temp = "temp" + input;
        const auto sensor = std::string(hwmon).append("/").append(temp);
        auto full_name = name;
        if (exists(sensor + "_label")) {
          full_name.append(".").append(read_and_parse(sensor + "_label", parse_name));
        } else if (inputs.size() > 1) {
          full_name.append(".").append(temp);
        }
        found.push_back({{full_name, sensor + "_input"}, number, temp});
      }
    } catch (const std::exception& error) {
      faults.emplace_back(error.what());
    }
  }
  return {with_distinct_names(std::move(found)), std::move(faults)};
}

double RpiReader::temperature(const TemperatureSensor& sensor) const {
  return read_and_parse(sensor.path, parse_temperature);
}

/// On a Pi 1 to 4 it is soc/soc:firmware, on a Pi 5 soc@107c000000/soc@107c000000:firmware, after
/// the nodes of the device tree (bcm2835-rpi.dtsi, bcm2712-rpi-5-b.dts).
std::optional<std::string> RpiReader::firmware() const {
  const std::string platform = sys_ + "/devices/platform/";
  const auto is_firmware = [](const std::string& folder, const std::string& name) {
    return name.find("firmware") != std::string::npos && exists(folder + name + "/get_throttled");
  };
  for (const auto& name : names_in(platform)) {
    if (is_firmware(platform, name)) return platform + name;
    if (!name.starts_with("soc")) continue;
    const std::string soc = platform + name + "/";
    for (const auto& device : names_in(soc)) {
      if (is_firmware(soc, device)) return soc + device;
    }
  }
  return std::nullopt;
}

std::optional<Throttling> RpiReader::throttling() const {
  const auto folder = firmware();
  if (!folder) return std::nullopt;
  const std::string path = *folder + "/get_throttled";
  // The file shows the last answer that a driver got, and since 4.19 that is the hwmon driver,
  // which asks every 2 s. While it is not loaded the file stays as it was at boot.
  const std::string poller = *folder + "/raspberrypi-hwmon";
  if (exists(poller) && !exists(poller + "/driver")) {
    throw std::runtime_error(path +
                             ": is not renewed: the kernel module raspberrypi-hwmon is not loaded");
  }
  return read_and_parse(path, parse_throttled);
}

std::optional<bool> RpiReader::undervoltage() const {
  for (const auto& number : numbers_in(sys_ + "/class/hwmon", "hwmon")) {
    const std::string hwmon = sys_ + "/class/hwmon/hwmon" + number;
    if (try_read_text(hwmon + "/name") != "rpi_volt\n") continue;
    return read_and_parse(hwmon + "/in0_lcrit_alarm", parse_alarm);
  }
  return std::nullopt;
}

std::vector<std::string> RpiReader::frequency_policies() const {
  return numbers_in(sys_ + "/devices/system/cpu/cpufreq", "policy");
}

std::uint64_t RpiReader::frequency(const std::string& policy) const {
  return read_and_parse(sys_ + "/devices/system/cpu/cpufreq/policy" + policy + "/scaling_cur_freq",
                        parse_frequency);
}

std::vector<std::string> RpiReader::cards() const {
  std::vector<std::string> cards;
  for (const auto& number : numbers_in(sys_ + "/block", "mmcblk")) {
    cards.push_back("mmcblk" + number);
  }
  return cards;
}

std::uint64_t RpiReader::bytes_written(const std::string& card) const {
  return read_and_parse(sys_ + "/block/" + card + "/stat", parse_bytes_written);
}

LifeUsed RpiReader::life_used(const std::string& card) const {
  const std::string path = sys_ + "/block/" + card + "/device/life_time";
  return exists(path) ? read_and_parse(path, parse_life_time) : LifeUsed{};
}

std::optional<int> RpiReader::pre_eol(const std::string& card) const {
  const std::string path = sys_ + "/block/" + card + "/device/pre_eol_info";
  return exists(path) ? read_and_parse(path, parse_pre_eol) : std::nullopt;
}

}  // namespace chouette
