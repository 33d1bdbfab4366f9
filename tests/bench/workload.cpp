#include "bench/workload.hpp"

#include <algorithm>
#include <array>
#include <chouette/metric.hpp>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "metrics/wrapped_json.hpp"

namespace chouette::bench {

namespace {

constexpr unsigned span = 200;  // seconds

test::RawMetric make_metric(std::mt19937& random, double oldest, std::size_t series_count) {
  static constexpr std::array types{"count", "rate", "gauge", "set", "histogram"};
  const auto series = random() % series_count;
  const std::string type = types[series % types.size()];
  const auto number = static_cast<double>(random() % 100000) / 100;
  return {.metric = "bench.application.metric_" + std::to_string(series),
          .type = type,
          .value = type == "set" ? nlohmann::ordered_json{random() % 50, random() % 50}
                                 : nlohmann::ordered_json(number),
          .timestamp = oldest + static_cast<double>(random() % (span * 1000)) / 1000,
          .tags = {{"host_room", "shed-" + std::to_string(series % 7)},
                   {"device", "sensor-" + std::to_string(series)}}};
}

}  // namespace

void fill_raw_queue(test::RedisClient& redis, std::size_t records, std::size_t series) {
  std::mt19937 random(20261123);
  const auto oldest = std::floor(test::unix_now() / 10) * 10 - 60 - span;
  constexpr std::size_t batch = 5000;
  for (std::size_t done = 0; done < records; done += batch) {
    std::vector<test::RawMetric> metrics;
    for (std::size_t i = done; i < std::min(done + batch, records); ++i) {
      metrics.push_back(make_metric(random, oldest, series));
    }
    redis.add(metrics);
  }
}

void fill_wrapped_queue(test::RedisClient& redis, std::size_t records) {
  constexpr std::size_t series = 1000;
  constexpr std::size_t batch = 1000;
  constexpr std::array types{SeriesType::count, SeriesType::rate, SeriesType::gauge};
  std::mt19937 random(20261123);
  const auto steps = static_cast<std::int64_t>(records / series);
  const auto oldest = static_cast<std::int64_t>(test::unix_now()) / 10 * 10 - 60 - steps * 10;
  for (std::size_t done = 0; done < records; done += batch) {
    std::vector<std::string> keys{"ZADD", std::string(wrapped_metrics.keys)};
    std::vector<std::string> values{"HSET", std::string(wrapped_metrics.values)};
    for (std::size_t i = done; i < std::min(done + batch, records); ++i) {
      const auto number = std::to_string(i % series);
      WrappedMetric point{
          .name = "bench.application.metric_" + number,
          .type = types[i % series % types.size()],
          .tags = {"device:sensor-" + number, "host_room:shed-" + number.substr(0, 1)},
          .timestamp = oldest + static_cast<std::int64_t>(i / series) * 10,
          .value = static_cast<double>(random() % 100000) / 100};
      point.interval = std::chrono::seconds(point.type == SeriesType::gauge ? 0 : 10);
      const auto key = make_record_key();
      keys.insert(keys.end(), {std::to_string(point.timestamp), key});
      values.insert(values.end(), {key, to_json(point)});
    }
    redis.command(keys);
    redis.command(values);
  }
}

}  // namespace chouette::bench
