// What the built-in plugins cost: the CPU of a capture of each, next to the bare reading of the
// same source where there is one; then two agents over some minutes, one with all plugins and one
// with none. Usage:
//   bench-collecting [minutes] [--json FILE]    0 leaves the agents out; 5 are the default

#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/measure.hpp"
#include "config/config.hpp"
#include "http/http_client.hpp"
#include "plugins.hpp"
#include "queue/redis_queue.hpp"
#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/plugin_surroundings.hpp"
#include "support/redis_server.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;

constexpr int rounds = 5;
constexpr int captures = 40;
constexpr int capture_interval = 10;

double thread_cpu() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double children_cpu() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The CPU times in microseconds that one call takes, of each round.
struct Costs {
  std::vector<double> thread;    ///< On this thread.
  std::vector<double> children;  ///< Of the programs that it runs.

  /// A round more; its first calls do not count.
  void measure(const std::function<void()>& call) {
    for (int i = 0; i < 3; ++i) {
      call();
    }
    const auto thread_before = thread_cpu();
    const auto children_before = children_cpu();
    for (int i = 0; i < captures; ++i) {
      call();
    }
    thread.push_back((thread_cpu() - thread_before) * 1e6 / captures);
    children.push_back((children_cpu() - children_before) * 1e6 / captures);
  }
};

/// What a program would take that asks the same source and throws the answer away.
std::map<std::string, std::function<void()>> bare_readings(const test::PluginSurroundings& around,
                                                           RedisQueue& queue) {
  const auto client = std::make_shared<HttpClient>(std::stop_token{});
  const HttpRequest ask_kubelet{.method = "GET",
                                .url = around.kubelet_url(),
                                .headers = {},
                                .timeout = 5s,
                                .tls = {.ca = around.kubelet_ca()},
                                .direct = true};
  std::vector<HttpRequest> ask_engine;
  for (std::size_t i = 0; i <= test::PluginSurroundings::containers; ++i) {
    ask_engine.push_back({.method = "GET",
                          .url = i == 0 ? "http://docker/containers/json"
                                        : "http://docker/containers/x/stats?stream=false",
                          .headers = {},
                          .timeout = 5s,
                          .unix_socket = around.engine_socket()});
  }
  return {{"host",
           [] {
             for (const auto* const file :
                  {"stat", "filesystems", "self/mounts", "loadavg", "meminfo", "self/net/dev"}) {
               test::read_file(std::string("/proc/") + file);
             }
           }},
          {"k8s", [client, ask_kubelet] { client->perform(ask_kubelet); }},
          {"docker",
           [client, ask_engine] {
             client->perform(ask_engine.front());
             client->perform_all({ask_engine.begin() + 1, ask_engine.end()});
           }},
          {"dramatiq", [&queue] { queue.hash_sizes("dramatiq:*.msgs", "0"); }}};
}

test::ChildProcess::Environment settings_of(const test::PluginSurroundings& around) {
  auto settings = around.settings();
  settings["CAPTURE_INTERVAL"] = std::to_string(capture_interval);
  return settings;
}

Config config_of(const test::PluginSurroundings& around) {
  std::vector<std::string_view> names;
  for (const auto& row : plugin_table()) {
    names.push_back(row.name);
  }
  Environment environment{{"API_KEY", "key"}};
  for (const auto& [name, value] : settings_of(around)) {
    environment[name] = value;
  }
  const auto loaded = load_config(environment, {names, {"datadog"}});
  if (!loaded.faults.empty()) {
    throw std::runtime_error(loaded.faults.front());
  }
  return loaded.config;
}

