// How many bytes leave the device. For a point of a standard hour: 50 series of an application and
// the host plugin's, released every minute; next to one series object a point with the time as a
// float, which is what the Python agent sends. For a day of such hours, and of the host plugin
// alone; by default, and with settings that send less. Usage:
//   bench-wire [--seconds N] [--json FILE]
// For N seconds, 125 by default, agents with the host plugin run ten times as fast as by default:
// with all intervals a tenth as long, what a release sends is the same. 0 leaves them out.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <chouette/wrapper.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/measure.hpp"
#include "intake/deflate.hpp"
#include "intake/intake.hpp"
#include "intake/metrics_payload.hpp"
#include "metrics/aggregation.hpp"
#include "metrics/json_text.hpp"
#include "metrics/wrapped_json.hpp"
#include "metrics/wrappers.hpp"
#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t start = 1795416000;
constexpr int hour = 3600;
constexpr int day = 24 * hour;
constexpr std::size_t series_count = 50;
/// The bytes that TLS 1.3 adds to a request, which fits in one record: 5 before it, 17 after it.
constexpr double tls_record = 22;
/// What a client sends to resume a session of TLS 1.3 and to close it, measured with OpenSSL 3.0.
/// Connections that were idle for longer than 118 s are made anew: CURLOPT_MAXAGE_CONN.
constexpr double tls_resumption = 710;
constexpr int connection_age = 118;
/// So many times as fast as by default do the agents run.
constexpr int haste = 10;

/// What the standard hour is measured with: the defaults.
struct Settings {
  int aggregate_interval = 10;
  int release_interval = 60;
  int capture_interval = 30;
  std::vector<std::string> histogram_aggregates{"max", "median", "avg", "count"};
  std::vector<double> histogram_percentiles{0.95};
  Extras extras{{"fleet:north"}, "gateway-17"};
};

/// A point, and when it was measured.
struct Stamped {
  WrappedMetric point;
  double time;
};

/// The application and the host; the same in each run.
class Device {
public:
  explicit Device(const Settings& settings)
      : interval_(settings.aggregate_interval),
        wrapper_(
            make_wrapper("datadog", {.interval = std::chrono::seconds(interval_),
                                     .histogram_aggregates = settings.histogram_aggregates,
                                     .histogram_percentiles = settings.histogram_percentiles})),
        gauges_(series_count, 20),
        host_{7.5, 6.1e9, 2.3e10, 0.35, 4.2e8, 1.5e9} {}

