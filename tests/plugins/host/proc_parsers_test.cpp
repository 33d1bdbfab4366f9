#include "host/proc_parsers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <locale>

namespace chouette {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const std::string net_dev_header =
    "Inter-|   Receive                            |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n";

std::string failure(auto parse, std::string_view text) {
  try {
    parse(text);
  } catch (const ParseError& error) {
    return error.what();
  }
  return "no failure";
}

// stat

TEST(ParseStat, ReadsTheLineOfAllCpusWithoutGuestTime) {
  const CpuTimes expected{10, 20, 30, 40, 50, 60, 70, 80};
  EXPECT_EQ(parse_stat("cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3 4\n"), expected);
}

TEST(ParseStat, CountsFieldsThatAnOldKernelLacksAsZero) {
  const CpuTimes expected{10, 20, 30, 40, 0, 0, 0, 0};
  EXPECT_EQ(parse_stat("cpu 10 20 30 40\n"), expected);
}

TEST(ParseStat, IgnoresFieldsOfFutureKernels) {
  EXPECT_EQ(parse_stat("cpu 1 2 3 4 5 6 7 8 9 10 11 twelve\n").steal, 8U);
}

TEST(ParseStat, ReadsTheLargestCounter) {
  EXPECT_EQ(parse_stat("cpu 18446744073709551615 0 0 0\n").user, 18446744073709551615U);
}

TEST(ParseStat, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_stat, ""), "empty");
  EXPECT_EQ(failure(parse_stat, "cpu  10 20 30 4"), "cut off");
  EXPECT_EQ(failure(parse_stat, "cpu  10 20 30\n"), "no line of all CPUs' times");
  EXPECT_EQ(failure(parse_stat, "cpu0 10 20 30 40\n"), "no line of all CPUs' times");
  EXPECT_EQ(failure(parse_stat, "\n"), "no line of all CPUs' times");
  EXPECT_EQ(failure(parse_stat, "cpu 10 20 thirty 40\n"), "line 1 is not understood");
  EXPECT_EQ(failure(parse_stat, "cpu 10 20 -30 40\n"), "line 1 is not understood");
  EXPECT_EQ(failure(parse_stat, "cpu 18446744073709551616 0 0 0\n"), "line 1 is not understood");
  EXPECT_EQ(failure(parse_stat, std::string_view("cpu 1 2 3 4\0\n", 13)),
            "line 1 is not understood");
}

TEST(BusyPercentage, CountsIdleAndIowaitAsNotBusy) {
  const CpuTimes after{10, 10, 10, 40, 10, 5, 5, 10};
  EXPECT_EQ(busy_percentage({}, after), 50.0);
}

TEST(BusyPercentage, IsZeroForAnIdleMachineAndAHundredForAFullOne) {
  EXPECT_EQ(busy_percentage({}, {.idle = 7}), 0.0);
  EXPECT_EQ(busy_percentage({}, {.user = 7}), 100.0);
}

TEST(BusyPercentage, CountsAFieldThatWentBackwardsAsUnchanged) {
  const CpuTimes before{.user = 100, .idle = 100, .iowait = 50};
  const CpuTimes after{.user = 110, .idle = 130, .iowait = 10};
  EXPECT_EQ(busy_percentage(before, after), 25.0);
}

TEST(BusyPercentage, IsNothingWhenNoTimeHasPassed) {
  EXPECT_EQ(busy_percentage({.user = 5}, {.user = 5}), std::nullopt);
  EXPECT_EQ(busy_percentage({.user = 5}, {.user = 4}), std::nullopt);
}

TEST(BusyPercentage, RoundsToOneDecimalAndTiesToTheEvenDigit) {
  EXPECT_EQ(busy_percentage({}, {.user = 1, .idle = 2}), 33.3);
  EXPECT_EQ(busy_percentage({}, {.user = 2, .idle = 1}), 66.7);
  EXPECT_EQ(busy_percentage({}, {.user = 1, .idle = 7}), 12.5);
  EXPECT_EQ(busy_percentage({}, {.user = 1, .idle = 15}), 6.2);   // 6.25
  EXPECT_EQ(busy_percentage({}, {.user = 3, .idle = 13}), 18.8);  // 18.75
}

TEST(BusyPercentage, StaysWithinBoundsForTheWildestCounters) {
  const CpuTimes after{~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};
  EXPECT_EQ(busy_percentage({}, after), 75.0);
}

