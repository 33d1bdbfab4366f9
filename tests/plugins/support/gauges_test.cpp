#include "support/gauges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>

namespace chouette {
namespace {

using ::testing::ElementsAre;

TEST(Gauges, CarryTheCapturesTime) {
  Capture capture;
  Gauges(1700001000, capture).add("a.b", {"k:v", "l:w"}, 1.5);
  EXPECT_THAT(capture.metrics, ElementsAre(WrappedMetric{.name = "a.b",
                                                         .type = SeriesType::gauge,
                                                         .tags = {"k:v", "l:w"},
                                                         .timestamp = 1700001000,
                                                         .value = 1.5}));
  EXPECT_TRUE(capture.faults.empty());
}

TEST(Gauges, KeepTheirOrder) {
  Capture capture;
  Gauges gauges(1, capture);
  gauges.add("b", {}, 1);
  gauges.add("a", {}, 2);
  ASSERT_EQ(capture.metrics.size(), 2U);
  EXPECT_EQ(capture.metrics[0].name, "b");
  EXPECT_EQ(capture.metrics[1].name, "a");
}

TEST(Gauges, TakeEveryKindOfNumber) {
  Capture capture;
  Gauges gauges(1, capture);
  gauges.add("a", {}, true);
  gauges.add("a", {}, -1);
  gauges.add("a", {}, std::uint64_t{1} << 63U);
  gauges.add("a", {}, 0);
  std::vector<double> values;
  for (const auto& metric : capture.metrics) values.push_back(metric.value);
  EXPECT_THAT(values, ElementsAre(1, -1, 9223372036854775808.0, 0));
}

TEST(Gauges, NameWhatFailedAndWhy) {
  Capture capture;
  Gauges gauges(1, capture);
  gauges.add_fault("cpu", "is empty");
  gauges.add_fault("ram", std::runtime_error("is cut off"));
  EXPECT_THAT(capture.faults, ElementsAre("cpu: is empty", "ram: is cut off"));
  EXPECT_TRUE(capture.metrics.empty());
}

TEST(Gauges, KeepEachFaultOnOneLine) {
  Capture capture;
  Gauges gauges(1, capture);
  gauges.add_fault("a\nb", std::string_view("c\r\x1b[31m\0\x7f\td", 11));
  EXPECT_THAT(capture.faults, ElementsAre("a?b: c??[31m???d"));
}

TEST(Gauges, LeaveOtherLettersOfAFaultAlone) {
  Capture capture;
  Gauges(1, capture).add_fault("fs", "/media/Übung: is empty");
  EXPECT_THAT(capture.faults, ElementsAre("fs: /media/Übung: is empty"));
}

}  // namespace
}  // namespace chouette
