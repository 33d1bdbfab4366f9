#include "host/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "machine.hpp"
#include "plugins/capture_time.hpp"

namespace chouette {
namespace {

using test::Machine;
using test::names_of;
using test::read_file;
using test::tags_of;
using test::value_of;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const std::string pi = "raspberry-pi-4-debian-12";
const std::vector<std::string> all_kinds{"cpu", "fs", "la", "ram", "network"};

TEST(HostPlugin, ReadsOnlyTheKindsThatAreListed) {
  const Machine machine(pi);
  EXPECT_THAT(names_of(machine.plugin({"la"})->capture(now)), ElementsAre("Chouette.host.la"));
  EXPECT_THAT(machine.plugin({})->capture(now).metrics, IsEmpty());
}

TEST(HostPlugin, ReadsAKindOnceEvenIfListedTwice) {
  const Machine machine(pi);
  EXPECT_EQ(machine.plugin({"la", "la"})->capture(now).metrics.size(), 1U);
}

TEST(HostPlugin, SendsGaugesThatCarryTheGivenTime) {
  const Machine machine(pi);
  const auto capture = machine.plugin(all_kinds)->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  for (const auto& metric : capture.metrics) {
    EXPECT_EQ(metric.timestamp, now) << metric.name;
    EXPECT_EQ(metric.type, SeriesType::gauge) << metric.name;
    EXPECT_EQ(metric.interval.count(), 0) << metric.name;
  }
}

TEST(HostPlugin, SendsCpuFromTheSecondCaptureOn) {
  const Machine machine(pi);
  const auto plugin = machine.plugin({"cpu"});
  const auto first = plugin->capture(now);
  EXPECT_THAT(first.metrics, IsEmpty());
  EXPECT_THAT(first.faults, IsEmpty());
  machine.later();
  EXPECT_EQ(value_of(plugin->capture(now), "Chouette.host.cpu.percentage"), 12.7);
}

TEST(HostPlugin, SendsNoCpuWhenNoTimeHasPassed) {
  const Machine machine(pi);
  const auto plugin = machine.plugin({"cpu"});
  plugin->capture(now);
  const auto second = plugin->capture(now);
  EXPECT_THAT(second.metrics, IsEmpty());
  EXPECT_THAT(second.faults, IsEmpty());
}

TEST(HostPlugin, MeasuresCpuSinceTheLastCaptureThatSucceeded) {
  const Machine machine(pi);
  const auto plugin = machine.plugin({"cpu"});
  plugin->capture(now);
  std::filesystem::remove(machine.proc() / "stat");
  EXPECT_THAT(plugin->capture(now).metrics, IsEmpty());
  machine.later();
  EXPECT_EQ(value_of(plugin->capture(now), "Chouette.host.cpu.percentage"), 12.7);
}

TEST(HostPlugin, LeavesOutTheLoopback) {
  const Machine machine(pi);
  EXPECT_THAT(tags_of(machine.plugin({"network"})->capture(now)),
              UnorderedElementsAre("iface:eth0", "iface:wlan0", "iface:docker0"));
}

TEST(HostPlugin, SendsEachDeviceOnce) {
  const Machine machine(pi);
  const auto capture = machine.plugin({"fs"})->capture(now);
  EXPECT_THAT(tags_of(capture), UnorderedElementsAre("device:/dev/mmcblk0p1",
                                                     "device:/dev/mmcblk0p2", "device:/dev/sda1"));
  EXPECT_EQ(capture.metrics.size(), 6U);
}

TEST(HostPlugin, TakesTheNextMountPointOfADeviceWhenOneCannotBeRead) {
  Machine machine(pi);
  machine.disks.erase("/");
  const auto capture = machine.plugin({"fs"})->capture(now);
  EXPECT_THAT(capture.faults, ElementsAre("fs: /: No such file or directory"));
  EXPECT_EQ(value_of(capture, "Chouette.host.fs.free", "device:/dev/mmcblk0p2"), 5550312.0 * 4096);
}

TEST(HostPlugin, SendsTheOtherDisksWhenOneCannotBeRead) {
  Machine machine(pi);
  machine.disks.erase("/media/pi/My Passport");
  const auto capture = machine.plugin({"fs"})->capture(now);
  EXPECT_THAT(capture.faults, ElementsAre("fs: /media/pi/My Passport: No such file or directory"));
  EXPECT_EQ(capture.metrics.size(), 4U);
}

TEST(HostPlugin, SendsZeros) {
  Machine machine(pi);
  for (auto& [mount_point, space] : machine.disks) space = {};
  write_file(machine.proc() / "loadavg", "0.00 0.00 0.00 1/1 1\n");
  const auto capture = machine.plugin({"fs", "la"})->capture(now);
  EXPECT_EQ(capture.metrics.size(), 7U);
  for (const auto& metric : capture.metrics) EXPECT_EQ(metric.value, 0) << metric.name;
}

TEST(HostPlugin, SeesMountPointsAndTheRootBelowTheMountPrefix) {
  Machine machine(pi);
  std::map<std::string, DiskSpace> seen;
  for (const auto& [mount_point, space] : machine.disks) seen["/host" + mount_point] = space;
  machine.disks = seen;
  machine.root_path = "/host/";
  auto settings = machine.settings({"fs"});
  for (const auto* prefix : {"/host", "/host/"}) {
    settings.roots.mount_prefix = prefix;
    const auto capture = make_host_plugin(settings, machine.calls())->capture(now);
    EXPECT_THAT(capture.faults, IsEmpty());
    EXPECT_EQ(value_of(capture, "Chouette.host.fs.used", "device:/dev/mmcblk0p2"),
              (7503110.0 - 5891234.0) * 4096);
  }
}

// the root's device

TEST(HostPlugin, FindsTheRootDeviceInSysWherePartitionsDoNotTell) {
  const Machine machine(pi);
  std::filesystem::remove(machine.proc() / "partitions");
  write_file(machine.sys() / "dev/block/179:2/uevent", "MAJOR=179\nDEVNAME=mmcblk7p2\n");
  const auto capture = machine.plugin({"fs"})->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_TRUE(tags_of(capture).contains("device:/dev/mmcblk7p2"));
}

TEST(HostPlugin, KeepsTheNameOfARootDeviceThatNobodyKnows) {
  Machine machine(pi);
  machine.root = {0, 33};
  EXPECT_TRUE(tags_of(machine.plugin({"fs"})->capture(now)).contains("device:/dev/root"));
  machine.root_path = "nowhere";
  EXPECT_TRUE(tags_of(machine.plugin({"fs"})->capture(now)).contains("device:/dev/root"));
}

// faults

TEST(HostPlugin, NamesKindPathAndReasonOfEachFault) {
  const Machine machine(pi);
  const auto proc = machine.proc().string();
  std::filesystem::remove_all(machine.proc());
  const auto capture = machine.plugin(all_kinds)->capture(now);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults,
              ElementsAre("cpu: " + proc + "/stat: No such file or directory",
                          "fs: " + proc + "/filesystems: No such file or directory",
                          "la: " + proc + "/loadavg: No such file or directory",
                          "ram: " + proc + "/meminfo: No such file or directory",
                          "network: " + proc + "/1/net/dev: No such file or directory"));
}

TEST(HostPlugin, KeepsAFaultOnOneLine) {
  Machine machine(pi);
  write_file(machine.proc() / "1/mounts", "/dev/sda1 /a\\012b ext4 rw 0 0\n");
  machine.disks.clear();
  EXPECT_THAT(machine.plugin({"fs"})->capture(now).faults,
              ElementsAre("fs: /a?b: No such file or directory"));
}

struct Damage {
  std::string file;
  std::string kind;
};

void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.kind;
}