// loadavg

TEST(ParseLoadavg, ReadsTheFirstNumber) {
  EXPECT_EQ(parse_loadavg("0.27 0.31 0.22 1/214 68240\n"), 0.27);
  EXPECT_EQ(parse_loadavg("0.00 0.31 0.22 1/214 68240\n"), 0);
  EXPECT_EQ(parse_loadavg("1234.50 0 0 1/1 1\n"), 1234.5);
}

TEST(ParseLoadavg, DoesNotDependOnTheLocale) {
  struct CommaForPoint : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
  };
  const std::locale before = std::locale::global({std::locale(), new CommaForPoint});
  const double load = parse_loadavg("0.27 0.31 0.22 1/214 68240\n");
  std::locale::global(before);
  EXPECT_EQ(load, 0.27);
}

TEST(ParseLoadavg, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_loadavg, ""), "empty");
  EXPECT_EQ(failure(parse_loadavg, "0.2"), "cut off");
  for (const auto* text :
       {"\n", "nan 0 0\n", "inf 0 0\n", "-0.5 0 0\n", "0,27 0 0\n", "0x1 0 0\n"}) {
    EXPECT_EQ(failure(parse_loadavg, text), "line 1 is not understood") << text;
  }
}

// meminfo

TEST(ParseMeminfo, ReadsBytes) {
  const auto memory = parse_meminfo(
      "MemTotal:  100 kB\nMemFree:  40 kB\nMemAvailable: 70 kB\nBuffers: 1 kB\nCached: 20 kB\n"
      "Active(file): 11 kB\nInactive(file): 12 kB\nSReclaimable:  5 kB\n");
  EXPECT_EQ(memory.total, 102400);
  EXPECT_EQ(memory.free, 40960);
  EXPECT_EQ(memory.available, 71680);
  EXPECT_EQ(memory.buffers, 1024);
  EXPECT_EQ(memory.cached, 20480);
  EXPECT_EQ(memory.active_file, 11264);
  EXPECT_EQ(memory.inactive_file, 12288);
  EXPECT_EQ(memory.slab_reclaimable, 5120);
}

TEST(ParseMeminfo, NeedsOnlyTotalAndFree) {
  const auto memory = parse_meminfo("MemTotal: 100 kB\nMemFree: 40 kB\n");
  EXPECT_EQ(memory.buffers, 0);
  EXPECT_EQ(memory.cached, 0);
  EXPECT_EQ(memory.available, std::nullopt);
  EXPECT_EQ(memory.slab_reclaimable, std::nullopt);
}

TEST(ParseMeminfo, HoldsMoreThanFourGigabytes) {
  EXPECT_EQ(parse_meminfo("MemTotal: 8388608 kB\nMemFree: 0 kB\n").total, 8589934592);
}

TEST(ParseMeminfo, IsNotDisturbedByWildValuesElsewhere) {
  EXPECT_EQ(parse_meminfo("MemTotal: 2 kB\nMemFree: 1 kB\nAnonPages: 18446744073709551612 kB\n"
                          "Odd\nHugePages_Total: 0\n")
                .total,
            2048);
}

TEST(ParseMeminfo, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_meminfo, ""), "empty");
  EXPECT_EQ(failure(parse_meminfo, "MemTotal: 100 kB\nMemFree: 4"), "cut off");
  EXPECT_EQ(failure(parse_meminfo, "MemTotal: 100 kB\n"), "no MemTotal or no MemFree");
  EXPECT_EQ(failure(parse_meminfo, "hello\n\n\n"), "no MemTotal or no MemFree");
  EXPECT_EQ(failure(parse_meminfo, "MemTotal: 1x kB\nMemFree: 1 kB\n"), "MemTotal: not a size");
  EXPECT_EQ(failure(parse_meminfo, "MemTotal: 9 kB\nMemFree: -1 kB\n"), "MemFree: not a size");
  EXPECT_EQ(failure(parse_meminfo, "MemTotal: 9 kB\nMemFree: 1 kB\nCached: 9007199254740992 kB\n"),
            "Cached: not a size");
  EXPECT_EQ(failure(parse_meminfo, "MemTotal: 1 kB\nMemFree: 2 kB\n"),
            "more MemFree than MemTotal");
}

