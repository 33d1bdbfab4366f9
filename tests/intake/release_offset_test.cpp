#include "intake/release_offset.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace chouette {
namespace {

using std::chrono::seconds;

// A device keeps its moment over restarts and updates: these numbers must never change.
// They were worked out from the definition of FNV-1a.
TEST(ReleaseOffset, IsTheSameForEver) {
  EXPECT_EQ(release_offset("", seconds(60)), 45.89);
  EXPECT_EQ(release_offset("raspberrypi", seconds(60)), 5.212);
  EXPECT_EQ(release_offset("device-1", seconds(60)), 29.653);
  EXPECT_EQ(release_offset("device-2", seconds(60)), 38.005);
}

TEST(ReleaseOffset, LiesWithinTheInterval) {
  for (const int length : {1, 2, 7, 60, 3600, 86400}) {
    for (int device = 0; device < 1000; ++device) {
      const auto offset = release_offset("device-" + std::to_string(device), seconds(length));
      EXPECT_GE(offset, 0);
      EXPECT_LT(offset, length);
    }
  }
}

// Of 6,000 devices 100 are expected in each second of a minute; 60 or 140 would be four standard
// deviations off.
TEST(ReleaseOffset, SpreadsAFleetEvenly) {
  for (const auto& [before, after] :
       {std::pair{"device-", ""}, std::pair{"", ".example.net"}, std::pair{"k8s-node-", "-eu"}}) {
    std::array<int, 60> devices{};
    for (int device = 0; device < 6000; ++device) {
      ++devices.at(static_cast<std::size_t>(
          release_offset(before + std::to_string(device) + after, seconds(60))));
    }
    for (const auto number : devices) {
      EXPECT_GT(number, 60);
      EXPECT_LT(number, 140);
    }
  }
}

}  // namespace
}  // namespace chouette
