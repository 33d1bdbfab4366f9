#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/parse_error.hpp"

/// Pure readers of single files in sysfs, called by RpiReader. Each file is one line; where it is
/// empty, cut off (no line end), longer than that, holds control characters or is not understood
/// they throw ParseError. None of them depends on the locale.
namespace chouette {

/// A name that is to become a tag, of 1 to 64 bytes: `type` of a thermal zone, `name` and
/// `temp*_label` of a hwmon. Documentation/ABI/testing/sysfs-class-thermal and sysfs-class-hwmon.
std::string parse_name(std::string_view text);

/// Degrees Celsius, from millidegrees that may be negative: `temp` of a thermal zone, `temp*_input`
/// of a hwmon. Refuses what is below absolute zero, as the kernel's THERMAL_TEMP_INVALID is.
/// Documentation/ABI/testing/sysfs-class-thermal and sysfs-class-hwmon.
double parse_temperature(std::string_view text);

/// What the firmware holds back the SoC for.
struct PowerTrouble {
  bool undervoltage = false;
  bool frequency_capped = false;
  bool throttled = false;
  bool temperature_limited = false;

  bool operator==(const PowerTrouble&) const = default;
};

/// The firmware's answer as the kernel last got it. `lately` is what happened since the kernel had
/// asked before.
struct Throttling {
  PowerTrouble now;
  PowerTrouble lately;
};

/// The firmware's `get_throttled`: hexadecimal, with or without 0x; bits 0 to 3 now, 16 to 19
/// lately, others ignored. Form: get_throttled_show() in drivers/firmware/raspberrypi.c of
/// github.com/raspberrypi/linux, branches rpi-4.14.y to rpi-6.6.y; bits: `vcgencmd get_throttled`
/// in Raspberry Pi's documentation.
Throttling parse_throttled(std::string_view text);

/// `in0_lcrit_alarm` of the hwmon rpi_volt: 0 or 1. Documentation/hwmon/raspberrypi-hwmon.rst.
bool parse_alarm(std::string_view text);

/// Hertz, from `scaling_cur_freq` in kHz. Documentation/admin-guide/pm/cpufreq.rst.
std::uint64_t parse_frequency(std::string_view text);

/// Bytes written, from the seventh field of a block device's `stat`, in sectors of 512 bytes
/// whatever the device's own are. Documentation/block/stat.rst.
std::uint64_t parse_bytes_written(std::string_view text);

/// Share of an eMMC's life that its wear has used up, in percent: the upper bound of the step of
/// ten that the device tells; 110 means more than all. Nothing where it tells nothing.
struct LifeUsed {
  std::optional<int> type_a;
  std::optional<int> type_b;

  bool operator==(const LifeUsed&) const = default;
};

/// An eMMC's `life_time`: both types in hexadecimal, 0x00 undefined, 0x01 to 0x0b, the others
/// reserved. Form: drivers/mmc/core/mmc.c; values: JEDEC JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A and
/// _B.
LifeUsed parse_life_time(std::string_view text);

/// An eMMC's `pre_eol_info`: how many of its reserve blocks are used up, 1 normal, 2 warning (80
/// %), 3 urgent; nothing for undefined (0) and reserved values. Hexadecimal, on old kernels without
/// 0x. Form: drivers/mmc/core/mmc.c; values: JEDEC JESD84-B51, PRE_EOL_INFO.
std::optional<int> parse_pre_eol(std::string_view text);

}  // namespace chouette
