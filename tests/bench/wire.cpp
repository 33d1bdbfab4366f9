// How many bytes leave for a point in a standard hour: 50 series of an application and the host
// plugin's, released every minute; next to one series object a point with the time as a float,
// which is what the Python agent sends.

#include <zlib.h>

#include <array>
#include <chouette/wrapper.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure.hpp"
#include "intake/deflate.hpp"
#include "intake/metrics_payload.hpp"
#include "metrics/aggregation.hpp"
#include "metrics/json_text.hpp"
#include "metrics/wrapped_json.hpp"
#include "metrics/wrappers.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t start = 1795416000;
constexpr int interval = 10;
constexpr int release_interval = 60;
constexpr int capture_interval = 30;
constexpr int hour = 3600;
constexpr std::size_t series_count = 50;
const Extras extras{{"fleet:north"}, "gateway-17"};

/// A point, and when it was measured.
struct Stamped {
  WrappedMetric point;
  double time;
};

/// The application and the host; the same in each run.
class Device {
public:
  Device() : gauges_(series_count, 20), host_{7.5, 6.1e9, 2.3e10, 0.35, 4.2e8, 1.5e9} {}

  /// What was measured in the bucket that begins at `second`.
  std::vector<Stamped> bucket(std::int64_t second) {
    std::map<Tags, double> first;
    PackedStrings records;
    for (std::size_t series = 0; series < series_count; ++series) {
      for (int i = 0; i < 3; ++i) {
        // To the microsecond, as Python's clock gives it; in order.
        const auto time =
            static_cast<double>(second) + 3 * i + static_cast<double>(random_() % 3000000) / 1e6;
        records.push_back(raw_metric(series, time).dump());
        first.emplace(Tags{device_tag(series)}, time);
      }
    }
    aggregation_.add(records);
    std::vector<Stamped> points;
    for (auto& point : aggregation_.finish().points) {
      const auto time = first.at(point.tags);
      points.push_back({std::move(point), time});
    }
    return points;
  }

  /// The host plugin's gauges, drifting.
  std::vector<Stamped> capture(std::int64_t second) {
    static const std::array<std::pair<const char*, Tags>, 6> gauges{
        {{"Chouette.host.cpu.percentage", {}},
         {"Chouette.host.fs.used", {"device:/dev/mmcblk0p2"}},
         {"Chouette.host.fs.free", {"device:/dev/mmcblk0p2"}},
         {"Chouette.host.la", {"period:1m"}},
         {"Chouette.host.memory.used", {}},
         {"Chouette.host.memory.available", {}}}};
    const auto time = static_cast<double>(second) + static_cast<double>(random_() % 20000) / 1e6;
    std::vector<Stamped> points;
    for (std::size_t i = 0; i < gauges.size(); ++i) {
      host_[i] *= 1 + drift(0.02);
      // Pages of memory and disk; else two decimals.
      const auto value =
          host_[i] > 1e6 ? std::floor(host_[i] / 4096) * 4096 : std::round(host_[i] * 100) / 100;
      points.push_back(
          {{.name = gauges[i].first, .tags = gauges[i].second, .timestamp = second, .value = value},
           time});
    }
    return points;
  }

private:
  static std::string device_tag(std::size_t series) {
    return "device:sensor-" + std::to_string(series);
  }

  double drift(double most) { return most * (static_cast<double>(random_() % 2001) / 1000 - 1); }

  nlohmann::json raw_metric(std::size_t series, double time) {
    static constexpr std::array types{"count", "rate", "gauge", "set", "histogram"};
    const std::string type = types[series % types.size()];
    nlohmann::json value;
    if (type == "gauge") {
      gauges_[series] += drift(0.3);
      value = std::round(gauges_[series] * 100) / 100;
    } else if (type == "set") {
      value = {random_() % 50, random_() % 50};
    } else if (type == "histogram") {
      value = static_cast<double>(5 + random_() % 200) / 1000;
    } else {
      value = type == "count" ? random_() % 4 : random_() % 1500;
    }
    return {{"metric", "application.metric_" + std::to_string(series)},
            {"type", type},
            {"value", value},
            {"timestamp", time},
            {"tags", {{"device", "sensor-" + std::to_string(series)}}}};
  }