  /// What was measured in the bucket that begins at `begin`.
  std::vector<Stamped> bucket(std::int64_t begin) {
    std::map<Tags, double> first;
    PackedStrings records;
    for (auto second = begin; second < begin + interval_; second += 10) {
      for (std::size_t series = 0; series < series_count; ++series) {
        for (int i = 0; i < 3; ++i) {
          // To the microsecond, as Python's clock gives it; in order.
          const auto time =
              static_cast<double>(second) + 3 * i + static_cast<double>(random_() % 3000000) / 1e6;
          records.push_back(raw_metric(series, time).dump());
          first.emplace(Tags{device_tag(series)}, time);
        }
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

  int interval_;
  std::mt19937 random_{20261123};
  std::unique_ptr<Wrapper> wrapper_;
  Aggregation aggregation_{*wrapper_};
  std::vector<double> gauges_;
  std::array<double, 6> host_;
};

/// A series object as Python's json.dumps writes it, with a space after separators.
void append_python(const Stamped& stamped, const Extras& extras, std::string& out) {
  const auto& point = stamped.point;
  out += R"({"metric": )";
  append_json(point.name, out);
  out += R"(, "points": [[)";
  append_json(stamped.time, out);
  out += ", ";
  append_json(point.value, out);
  out += R"(]], "tags": [)";
  for (const auto* const tags : {&point.tags, &extras.global_tags}) {
    for (const auto& tag : *tags) {
      out += out.back() == '[' ? "" : ", ";
      append_json(tag, out);
    }
  }
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

std::string python_payload(const std::vector<Stamped>& points, const Extras& extras) {
  std::string json = R"({"series": [)";
  for (const auto& point : points) {
    json += &point == points.data() ? "" : ", ";
    append_python(point, extras, json);
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

/// Of points in the order in which Redis lists them: that of random keys within a second.
std::string own_payload(const std::vector<Stamped>& points, const Extras& extras) {
  std::vector<WrappedMetric> listed;
  for (const auto& stamped : points) {
    listed.push_back(stamped.point);
  }
  std::shuffle(listed.begin(), listed.end(), std::mt19937{20261127});
  std::stable_sort(listed.begin(), listed.end(),
                   [](const auto& a, const auto& b) { return a.timestamp < b.timestamp; });
  MetricsPayload payload(extras);
  for (const auto& point : listed) {
    if (payload.add(to_json(point)) != Payload::Added::yes) {
      throw std::runtime_error("a point that the payload does not take");
    }
  }
  return payload.take();
}

/// What the requests of an hour hold, in bytes.
struct Hour {
  std::size_t points = 0;
  int requests = 0;
  std::size_t sent = 0;    ///< As the agent sends it.
  std::size_t zlib_9 = 0;  ///< The same text, compressed by others.
  std::size_t zlib_6 = 0;
  std::size_t python_9 = 0;  ///< An object a point.
  std::size_t python_6 = 0;
  double cpu = 0;  ///< Seconds that the agent's compression took,
  double zlib_9_cpu = 0;
};

/// The points of the release that begins at `begin`.
std::vector<Stamped> release(Device& device, const Settings& settings, std::int64_t begin) {
  std::vector<Stamped> points;
  const auto add = [&points](std::vector<Stamped> more) {
    points.insert(points.end(), more.begin(), more.end());
  };
  for (auto second = begin; second < begin + settings.release_interval; second += 10) {
    if (second % settings.capture_interval == 0) {
      add(device.capture(second));
    }
    if (second % settings.aggregate_interval == 0) {
      add(device.bucket(second));
    }
  }
  return points;
}

Hour measure_hour(const Settings& settings) {
  Device device(settings);
  Hour all;
  for (auto begin = start; begin < start + hour; begin += settings.release_interval) {
    const auto points = release(device, settings, begin);
    const auto text = own_payload(points, settings.extras);
    const auto python = python_payload(points, settings.extras);
    all.points += points.size();
    ++all.requests;
    const auto before = cpu_seconds();
    all.sent += deflate(text).size();
    const auto between = cpu_seconds();
    all.zlib_9 += size_at_level(text, Z_BEST_COMPRESSION);
    all.zlib_9_cpu += cpu_seconds() - between;
    all.cpu += between - before;
    all.zlib_6 += size_at_level(text, Z_DEFAULT_COMPRESSION);
    all.python_9 += size_at_level(python, Z_BEST_COMPRESSION);
    all.python_6 += size_at_level(python, Z_DEFAULT_COMPRESSION);
  }
  return all;
}

/// Of the request's first line and its headers, as HTTP/1.1 writes them.
double head_bytes(const test::HttpRequest& request) {
  auto bytes = (request.method + ' ' + request.target + ' ' + request.version + "\r\n\r\n").size();
  for (const auto& [name, value] : request.headers) {
    bytes += (name + ": " + value + "\r\n").size();
  }
  return static_cast<double>(bytes);
}

/// What is sent for each request besides its body.
double overhead(double head, int release_interval) {
  return head + tls_record + (release_interval > connection_age ? tls_resumption : 0);
}

/// The head of a request that is really sent.
double measure_head() {
  const test::Intake intake;
  DatadogIntake client({.url = intake.metrics_url() + "/v1/series",
                        .api_key = std::make_shared<ApiKey>(Secret(intake.api_key())),
                        .timeout = 5s,
                        .wall = [] { return static_cast<double>(start); }},
                       {});
  client.post(deflate(R"({"series":[]})"));
  return head_bytes(intake.requests().at(0).http);
}

/// An agent with the host plugin on this machine, `haste` times as fast as it will be.
class IdleDevice {
public:
  IdleDevice(const test::RedisServer& redis, int database,
             const test::ChildProcess::Environment& settings)
      : release_interval_(settings.count("RELEASE_INTERVAL") != 0
                              ? std::stoi(settings.at("RELEASE_INTERVAL"))
                              : 60),
        agent_(environment(redis, database, settings)) {}

  /// The mean of the requests so far but the first, for which the others' past is missing.
  double body() const {
    return mean([](const auto& request) { return static_cast<double>(request.sent_bytes); });
  }
  double head() const {
    return mean([](const auto& request) { return head_bytes(request.http); });
  }
  double points() const {
    return mean([](const test::IntakeRequest& request) {
      std::size_t points = 0;
      for (const auto& series : request.payload.at("series")) {
        points += series.at("points").size();
      }
      return static_cast<double>(points);
    });
  }

  /// What leaves the device in a day, in bytes, once its intervals are as they are set.
  double a_day() const {
    return (body() + overhead(head(), release_interval_)) * day / release_interval_;
  }

private:
  test::ChildProcess::Environment environment(const test::RedisServer& redis, int database,
                                              test::ChildProcess::Environment settings) {
    settings.merge(test::ChildProcess::Environment{{"COLLECTOR_PLUGINS", "host"},
                                                   {"HOST", "gateway-17"},
                                                   {"AGGREGATE_INTERVAL", "10"},
                                                   {"CAPTURE_INTERVAL", "30"},
                                                   {"RELEASE_INTERVAL", "60"}});
    for (const auto* name : {"AGGREGATE_INTERVAL", "CAPTURE_INTERVAL", "RELEASE_INTERVAL"}) {
      settings[name] = std::to_string(std::stoi(settings[name]) / haste);
    }
    settings["REDIS_DB"] = std::to_string(database);
    return test::agent_environment(redis, intake_, settings);
  }

  template <class Value>
  double mean(Value value) const {
    const auto requests = intake_.metric_requests();
    if (requests.size() < 2) {
      throw std::runtime_error("an agent sent fewer than two requests");
    }
    return std::transform_reduce(requests.begin() + 1, requests.end(), 0.0, std::plus<>(), value) /
           static_cast<double>(requests.size() - 1);
  }

  int release_interval_;
  test::Intake intake_;
  test::AgentProcess agent_;
};

void measure_idle(Figures& figures, std::chrono::seconds time) {
  const std::vector<std::pair<std::string, test::ChildProcess::Environment>> all{
      {"the defaults", {}},
      {"SEND_SELF_METRICS=false", {{"SEND_SELF_METRICS", "false"}}},
      {"CAPTURE_INTERVAL=60", {{"CAPTURE_INTERVAL", "60"}}},
      {"RELEASE_INTERVAL=300", {{"RELEASE_INTERVAL", "300"}}},
      {"HOST_COLLECTOR_METRICS=cpu,ram", {{"HOST_COLLECTOR_METRICS", "cpu,ram"}}},
      {"three GLOBAL_TAGS", {{"GLOBAL_TAGS", R"(["fleet:north","site:harbour","model:pi-4"])"}}},
      {"SEND_SELF_METRICS=false, cpu,ram, both intervals 300",
       {{"SEND_SELF_METRICS", "false"},
        {"CAPTURE_INTERVAL", "300"},
        {"RELEASE_INTERVAL", "300"},
        {"HOST_COLLECTOR_METRICS", "cpu,ram"}}},
  };
  const test::RedisServer redis;
  std::vector<std::unique_ptr<IdleDevice>> devices;
  for (const auto& [name, settings] : all) {
    devices.push_back(
        std::make_unique<IdleDevice>(redis, static_cast<int>(devices.size()), settings));
  }
  std::this_thread::sleep_for(time);
  const auto& standard = *devices.front();
  figures.add("host plugin alone: points of a request", standard.points(), "");
  figures.add("host plugin alone: body of a request", standard.body(), "B");
  figures.add("host plugin alone, a day", standard.a_day() / 1000, "kB");
  for (std::size_t i = 1; i < devices.size(); ++i) {
    figures.add("- with " + all[i].first, devices[i]->a_day() / 1000, "kB",
                Peer{all[0].first, standard.a_day() / 1000});
  }
}

void measure_standard_hour(Figures& figures) {
  const Settings standard;
  const auto hour_of_all = measure_hour(standard);
  const auto a_point = [&hour_of_all](auto amount) {
    return static_cast<double>(amount) / static_cast<double>(hour_of_all.points);
  };
  figures.describe("an hour of " + std::to_string(series_count) +
                   " series and the host plugin's: " + std::to_string(hour_of_all.points) +
                   " points in " + std::to_string(hour_of_all.requests) + " requests");
  figures.add("a point: an object a series, whole seconds, as sent", a_point(hour_of_all.sent), "B",
              Peer{"an object a point, floats, zlib 6", a_point(hour_of_all.python_6)},
              at_most_times_peer(0.42));
  figures.add("- the same text, zlib 9", a_point(hour_of_all.zlib_9), "B");
  figures.add("- the same text, zlib 6", a_point(hour_of_all.zlib_6), "B");
  figures.add("- an object a point, floats, zlib 9", a_point(hour_of_all.python_9), "B");
  figures.add("CPU that compresses a point", a_point(hour_of_all.cpu * 1e6), "us",
              Peer{"zlib 9", a_point(hour_of_all.zlib_9_cpu * 1e6)}, at_most(10));

  const auto head = measure_head();
  const auto a_day = [head](const Hour& measured) {
    return (static_cast<double>(measured.sent) +
            measured.requests * overhead(head, hour / measured.requests)) *
           24 / 1000;
  };
  figures.add("head of a request", head, "B");
  figures.add("50 series and the host plugin, a day", a_day(hour_of_all), "kB");
  auto no_tags = standard;
  no_tags.extras.global_tags.clear();
  auto three_tags = standard;
  three_tags.extras.global_tags = {"fleet:north", "site:harbour", "model:pi-4"};
  auto few_aggregates = standard;
  few_aggregates.histogram_aggregates = {"avg", "count"};
  few_aggregates.histogram_percentiles.clear();
  auto long_buckets = standard;
  long_buckets.aggregate_interval = 60;
  auto rare_releases = standard;
  rare_releases.release_interval = 300;
  auto very_rare_releases = standard;
  very_rare_releases.release_interval = 900;
  auto all = few_aggregates;
  all.aggregate_interval = 60;
  all.release_interval = 900;
  for (const auto& [name, settings] : std::vector<std::pair<const char*, Settings>>{
           {"no GLOBAL_TAGS instead of one", no_tags},
           {"three GLOBAL_TAGS instead of one", three_tags},
           {"HISTOGRAM_AGGREGATES=avg,count, no percentiles", few_aggregates},
           {"AGGREGATE_INTERVAL=60", long_buckets},
           {"RELEASE_INTERVAL=300", rare_releases},
           {"RELEASE_INTERVAL=900", very_rare_releases},
           {"aggregates, AGGREGATE_INTERVAL=60, RELEASE_INTERVAL=900", all}}) {
    figures.add(std::string("- with ") + name, a_day(measure_hour(settings)), "kB",
                Peer{"the defaults", a_day(hour_of_all)});
  }
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  using namespace chouette::bench;
  Figures figures(argc, argv);
  const std::chrono::seconds time(static_cast<int>(take_option(argc, argv, "--seconds", 125)));
  measure_standard_hour(figures);
  if (time.count() > 0) {
    measure_idle(figures, time);
  }
  figures.write();
}
