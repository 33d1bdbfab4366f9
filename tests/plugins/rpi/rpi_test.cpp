#include "rpi/rpi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/config.hpp"
#include "pi.hpp"
#include "plugins.hpp"
#include "support/child_process.hpp"

namespace chouette {
namespace {

using test::Pi;
using test::values_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const std::vector<std::string> all_kinds{"temperature", "power", "frequency", "storage"};
const std::string zone0 = "devices/virtual/thermal/thermal_zone0";
const std::string firmware = "devices/platform/soc/soc:firmware";

// whole machines

TEST(RpiPlugin, ReadsAPi3) {
  const Pi pi("pi-3");
  const auto capture = pi.capture(all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(values_of(capture),
              UnorderedElementsAre(
                  Pair("temperature zone:cpu-thermal", 62.288), Pair("undervoltage.now", 1),
                  Pair("undervoltage.since_boot", 1), Pair("frequency_capped.now", 0),
                  Pair("frequency_capped.since_boot", 0), Pair("throttled.now", 1),
                  Pair("throttled.since_boot", 1), Pair("temperature_limited.now", 0),
                  Pair("temperature_limited.since_boot", 0), Pair("cpu.frequency policy:0", 600e6),
                  Pair("storage.bytes.written device:mmcblk0", 241066.0 * 512)));
}

TEST(RpiPlugin, ReadsAPi3WithAnOldKernel) {
  const Pi pi("pi-3-linux-4.14");
  const auto capture = pi.capture(all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(values_of(capture),
              UnorderedElementsAre(
                  Pair("temperature zone:bcm2835_thermal", 47.236), Pair("undervoltage.now", 0),
                  Pair("undervoltage.since_boot", 0), Pair("frequency_capped.now", 0),
                  Pair("frequency_capped.since_boot", 0), Pair("throttled.now", 0),
                  Pair("throttled.since_boot", 0), Pair("temperature_limited.now", 0),
                  Pair("temperature_limited.since_boot", 1), Pair("cpu.frequency policy:0", 1400e6),
                  Pair("storage.bytes.written device:mmcblk0", 41184.0 * 512)));
}

TEST(RpiPlugin, ClaimsNothingAboutThrottlingOnAPi4WhoseKernelDoesNotTell) {
  const Pi pi("pi-4");
  const auto capture = pi.capture(all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(values_of(capture),
              UnorderedElementsAre(Pair("temperature zone:cpu-thermal", 48.199),
                                   Pair("undervoltage.now", 0), Pair("undervoltage.since_boot", 0),
                                   Pair("cpu.frequency policy:0", 1800e6),
                                   Pair("storage.bytes.written device:mmcblk0", 16106127360.0)));
}

TEST(RpiPlugin, ReadsAPi5) {
  const Pi pi("pi-5");
  const auto capture = pi.capture(all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(
      values_of(capture),
      UnorderedElementsAre(
          Pair("temperature zone:cpu-thermal", 51.25),
          Pair("temperature zone:nvme.Composite", 36.85), Pair("temperature zone:rp1_adc", 55.472),
          Pair("undervoltage.now", 0), Pair("undervoltage.since_boot", 0),
          Pair("frequency_capped.now", 0), Pair("frequency_capped.since_boot", 1),
          Pair("throttled.now", 0), Pair("throttled.since_boot", 1),
          Pair("temperature_limited.now", 0), Pair("temperature_limited.since_boot", 1),
          Pair("cpu.frequency policy:0", 2400e6), Pair("storage.bytes.written device:mmcblk0", 0)));
}

TEST(RpiPlugin, ReadsTheWearOfAComputeModules4Emmc) {
  const Pi pi("cm-4");
  const auto capture = pi.capture(all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  const auto values = values_of(capture);
  EXPECT_THAT(values, Contains(Pair("temperature zone:cpu-thermal", -3.407)));
  EXPECT_THAT(values_of(pi.capture({"storage"})),
              UnorderedElementsAre(Pair("storage.bytes.written device:mmcblk0", 412309120.0 * 512),
                                   Pair("storage.life_used device:mmcblk0 type:a", 20),
                                   Pair("storage.life_used device:mmcblk0 type:b", 110),
                                   Pair("storage.pre_eol device:mmcblk0", 2)));
}

/// Of a key that values_of made.
std::string kind_of(const std::string& name) {
  if (name.starts_with("temperature zone:")) return "temperature";
  if (name.starts_with("cpu.frequency ")) return "frequency";
  return name.starts_with("storage.") ? "storage" : "power";
}

std::string kind_of_file(const std::string& file) {
  if (file.find("thermal") != std::string::npos || file.ends_with("_input")) return "temperature";
  if (file.find("cpufreq") != std::string::npos) return "frequency";
  return file.find("mmc") != std::string::npos ? "storage" : "power";
}

class EachPi : public testing::TestWithParam<std::string> {};

TEST_P(EachPi, GivesGaugesThatCarryTheGivenTimeAndSortedTags) {
  const Pi pi(GetParam());
  for (const auto& metric : pi.capture(all_kinds).metrics) {
    EXPECT_EQ(metric.timestamp, 1700001000) << metric.name;
    EXPECT_EQ(metric.type, SeriesType::gauge) << metric.name;
    EXPECT_TRUE(std::is_sorted(metric.tags.begin(), metric.tags.end())) << metric.name;
  }
}

TEST_P(EachPi, GivesTheSameAgain) {
  const Pi pi(GetParam());
  const auto plugin = pi.plugin(all_kinds);
  EXPECT_EQ(plugin->capture(1).metrics, plugin->capture(1).metrics);
}

TEST_P(EachPi, IsReadOnlyInTheKindsThatAreListed) {
  const Pi pi(GetParam());
  EXPECT_THAT(pi.capture({}).metrics, IsEmpty());
  std::size_t all = 0;
  for (const auto& kind : all_kinds) all += pi.capture({kind}).metrics.size();
  EXPECT_EQ(pi.capture(all_kinds).metrics.size(), all);
  EXPECT_EQ(pi.capture({"storage", "storage"}).metrics.size(),
            pi.capture({"storage"}).metrics.size());
}

TEST_P(EachPi, LosesNoMoreThanWhatADamagedFileTold) {
  const Pi pi(GetParam());
  const auto plugin = pi.plugin(all_kinds);
  const auto expected = values_of(plugin->capture(1));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(pi.sys())) {
    const auto file = entry.path().lexically_relative(pi.sys()).string();
    // Other names may follow from what names a sensor, but never other values.
    const bool is_name =
        file.ends_with("/name") || file.ends_with("/type") || file.ends_with("_label");
    if (!entry.is_symlink() && entry.is_regular_file() && !is_name) files.push_back(file);
  }
  ASSERT_GT(files.size(), 4U);
  for (const auto& file : files) {
    const auto text = test::read_file(pi / file);
    for (const std::string_view damage :
         {"", "\n", "x", "12", "\xff\xfe\n", "9999999999999999999999\n", "1\n2\n", "-\n"}) {
      pi.write(file, damage);
      const auto capture = plugin->capture(1);
      for (const auto& fault : capture.faults) {
        EXPECT_THAT(fault, testing::HasSubstr(file.substr(file.rfind('/'))));
        EXPECT_EQ(fault.find('\n'), std::string::npos);
      }
      const auto values = values_of(capture);
      for (const auto& [name, value] : expected) {
        EXPECT_TRUE(values.contains(name) || kind_of(name) == kind_of_file(file))
            << name << " is lost after damage to " << file;
      }
      for (const auto& [name, value] : values) {
        const auto was = expected.find(name);
        ASSERT_NE(was, expected.end()) << name << " after damage to " << file;
        EXPECT_EQ(value, was->second) << name << " after damage to " << file;
      }
    }
    pi.write(file, text);
    EXPECT_EQ(values_of(plugin->capture(1)), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Rpi, EachPi,
                         testing::Values("pi-3", "pi-3-linux-4.14", "pi-4", "pi-5", "cm-4"),
                         [](const auto& info) {
                           auto name = info.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

// temperature

TEST(RpiTemperatures, OfAZonesHwmonAreNotSentASecondTimeWhateverItsName) {
  const Pi pi("pi-4");
  pi.write(zone0 + "/hwmon0/name", "cpu_thermal_0\n");  // as the newest kernels name it
  EXPECT_THAT(values_of(pi.capture({"temperature"})),
              ElementsAre(Pair("temperature zone:cpu-thermal", 48.199)));
}

TEST(RpiTemperatures, OfAZonesHwmonAreNotSentASecondTimeWithoutALink) {
  const Pi pi("pi-4");
  pi.remove(zone0 + "/hwmon0/device");
  EXPECT_THAT(values_of(pi.capture({"temperature"})),
              ElementsAre(Pair("temperature zone:cpu-thermal", 48.199)));
}

TEST(RpiTemperatures, OfZonesWithOneNameStayApart) {
  const Pi pi("pi-4");
  pi.write("class/thermal/thermal_zone10/type", "cpu-thermal\n");
  pi.write("class/thermal/thermal_zone10/temp", "10000\n");
  pi.write("class/thermal/thermal_zone2/type", "gpu\n");
  pi.write("class/thermal/thermal_zone2/temp", "2000\n");
  EXPECT_THAT(values_of(pi.capture({"temperature"})),
              UnorderedElementsAre(Pair("temperature zone:cpu-thermal-0", 48.199),
                                   Pair("temperature zone:cpu-thermal-10", 10),
                                   Pair("temperature zone:gpu", 2)));
}

TEST(RpiTemperatures, KeepTheirNamesWhenTheirNamesakeCannotBeRead) {
  const Pi pi("pi-4");
  pi.write("class/thermal/thermal_zone1/type", "cpu-thermal\n");
  const auto capture = pi.capture({"temperature"});
  EXPECT_THAT(values_of(capture), ElementsAre(Pair("temperature zone:cpu-thermal-0", 48.199)));
  EXPECT_THAT(capture.faults, ElementsAre("temperature: " + (pi / "class/thermal").string() +
                                          "/thermal_zone1/temp: No such file or directory"));
}

TEST(RpiTemperatures, OfAHwmonWithSeveralSensorsAreNamedByLabelOrNumber) {
  const Pi pi;
  pi.write("class/hwmon/hwmon7/name", "sht3x\n");
  pi.write("class/hwmon/hwmon7/temp1_input", "1000\n");
  pi.write("class/hwmon/hwmon7/temp2_input", "2000\n");
  pi.write("class/hwmon/hwmon7/temp10_input", "10000\n");
  pi.write("class/hwmon/hwmon7/temp10_label", "Roof 2\n");
  EXPECT_THAT(values_of(pi.capture({"temperature"})),
              UnorderedElementsAre(Pair("temperature zone:sht3x.temp1", 1),
                                   Pair("temperature zone:sht3x.temp2", 2),
                                   Pair("temperature zone:sht3x.Roof 2", 10)));
}

TEST(RpiTemperatures, OfTwoNvmesStayApart) {
  const Pi pi;
  for (const std::string hwmon : {"class/hwmon/hwmon1", "class/hwmon/hwmon2"}) {
    pi.write(hwmon + "/name", "nvme\n");
    pi.write(hwmon + "/temp1_input", "1000\n");
    pi.write(hwmon + "/temp1_label", "Composite\n");
  }
  EXPECT_THAT(values_of(pi.capture({"temperature"})),
              UnorderedElementsAre(Pair("temperature zone:nvme.Composite-1", 1),
                                   Pair("temperature zone:nvme.Composite-2", 1)));
}

TEST(RpiTemperatures, OfOneHwmonWithEqualLabelsStayApart) {
  const Pi pi;
  for (const std::string hwmon : {"class/hwmon/hwmon1", "class/hwmon/hwmon2"}) {
    pi.write(hwmon + "/name", "acme\n");
    for (const std::string input : {"1", "2"}) {
      pi.write(hwmon + "/temp" + input + "_input", input + "000\n");
      pi.write(hwmon + "/temp" + input + "_label", "Case\n");
    }
  }
  EXPECT_THAT(values_of(pi.capture({"temperature"})),
              UnorderedElementsAre(Pair("temperature zone:acme.Case-1.temp1", 1),
                                   Pair("temperature zone:acme.Case-1.temp2", 2),
                                   Pair("temperature zone:acme.Case-2.temp1", 1),
                                   Pair("temperature zone:acme.Case-2.temp2", 2)));
}

TEST(RpiTemperatures, OfSensorsWithHostileNamesAreNotSent) {
  for (const std::string_view name : {"", "\n", "a\nb\n", "a\x1b[31m\n", "no line end"}) {
    const Pi pi("pi-4");
    pi.write("class/thermal/thermal_zone1/type", name);
    pi.write("class/thermal/thermal_zone1/temp", "1000\n");
    const auto capture = pi.capture({"temperature"});
    EXPECT_THAT(values_of(capture), ElementsAre(Pair("temperature zone:cpu-thermal", 48.199)));
    ASSERT_EQ(capture.faults.size(), 1U);
    EXPECT_THAT(capture.faults[0], testing::StartsWith("temperature: "));
    EXPECT_THAT(capture.faults[0], testing::HasSubstr("thermal_zone1/type: "));
  }
}

TEST(RpiTemperatures, OfAHwmonWithoutANameAreAFault) {
  const Pi pi("pi-4");
  pi.write("class/hwmon/hwmon9/temp1_input", "1000\n");
  const auto capture = pi.capture({"temperature"});
  EXPECT_EQ(capture.metrics.size(), 1U);
  EXPECT_THAT(capture.faults, ElementsAre("temperature: " + (pi / "class/hwmon").string() +
                                          "/hwmon9/name: No such file or directory"));
}

TEST(RpiTemperatures, AreReadFromNumberedFoldersOnly) {
  const Pi pi("pi-4");
  for (const std::string name : {"thermal_zone", "thermal_zone1x", "thermal_zone-1", "thermal"}) {
    pi.write("class/thermal/" + name + "/type", "other\n");
    pi.write("class/thermal/" + name + "/temp", "1000\n");
  }
  pi.write("class/hwmon/hwmon9/name", "other\n");
  pi.write("class/hwmon/hwmon9/temp_input", "1000\n");
  pi.write("class/hwmon/hwmon9/tempx_input", "1000\n");
  const auto capture = pi.capture({"temperature"});
  EXPECT_EQ(capture.metrics.size(), 1U);
  EXPECT_THAT(capture.faults, IsEmpty());
}

// power

TEST(RpiPower, IsRememberedByThePluginSinceTheDriverClearsTheHistory) {
  const Pi pi("pi-3");
  const auto plugin = pi.plugin({"power"});
  pi.write(firmware + "/get_throttled", "0\n");
  EXPECT_THAT(values_of(plugin->capture(1)), Contains(Pair("undervoltage.since_boot", 0)));
  pi.write(firmware + "/get_throttled", "80001\n");
  plugin->capture(2);
  pi.write(firmware + "/get_throttled", "0\n");
  const auto values = values_of(plugin->capture(3));
  EXPECT_THAT(values, Contains(Pair("undervoltage.now", 0)));
  EXPECT_THAT(values, Contains(Pair("undervoltage.since_boot", 1)));
  EXPECT_THAT(values, Contains(Pair("temperature_limited.now", 0)));
  EXPECT_THAT(values, Contains(Pair("temperature_limited.since_boot", 1)));
  EXPECT_THAT(values, Contains(Pair("throttled.since_boot", 0)));
}

TEST(RpiPower, IsTakenFromGetThrottledWhereTheHwmonSaysOtherwise) {
  const Pi pi("pi-3");
  pi.write(firmware + "/get_throttled", "0\n");
  EXPECT_THAT(values_of(pi.capture({"power"})), Contains(Pair("undervoltage.now", 0)));
}

TEST(RpiPower, IsNotTakenFromAFileThatNobodyRenews) {
  const Pi pi("pi-3");
  pi.remove(firmware + "/raspberrypi-hwmon/driver");
  pi.remove(firmware + "/raspberrypi-hwmon/hwmon");
  const auto capture = pi.capture({"power"});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults,
              ElementsAre("power: " + (pi / firmware).string() +
                          "/get_throttled: is not renewed: the kernel module raspberrypi-hwmon is "
                          "not loaded"));
}

TEST(RpiPower, FallsBackToTheHwmonWhenGetThrottledCannotBeRead) {
  const Pi pi("pi-3");
  pi.write(firmware + "/get_throttled", "?\n");
  const auto capture = pi.capture({"power"});
  EXPECT_THAT(values_of(capture),
              ElementsAre(Pair("undervoltage.now", 1), Pair("undervoltage.since_boot", 1)));
  EXPECT_THAT(capture.faults, ElementsAre("power: " + (pi / firmware).string() +
                                          "/get_throttled: is not understood"));
}

TEST(RpiPower, IsRememberedWhereThereIsOnlyTheHwmon) {
  const Pi pi("pi-4");
  const auto plugin = pi.plugin({"power"});
  pi.write("class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
  EXPECT_THAT(values_of(plugin->capture(1)),
              ElementsAre(Pair("undervoltage.now", 1), Pair("undervoltage.since_boot", 1)));
  pi.write("class/hwmon/hwmon1/in0_lcrit_alarm", "0\n");
  EXPECT_THAT(values_of(plugin->capture(2)),
              ElementsAre(Pair("undervoltage.now", 0), Pair("undervoltage.since_boot", 1)));
}

TEST(RpiPower, IsRememberedFromTheHwmonWhenGetThrottledCanBeReadAgain) {
  const Pi pi("pi-3");
  const auto plugin = pi.plugin({"power"});
  pi.write(firmware + "/get_throttled", "?\n");
  plugin->capture(1);
  pi.write(firmware + "/get_throttled", "0\n");
  const auto values = values_of(plugin->capture(2));
  EXPECT_THAT(values, Contains(Pair("undervoltage.now", 0)));
  EXPECT_THAT(values, Contains(Pair("undervoltage.since_boot", 1)));
  EXPECT_THAT(values, Contains(Pair("throttled.since_boot", 0)));
}

TEST(RpiPower, IsFoundInAFirmwareFolderRightBelowThePlatform) {
  const Pi pi;
  pi.write("devices/platform/firmware/get_throttled", "2\n");
  EXPECT_THAT(values_of(pi.capture({"power"})), Contains(Pair("frequency_capped.now", 1)));
}

TEST(RpiPower, IsNotSearchedElsewhere) {
  const Pi pi;
  pi.write("devices/platform/soc/a/b:firmware/get_throttled", "2\n");
  pi.write("devices/platform/soc/other/get_throttled", "2\n");
  pi.write("class/hwmon/hwmon0/name", "ina219\n");
  pi.write("class/hwmon/hwmon0/in0_lcrit_alarm", "1\n");
  const auto capture = pi.capture({"power"});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_EQ(capture.faults.size(), 1U);
}

TEST(RpiPower, IsAFaultWithoutTheAlarmFile) {
  const Pi pi("pi-4");
  pi.remove(firmware + "/raspberrypi-hwmon/hwmon/hwmon1/in0_lcrit_alarm");
  const auto capture = pi.capture({"power"});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre("power: " + (pi / "class/hwmon/hwmon1").string() +
                                          "/in0_lcrit_alarm: No such file or directory"));
}

// frequency

TEST(RpiFrequencies, AreReadForEachPolicy) {
  const Pi pi("pi-4");
  pi.write("devices/system/cpu/cpufreq/policy4/scaling_cur_freq", "0\n");
  pi.write("devices/system/cpu/cpufreq/policy12/scaling_cur_freq", "<unknown>\n");
  pi.write("devices/system/cpu/cpufreq/ondemand/up_threshold", "50\n");
  const auto capture = pi.capture({"frequency"});
  EXPECT_THAT(values_of(capture), UnorderedElementsAre(Pair("cpu.frequency policy:0", 1800e6),
                                                       Pair("cpu.frequency policy:4", 0)));
  EXPECT_THAT(capture.faults, ElementsAre("frequency: " + pi.sys().string() +
                                          "/devices/system/cpu/cpufreq/policy12/scaling_cur_freq: "
                                          "is not understood"));
}

// storage

TEST(RpiStorage, CountsWholeCardsOnly) {
  const Pi pi("cm-4");
  EXPECT_THAT(values_of(pi.capture({"storage"})), Not(Contains(Key(testing::HasSubstr("boot")))));
  pi.write("block/mmcblk1/stat", "1 2 3 4 5 6 7\n");
  EXPECT_THAT(values_of(pi.capture({"storage"})),
              Contains(Pair("storage.bytes.written device:mmcblk1", 7 * 512)));
}

TEST(RpiStorage, SendsNoWearThatTheDeviceDoesNotDefine) {
  const Pi pi("cm-4");
  const std::string device = "block/mmcblk0/device/";
  pi.write(device + "life_time", "0x00 0x01\n");
  pi.write(device + "pre_eol_info", "0x00\n");
  const auto capture = pi.capture({"storage"});
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(values_of(capture),
              UnorderedElementsAre(Pair("storage.bytes.written device:mmcblk0", 412309120.0 * 512),
                                   Pair("storage.life_used device:mmcblk0 type:b", 10)));
}

TEST(RpiStorage, SendsTheRestWhenOneFileCannotBeRead) {
  const Pi pi("cm-4");
  pi.write("block/mmcblk0/device/life_time", "0x01\n");
  const auto capture = pi.capture({"storage"});
  EXPECT_THAT(capture.faults, ElementsAre("storage: " + pi.sys().string() +
                                          "/block/mmcblk0/device/life_time: has not two fields"));
  EXPECT_THAT(values_of(capture),
              UnorderedElementsAre(Pair("storage.bytes.written device:mmcblk0", 412309120.0 * 512),
                                   Pair("storage.pre_eol device:mmcblk0", 2)));
}

// other machines

TEST(RpiPlugin, SaysOnceForEachKindWhatAnotherMachineLacks) {
  const Pi pi;
  const auto capture = pi.capture(all_kinds);
  const auto sys = pi.sys().string();
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(
      capture.faults,
      ElementsAre("temperature: no thermal zone and no hwmon sensor below " + sys,
                  "power: neither the firmware's get_throttled in " + sys +
                      "/devices/platform nor a hwmon named rpi_volt in " + sys + "/class/hwmon",
                  "frequency: no policy in " + sys + "/devices/system/cpu/cpufreq"));
}

TEST(RpiPlugin, TakesARootWithOrWithoutASlashAtItsEnd) {
  const Pi pi("pi-4");
  const auto capture =
      make_rpi_plugin({.metrics = {"temperature"}, .roots = {.sys = pi.sys().string() + "/"}})
          ->capture(1);
  EXPECT_EQ(capture.metrics.size(), 1U);
}

TEST(RpiPlugin, NeverWaitsForAPipeInAFilesPlace) {
  const Pi pi("cm-4");
  const std::vector<std::string> paths{zone0 + "/temp",
                                       zone0 + "/type",
                                       firmware + "/get_throttled",
                                       "devices/system/cpu/cpufreq/policy0/scaling_cur_freq",
                                       "block/mmcblk0/stat",
                                       "block/mmcblk0/device/life_time"};
  for (const auto& path : paths) {
    pi.remove(path);
    ASSERT_EQ(::mkfifo((pi / path).c_str(), 0600), 0);
  }
  const auto capture = pi.capture(all_kinds);
  EXPECT_EQ(capture.faults.size(), 5U);
  EXPECT_THAT(values_of(capture),
              UnorderedElementsAre(Pair("undervoltage.now", 0), Pair("undervoltage.since_boot", 0),
                                   Pair("storage.pre_eol device:mmcblk0", 2)));
}

TEST(RpiPlugin, TakesFoldersInFilesPlacesAsFaults) {
  const Pi pi;
  pi.write("class/thermal", "a file\n");
  std::filesystem::create_directories(pi / "class/hwmon/hwmon0/temp1_input");
  const auto capture = pi.capture({"temperature"});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults,
              ElementsAre("temperature: " + pi.sys().string() + "/class/thermal: Not a directory"));
}

TEST(RpiPlugin, IsInTheTableOfPlugins) {
  const Pi pi("pi-4");
  const auto table = plugin_table();
  const auto rpi = std::find_if(table.begin(), table.end(),
                                [](const auto& entry) { return entry.name == "rpi"; });
  ASSERT_NE(rpi, table.end());
  Config config{};
  config.rpi_metrics = {"temperature"};
  config.machine.sys = pi.sys().string();
  EXPECT_THAT(values_of(rpi->make({config, {}, {}})->capture(1)),
              ElementsAre(Pair("temperature zone:cpu-thermal", 48.199)));
}

}  // namespace
}  // namespace chouette
