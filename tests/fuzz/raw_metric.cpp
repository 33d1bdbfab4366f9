// Reads any text as a raw metric: without harm, and with the same result as nlohmann's JSON.

#include "metrics/raw_metric.hpp"

#include <cmath>

#include "input.hpp"
#include "support/raw_metric_oracle.hpp"

namespace chouette::fuzz {
namespace {

constexpr double year_10000 = 253402300800.0;

void run(std::string_view text) {
  static RawMetricParser parser;
  if (parser.is_stale()) {
    parser.forget();
  }
  const auto found = test::read_raw_metric(parser, text);
  for (int sight = 2; sight <= 3; ++sight) {
    check(test::read_raw_metric(parser, text) == found, "the same reading once it is known");
  }
  if (const auto* metric = std::get_if<test::RawMetricReading>(&found)) {
    check(!metric->name.empty() && std::isfinite(metric->value) && metric->timestamp >= 0 &&
              metric->timestamp < year_10000,
          "usable fields");
  }
  if (const auto expected = test::expect_raw_metric(text)) {
    check(found == expected->verdict, "the same reading");
  }
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
