#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rpi/rpi_parsers.hpp"

namespace chouette {

/// Where a temperature can be read.
struct TemperatureSensor {
  std::string name;  ///< Different for each sensor, the same at each reading.
  std::string path;
};

struct TemperatureSensors {
  std::vector<TemperatureSensor> sensors;
  std::vector<std::string> faults;  ///< Sensors whose names cannot be read.
};

/// Reads a Raspberry Pi's state below its /sys; the rpi plugin calls it from its thread. Each
/// function reads anew, lists only the folders it names, and throws std::exception with the path
/// and the reason.
class RpiReader {
public:
  explicit RpiReader(const std::string& sys);

  /// The thermal zones and those hwmon sensors that do not mirror one. A zone is named by its type,
  /// a hwmon by its name, with the label or number of the sensor if it has several. Those of equal
  /// names get their number in sysfs as well, inputs of one hwmon with equal labels their own too.
  TemperatureSensors temperature_sensors() const;
  double temperature(const TemperatureSensor& sensor) const;

  /// The firmware's get_throttled, which Raspberry Pi's kernels had from 4.14 on until 6.12 lost it
  /// in 2025; nothing where there is none. Throws where it is as old as the boot.
  std::optional<Throttling> throttling() const;

  /// The hwmon rpi_volt's alarm; nothing where there is none.
  std::optional<bool> undervoltage() const;

  /// Numbers of the CPU frequency policies. The CPUs of one policy share a clock.
  std::vector<std::string> frequency_policies() const;
  std::uint64_t frequency(const std::string& policy) const;

  /// SD cards and eMMCs, without their boot and RPMB partitions.
  std::vector<std::string> cards() const;
  std::uint64_t bytes_written(const std::string& card) const;

  /// Only eMMCs have these two; nothing on an SD card.
  LifeUsed life_used(const std::string& card) const;
  std::optional<int> pre_eol(const std::string& card) const;

private:
  std::optional<std::string> firmware() const;

  std::string sys_;
};

}  // namespace chouette