  std::mt19937 random_{20261123};
  std::unique_ptr<Wrapper> wrapper_ =
      make_wrapper("datadog", {.interval = std::chrono::seconds(interval),
                               .histogram_aggregates = {"max", "median", "avg", "count"},
                               .histogram_percentiles = {0.95}});
  Aggregation aggregation_{*wrapper_};
  std::vector<double> gauges_;
  std::array<double, 6> host_;
};

/// A series object as Python's json.dumps writes it, with a space after separators.
void append_python(const Stamped& stamped, std::string& out) {
  const auto& point = stamped.point;
  out += R"({"metric": )";
  append_json(point.name, out);
  out += R"(, "points": [[)";
  append_json(stamped.time, out);
  out += ", ";
  append_json(point.value, out);
  out += R"(]], "tags": [)";
  for (const auto& tag : point.tags) {
    append_json(tag, out);
    out += ", ";
  }
  append_json(extras.global_tags[0], out);
  out += R"(], "type": )";
  append_json(to_string(point.type), out);
  if (point.interval > 0s) {
    out += R"(, "interval": )";
    append_json(std::int64_t{point.interval.count()}, out);
  }
  out += R"(, "host": )";
  append_json(extras.host, out);
  out += '}';
}

std::string python_payload(const std::vector<Stamped>& points) {
  std::string json = R"({"series": [)";
  for (const auto& point : points) {
    json += &point == points.data() ? "" : ", ";
    append_python(point, json);
  }
  return json + "]}";
}

std::size_t size_at_level(const std::string& text, int level) {
  auto size = compressBound(text.size());
  std::string compressed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(compressed.data()), &size,
                reinterpret_cast<const Bytef*>(text.data()), text.size(), level) != Z_OK) {
    throw std::runtime_error("zlib cannot compress");
  }
  return size;
}

std::string own_payload(const std::vector<Stamped>& points) {
  MetricsPayload payload(extras);
  for (const auto& [point, time] : points) {
    if (payload.add(to_json(point)) != Payload::Added::yes) {
      throw std::runtime_error("a point that the payload does not take");
    }
  }
  return payload.take();
}

void run() {
  Device device;
  std::size_t count = 0;
  std::size_t own = 0;
  std::size_t python_best = 0;
  std::size_t python_default = 0;
  for (std::int64_t release = start; release < start + hour; release += release_interval) {
    std::vector<Stamped> points;
    for (auto second = release; second < release + release_interval; second += interval) {
      const auto add = [&points](std::vector<Stamped> more) {
        points.insert(points.end(), more.begin(), more.end());
      };
      if (second % capture_interval == 0) {
        add(device.capture(second));
      }
      add(device.bucket(second));
    }
    const auto python = python_payload(points);
    count += points.size();
    own += deflate(own_payload(points)).size();
    python_best += size_at_level(python, Z_BEST_COMPRESSION);
    python_default += size_at_level(python, Z_DEFAULT_COMPRESSION);
  }

  const auto a_point = [count](std::size_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(count);
  };
  const auto ratio = [own](std::size_t bytes) {
    return static_cast<double>(own) / static_cast<double>(bytes);
  };
  std::printf("an hour of %zu series and the host plugin: %zu points in 60 requests\n\n",
              series_count, count);
  print("agent: an object a series, whole seconds, zlib 9", a_point(own), "B/pt");
  print("an object a point, float timestamps, zlib 9", a_point(python_best), "B/pt");
  print("the same, zlib 6", a_point(python_default), "B/pt");
  print("ratio at the same level", ratio(python_best), "", "(at most 0.5)");
  print("ratio to zlib 6", ratio(python_default), "", "(at most 0.5)");
  print("agent, an hour", static_cast<double>(own) / 1024, "KiB");
}

}  // namespace
}  // namespace chouette::bench

int main() {
  chouette::bench::run();
}
