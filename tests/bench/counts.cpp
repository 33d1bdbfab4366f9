// Runs one of the pure parts once on fixed data, for scripts/count-instructions. Usage:
//   bench-counts PART     prints how many records (points, for the last two) PART works on
//   bench-counts --parts  prints the parts
//   bench-counts --build  prints what the counts depend on

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "intake/metrics_payload.hpp"
#include "metrics/aggregation.hpp"
#include "metrics/raw_metric.hpp"
#include "metrics/wrapped_json.hpp"
#include "metrics/wrappers.hpp"

/// callgrind counts what happens in here, which it knows by its name.
extern "C" __attribute__((noinline)) void counted_part(const std::function<void()>& part) {
  part();
  __asm__ volatile("");  // or the call of `part` might become a jump out of here
}

namespace chouette::bench {
namespace {

constexpr std::size_t records = 5000;
constexpr std::size_t series_count = 200;
constexpr std::int64_t start = 1795416000;

/// One bucket as applications write it: the five types, in random order.
PackedStrings raw_records(std::int64_t bucket = start) {
  static constexpr std::array types{"count", "rate", "gauge", "set", "histogram"};
  std::mt19937 random(20261123);
  PackedStrings result;
  for (std::size_t i = 0; i < records; ++i) {
    const auto series = random() % series_count;
    const std::string_view type = types[series % types.size()];
    const auto value = type == "set" ? "[" + std::to_string(random() % 50) + ", " +
                                           std::to_string(random() % 50) + "]"
                                     : std::to_string(random() % 1000) + ".25";
    const auto name = std::to_string(series);
    const auto time = std::to_string(bucket + static_cast<std::int64_t>(random() % 10)) + "." +
                      std::to_string(100000 + random() % 900000);
    result.push_back(std::string(R"({"metric": "bench.application.metric_)")
                         .append(name)
                         .append(R"(", "type": ")")
                         .append(type)
                         .append(R"(", "value": )")
                         .append(value)
                         .append(R"(, "timestamp": )")
                         .append(time)
                         .append(R"(, "tags": {"host_room": "shed-)")
                         .append(std::to_string(series % 7))
                         .append(R"(", "device": "sensor-)")
                         .append(name)
                         .append(R"("}})"));
  }
  return result;
}

std::unique_ptr<Wrapper> wrapper() {
  return make_wrapper("datadog", {.interval = std::chrono::seconds(10),
                                  .histogram_aggregates = {"max", "median", "avg", "count"},
                                  .histogram_percentiles = {0.95}});
}

std::size_t parse() {
  const auto raw = raw_records();
  RawMetricParser parser;
  std::size_t parsed = 0;
  counted_part([&] {
    for (std::size_t i = 0; i < raw.size(); ++i) {
      parsed += parser.parse(raw[i]).has_value() ? 1 : 0;
    }
  });
  return parsed;
}

std::size_t parse_and_merge() {
  const auto raw = raw_records();
  const auto wrap = wrapper();
  Aggregation aggregation(*wrap);
  counted_part([&] { aggregation.add(raw); });
  return aggregation.finish().report.merged;
}

/// Adds the points of what was aggregated, as they wait in Redis.
void add_points(Aggregation& aggregation, std::vector<std::string>& points) {
  for (const auto& point : aggregation.finish().points) {
    points.push_back(to_json(point));
  }
}

std::size_t wrap() {
  const auto wrap = wrapper();
  Aggregation aggregation(*wrap);
  aggregation.add(raw_records());
  std::vector<std::string> points;
  counted_part([&] { add_points(aggregation, points); });
  return points.size();
}

/// Of a minute, as they are sent by default.
std::size_t payload() {
  const auto wrap = wrapper();
  Aggregation aggregation(*wrap);
  std::vector<std::string> points;
  for (std::int64_t bucket = start; bucket < start + 60; bucket += 10) {
    aggregation.add(raw_records(bucket));
    add_points(aggregation, points);
  }
  MetricsPayload payload({{"fleet:north"}, "gateway-17"});
  std::size_t added = 0;
  counted_part([&] {
    for (const auto& point : points) {
      added += payload.add(point) == Payload::Added::yes ? 1 : 0;
    }
    payload.take();
  });
  return added;
}

struct Part {
  const char* name;
  std::size_t (*run)();
};
constexpr std::array parts{Part{"parse", parse}, Part{"parse-and-merge", parse_and_merge},
                           Part{"wrap", wrap}, Part{"payload", payload}};

int run(std::string_view argument) {
  if (argument == "--build") {
    std::puts(BENCH_BUILD);
    return 0;
  }
  for (const auto& part : parts) {
    if (argument == "--parts") {
      std::puts(part.name);
    } else if (argument == part.name) {
      std::printf("%zu\n", part.run());
      return 0;
    }
  }
  return argument == "--parts" ? 0 : 2;
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  return argc == 2 ? chouette::bench::run(argv[1]) : 2;
}
