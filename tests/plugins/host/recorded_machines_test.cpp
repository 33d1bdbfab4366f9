#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <charconv>

#include "machine.hpp"

namespace chouette {
namespace {

/// One metric a line: name{tags} value.
std::string to_text(const Capture& capture) {
  std::string text;
  for (const auto& metric : capture.metrics) {
    text += metric.name;
    if (!metric.tags.empty()) text += '{' + metric.tags.at(0) + '}';
    std::array<char, 64> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), metric.value,
                                       std::chars_format::fixed);
    text += ' ' + std::string(digits.data(), written.ptr) + '\n';
  }
  return text;
}

class RecordedMachine : public testing::TestWithParam<std::string> {};

TEST_P(RecordedMachine, IsCapturedAsExpected) {
  const test::Machine machine(GetParam());
  const auto plugin = machine.plugin({"cpu", "fs", "la", "ram", "network"});
  plugin->capture(1700000000);
  machine.later();
  const auto capture = plugin->capture(1700000030);
  EXPECT_THAT(capture.faults, testing::IsEmpty());
  EXPECT_EQ(to_text(capture), test::read_file(machine.recording() / "expected"));
}

INSTANTIATE_TEST_SUITE_P(All, RecordedMachine,
                         testing::Values("cloud-vm-linux-6.18", "raspberry-pi-4-debian-12",
                                         "armv7-linux-3.8"));

}  // namespace
}  // namespace chouette