bool measure_captures(Figures& figures, test::PluginSurroundings& around) {
  const auto config = config_of(around);
  RedisQueue queue({.socket = around.redis().socket()});
  const HashSizesScan scan = [&queue](const std::string& pattern, const std::string& cursor) {
    return queue.hash_sizes(pattern, cursor).value();
  };
  const auto bare = bare_readings(around, queue);
  bool all_well = true;
  for (const auto& row : plugin_table()) {
    std::stop_source stop;
    const auto plugin = row.make({config, stop.get_token(), scan});
    std::size_t metrics = 0;
    std::string fault;
    std::int64_t now = 1795416000;
    const auto capture_once = [&] {
      const auto capture = plugin->capture(++now);
      metrics = std::max(metrics, capture.metrics.size());
      if (!capture.faults.empty()) {
        fault = capture.faults.front();
      }
    };
    const std::string name(row.name);
    const auto reading = bare.find(name);
    Costs of_plugin;
    Costs of_reading;
    for (int round = 0; round < rounds; ++round) {
      of_plugin.measure(capture_once);
      if (reading != bare.end()) {
        of_reading.measure(reading->second);
      }
    }
    std::optional<Peer> floor;
    if (reading != bare.end()) {
      floor = Peer{"bare reading", median(of_reading.thread)};
    }
    const auto of_children = median(of_plugin.children);
    figures.add("CPU of a capture, " + name + ", " + std::to_string(metrics) + " metrics",
                median(of_plugin.thread), "us", floor);
    if (of_children > 0) {
      figures.add("CPU of the program that " + name + " runs, a capture", of_children, "us");
    }
    if (!fault.empty() || metrics == 0) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), fault.empty() ? "no metrics" : fault.c_str());
      all_well = false;
    }
  }
  return all_well;
}

/// What an agent took.
struct Footprint {
  double cpu_a_minute = 0;
  double resident = 0;
  double peak = 0;
  std::size_t points = 0;
};

class Subject {
public:
  Subject(const std::string& plugins, const test::ChildProcess::Environment& settings,
          const test::RedisServer& redis) {
    auto overrides = settings;
    overrides["COLLECTOR_PLUGINS"] = plugins;
    overrides["AGGREGATE_INTERVAL"] = "10";
    overrides["RELEASE_INTERVAL"] = "60";
    agent_ = std::make_unique<test::AgentProcess>(redis, intake_, overrides);
  }

  Footprint look(double minutes) const {
    Footprint footprint{.cpu_a_minute = cpu_seconds(agent_->pid()) * 1e3 / minutes,
                        .resident = memory(agent_->pid(), "VmRSS"),
                        .peak = memory(agent_->pid(), "VmHWM")};
    for (const auto& [series, points] : intake_.series()) {
      footprint.points += points.size();
    }
    return footprint;
  }

  bool well() { return agent_->running() && agent_->count_in_log("[Collector]") == 0; }
  std::string log() const { return agent_->out(); }

private:
  test::Intake intake_;
  std::unique_ptr<test::AgentProcess> agent_;
};

bool measure_agents(Figures& figures, test::PluginSurroundings& around, double minutes) {
  std::string all;
  for (const auto& row : plugin_table()) {
    all += (all.empty() ? "" : ",") + std::string(row.name);
  }
  const test::RedisServer other_redis;
  Subject none("[]", settings_of(around), other_redis);
  Subject with_all(all, settings_of(around), around.redis());
  std::this_thread::sleep_for(std::chrono::duration<double>(minutes * 60));
  const auto without = none.look(minutes);
  const auto with = with_all.look(minutes);
  const auto peer = [](double value) { return Peer{"no plugin", value}; };
  figures.add("CPU a minute, all plugins", with.cpu_a_minute, "ms", peer(without.cpu_a_minute));
  figures.add("resident memory, all plugins", with.resident, "MiB", peer(without.resident));
  figures.add("resident memory at its peak, all plugins", with.peak, "MiB", peer(without.peak));
  std::printf("(%zu points delivered, %zu without plugins)\n", with.points, without.points);
  if (!none.well() || !with_all.well()) {
    std::fprintf(stderr, "a plugin failed:\n%s\n", with_all.log().c_str());
    return false;
  }
  return true;
}

void run(Figures& figures, double minutes) {
  char setting[200];
  (void)std::snprintf(
      setting, sizeof(setting),
      "medians of %d rounds of %d captures; agents over %.1f min, a capture every %d s, a release "
      "every 60 s",
      rounds, captures, minutes, capture_interval);
  figures.describe(setting);
  test::PluginSurroundings around;
  const bool captured = measure_captures(figures, around);
  const bool ran = minutes <= 0 || measure_agents(figures, around, minutes);
  if (!captured || !ran) {
    throw std::runtime_error("a plugin failed");
  }
  figures.write();
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  try {
    chouette::bench::Figures figures(argc, argv);
    const double minutes = argc > 1 ? std::stod(argv[1]) : 5;
    chouette::bench::run(figures, minutes);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-collecting: %s\n", error.what());
    return 1;
  }
}