class DamagedFile : public testing::TestWithParam<Damage> {
protected:
  void expect_only_this_kind_to_fail() {
    const auto& [file, kind] = GetParam();
    auto others = all_kinds;
    std::erase(others, kind);
    const Machine whole(pi);
    const auto expected = names_of(whole.plugin(others)->capture(now));

    const auto capture = machine.plugin(all_kinds)->capture(now);
    ASSERT_EQ(capture.faults.size(), 1U);
    EXPECT_THAT(capture.faults[0], testing::StartsWith(kind + ": "));
    EXPECT_THAT(capture.faults[0], testing::HasSubstr(path().string() + ": "));
    EXPECT_EQ(names_of(capture), expected);
  }

  std::filesystem::path path() const { return machine.proc() / GetParam().file; }

  const Machine machine{pi};
};

TEST_P(DamagedFile, FailsAloneWhenMissing) {
  std::filesystem::remove(path());
  expect_only_this_kind_to_fail();
}

TEST_P(DamagedFile, FailsAloneWhenEmpty) {
  write_file(path(), "");
  expect_only_this_kind_to_fail();
}

TEST_P(DamagedFile, FailsAloneWhenCutOff) {
  const auto text = read_file(path());
  write_file(path(), text.substr(0, text.find('\n') - 2));
  expect_only_this_kind_to_fail();
}

TEST_P(DamagedFile, FailsAloneWhenGarbage) {
  write_file(path(), std::string_view("\xff\x00 \xfe: |bytes\n\\\n: : :\n", 21));
  expect_only_this_kind_to_fail();
}

TEST_P(DamagedFile, FailsAloneWhenHuge) {
  write_file(path(), std::string(std::size_t{5} * 1024 * 1024, '1') + "\n");
  expect_only_this_kind_to_fail();
}

TEST_P(DamagedFile, FailsAloneWhenAFolder) {
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  expect_only_this_kind_to_fail();
}

TEST_P(DamagedFile, FailsAloneWhenAPipeThatNobodyWrites) {
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  expect_only_this_kind_to_fail();
}

INSTANTIATE_TEST_SUITE_P(Each, DamagedFile,
                         testing::Values(Damage{"stat", "cpu"}, Damage{"filesystems", "fs"},
                                         Damage{"1/mounts", "fs"}, Damage{"loadavg", "la"},
                                         Damage{"meminfo", "ram"}, Damage{"1/net/dev", "network"}));

TEST(HostPlugin, EstimatesAvailableMemoryWithoutZoneinfo) {
  const Machine machine("armv7-linux-3.8");
  std::filesystem::remove(machine.proc() / "zoneinfo");
  const auto capture = machine.plugin({"ram"})->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_EQ(value_of(capture, "Chouette.host.memory.available"), (372048.0 + 71920.0) * 1024);
}

TEST(HostPlugin, FailsOnGarbageInZoneinfo) {
  const Machine machine("armv7-linux-3.8");
  write_file(machine.proc() / "zoneinfo", "low low\n");
  const auto capture = machine.plugin({"ram"})->capture(now);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre("ram: " + (machine.proc() / "zoneinfo").string() +
                                          ": line 1 is not understood"));
}

}  // namespace
}  // namespace chouette
