#include "bench/workload.hpp"

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace chouette::bench {

namespace {

constexpr std::size_t series_count = 200;
constexpr double span = 600;

test::RawMetric make_metric(std::mt19937& random, double oldest) {
  static constexpr std::array types{"count", "rate", "gauge", "set", "histogram"};
  const auto series = random() % series_count;
  const std::string type = types[series % types.size()];
  const auto number = static_cast<double>(random() % 100000) / 100;
  return {.metric = "bench.application.metric_" + std::to_string(series),
          .type = type,
          .value = type == "set" ? nlohmann::ordered_json{random() % 50, random() % 50}
                                 : nlohmann::ordered_json(number),
          .timestamp = oldest + static_cast<double>(random() % 600000) / 1000,
          .tags = {{"host_room", "shed-" + std::to_string(series % 7)},
                   {"device", "sensor-" + std::to_string(series)}}};
}

}  // namespace

void fill_raw_queue(test::RedisClient& redis, std::size_t records) {
  std::mt19937 random(20261123);
  const auto oldest = std::floor(test::unix_now() / 10) * 10 - 60 - span;
  constexpr std::size_t batch = 5000;
  for (std::size_t done = 0; done < records; done += batch) {
    std::vector<test::RawMetric> metrics;
    for (std::size_t i = done; i < std::min(done + batch, records); ++i) {
      metrics.push_back(make_metric(random, oldest));
    }
    redis.add(metrics);
  }
}

}  // namespace chouette::bench