TEST(ParseLowWatermark, AddsUpTheZones) {
  EXPECT_EQ(parse_low_watermark("Node 0, zone DMA\n  pages free 3\n        min 1\n        low 10\n"
                                "        high 20\nNode 0, zone Normal\n        low      878\n"),
            888);
  EXPECT_EQ(parse_low_watermark("Node 0, zone DMA\n"), 0);
}

TEST(ParseLowWatermark, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_low_watermark, ""), "empty");
  EXPECT_EQ(failure(parse_low_watermark, "x\n low y\n"), "line 2 is not understood");
  EXPECT_EQ(failure(parse_low_watermark, "low 999999999999999999\n"), "line 1 is not understood");
}

TEST(UsedMemory, LeavesOutBuffersCacheAndReclaimableSlab) {
  EXPECT_EQ(used_memory({.total = 100, .free = 40, .buffers = 1, .cached = 20}), 39);
  EXPECT_EQ(used_memory({.total = 100, .free = 40, .cached = 20, .slab_reclaimable = 5}), 35);
}

TEST(UsedMemory, IsTotalMinusFreeWhereTheCacheIsNotOfThisTotal) {
  EXPECT_EQ(used_memory({.total = 100, .free = 40, .cached = 61}), 60);
  EXPECT_EQ(used_memory({.total = 100, .free = 40, .cached = 60}), 0);
}

TEST(AvailableMemory, IsWhatTheKernelSays) {
  EXPECT_EQ(available_memory({.total = 100, .free = 40, .available = 70}, 3), 70);
}

TEST(AvailableMemory, IsFreeWhereTheKernelSaysMoreThanTheTotal) {
  EXPECT_EQ(available_memory({.total = 100, .free = 40, .available = 101}, std::nullopt), 40);
}

TEST(AvailableMemory, IsEstimatedAboveTheLowWatermark) {
  MemoryInfo memory{.total = 1000, .free = 400, .cached = 200};
  memory.active_file = 60;
  memory.inactive_file = 40;
  memory.slab_reclaimable = 10;
  EXPECT_EQ(available_memory(memory, 20), 400 - 20 + (100 - 20) + (10 - 5));
  EXPECT_EQ(available_memory(memory, 900), 0);
}

TEST(AvailableMemory, IsFreePlusCachedWithoutAWatermarkOrAField) {
  MemoryInfo memory{.total = 1000, .free = 400, .cached = 200};
  EXPECT_EQ(available_memory(memory, 20), 600);
  memory.active_file = 60;
  memory.inactive_file = 40;
  memory.slab_reclaimable = 10;
  EXPECT_EQ(available_memory(memory, std::nullopt), 600);
}

// net/dev

TEST(ParseNetDev, ReadsReceivedAndSentBytes) {
  EXPECT_THAT(
      parse_net_dev(net_dev_header + "    lo: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n" +
                    "  eth0: 18446744073709551615 9 9 9 9 9 9 9 0 8 8 8 8 8 8 8\n"),
      ElementsAre(InterfaceBytes{"lo", 1, 1}, InterfaceBytes{"eth0", 18446744073709551615U, 0}));
}

TEST(ParseNetDev, ReadsNumbersGluedToTheName) {
  EXPECT_THAT(parse_net_dev(net_dev_header + "eth0:123 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n"),
              ElementsAre(InterfaceBytes{"eth0", 123, 7}));
}

TEST(ParseNetDev, ReadsNamesWithAColon) {
  EXPECT_THAT(parse_net_dev(net_dev_header + "eth0:1:123 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n" +
                            "eth0:2: 5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n"),
              ElementsAre(InterfaceBytes{"eth0:1", 123, 7}, InterfaceBytes{"eth0:2", 5, 6}));
}

TEST(ParseNetDev, AcceptsAMachineWithoutInterfaces) {
  EXPECT_THAT(parse_net_dev(net_dev_header), IsEmpty());
}

TEST(ParseNetDev, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_net_dev, ""), "empty");
  EXPECT_EQ(failure(parse_net_dev, net_dev_header + "eth0: 12"), "cut off");
  EXPECT_EQ(failure(parse_net_dev, "Inter-| Receive\n"), "no table header");
  EXPECT_EQ(failure(parse_net_dev, "hello\nworld\n"), "no table header");
  for (const auto* line :
       {"\n", "eth0\n", "eth0: 1 2 3\n", ": 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n",
        "eth0: one 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n", "eth0: 1 0 0 0 0 0 0 0 -1 0 0 0 0 0 0 0\n",
        "eth 0: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n"}) {
    EXPECT_EQ(failure(parse_net_dev, net_dev_header + line), "line 3 is not understood") << line;
  }
}

// mounts, filesystems

TEST(ParseMounts, ReadsDeviceMountPointAndType) {
  EXPECT_THAT(parse_mounts("/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n"),
              ElementsAre(Mount{"/dev/sda1", "/", "ext4"}, Mount{"proc", "/proc", "proc"}));
}

TEST(ParseMounts, ResolvesOctalEscapes) {
  EXPECT_THAT(parse_mounts("/dev/a\\040b /a\\011b\\012c\\134d\\043e\\134040 ext4 rw 0 0\n"),
              ElementsAre(Mount{"/dev/a b", "/a\tb\nc\\d#e\\040", "ext4"}));
}

TEST(ParseMounts, LeavesABackslashThatIsNoEscape) {
  EXPECT_THAT(parse_mounts("a\\9 /\\04 c\\ rw 0 0\n"), ElementsAre(Mount{"a\\9", "/\\04", "c\\"}));
  EXPECT_THAT(parse_mounts("a /\\400 c rw 0 0\n"), ElementsAre(Mount{"a", "/\\400", "c"}));
}

TEST(ParseMounts, ReadsAnEmptyDevice) {
  EXPECT_THAT(parse_mounts(" /mnt tmpfs rw 0 0\n"), ElementsAre(Mount{"", "/mnt", "tmpfs"}));
}

TEST(ParseMounts, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_mounts, ""), "empty");
  EXPECT_EQ(failure(parse_mounts, "/dev/sda1 / ext4 rw 0"), "cut off");
  EXPECT_EQ(failure(parse_mounts, "/dev/sda1 / ext4 rw 0 0\n/dev/sda2 /mnt\n"),
            "line 2 is not understood");
}

TEST(ParseFilesystems, KeepsTypesOfDevicesAndZfs) {
  EXPECT_THAT(parse_filesystems("nodev\tproc\n\text4\nnodev\tzfs\n\tvfat\nnodev\toverlay\n"),
              UnorderedElementsAre("ext4", "zfs", "vfat"));
}

TEST(ParseFilesystems, AcceptsAKernelWithoutDevices) {
  EXPECT_THAT(parse_filesystems("nodev\tproc\n"), IsEmpty());
}

TEST(ParseFilesystems, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(failure(parse_filesystems, ""), "empty");
  EXPECT_EQ(failure(parse_filesystems, "nodev\tproc\n\tex"), "cut off");
  EXPECT_EQ(failure(parse_filesystems, "nodev\tproc\n\n"), "line 2 is not understood");
  EXPECT_EQ(failure(parse_filesystems, "some ext4\n"), "line 1 is not understood");
}

TEST(IsPhysical, NeedsADeviceAndATypeOfDevices) {
  EXPECT_TRUE(is_physical({"/dev/sda1", "/", "ext4"}, {"ext4"}));
  EXPECT_FALSE(is_physical({"tmpfs", "/run", "tmpfs"}, {"ext4"}));
  EXPECT_FALSE(is_physical({"", "/", "ext4"}, {"ext4"}));
  EXPECT_FALSE(is_physical({"none", "/", "ext4"}, {"ext4"}));
}

// the root device

TEST(DeviceInPartitions, IsFoundByItsNumbers) {
  const auto* text = "major minor  #blocks  name\n\n 179 0 999 mmcblk0\n 179 2 998 mmcblk0p2\n";
  EXPECT_EQ(device_in_partitions(text, {179, 2}), "/dev/mmcblk0p2");
  EXPECT_EQ(device_in_partitions(text, {179, 1}), std::nullopt);
  EXPECT_EQ(device_in_partitions("", {0, 0}), std::nullopt);
  EXPECT_EQ(device_in_partitions("garbage\n179 2\n179 2 x\n", {179, 2}), std::nullopt);
}

TEST(DeviceInUevent, IsItsName) {
  EXPECT_EQ(device_in_uevent("MAJOR=179\nMINOR=2\nDEVNAME=mmcblk0p2\nDEVTYPE=partition\n"),
            "/dev/mmcblk0p2");
  EXPECT_EQ(device_in_uevent("MAJOR=179\nDEVNAME=\n"), std::nullopt);
  EXPECT_EQ(device_in_uevent(""), std::nullopt);
}

}  // namespace
}  // namespace chouette
