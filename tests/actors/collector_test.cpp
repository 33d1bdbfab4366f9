#include "actors/collector.hpp"

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "actor_test.hpp"

namespace chouette::test {
namespace {

/// A plugin made of a function.
class FunctionPlugin : public Plugin {
public:
  using Function = std::function<Capture(std::int64_t now)>;

  explicit FunctionPlugin(Function function) : function_(std::move(function)) {}
  Capture capture(std::int64_t now) override { return function_(now); }

private:
  Function function_;
};

NamedPlugin plugin(const std::string& name, FunctionPlugin::Function function) {
  return {name, [function = std::move(function)](const std::stop_token&) {
            return std::make_unique<FunctionPlugin>(function);
          }};
}

Capture gauges(std::int64_t now, std::initializer_list<double> values) {
  Capture capture;
  for (const auto value : values) {
    capture.metrics.push_back({.name = "m", .tags = {"k:v"}, .timestamp = now, .value = value});
  }
  return capture;
}

class Collector : public ActorTest {
protected:
  /// The captures under way are told to stop, as their threads are waited for.
  void TearDown() override {
    stop_collector();
    collector_ = nullptr;
    ActorTest::TearDown();
  }

  void start(CollectorSettings settings) {
    settings.interval = 30s;
    settings.losses = losses_;
    settings.wall = wall_clock();
    collector_ = caf::actor_cast<caf::actor>(spawn(collector, redis_, std::move(settings)));
    run();
  }

  void start_with(std::vector<NamedPlugin> plugins, bool detached = false) {
    start({.interval = {}, .plugins = std::move(plugins), .detached = detached});
  }

  /// With chouette.plugin.* as well.
  void start_measuring(std::vector<NamedPlugin> plugins, bool detached = false) {
    start({.interval = {},
           .plugins = std::move(plugins),
           .plugin_metrics = true,
           .detached = detached});
  }

  /// As the supervisor does.
  void stop_collector() {
    caf::anon_send_exit(collector_, caf::exit_reason::user_shutdown);
    run();
  }

  /// Lets threads go on until `condition` holds.
  template <class Condition>
  bool wait_for(Condition condition) {
    for (int i = 0; i < 5000 && !condition(); ++i) {
      std::this_thread::sleep_for(1ms);
      run();
    }
    return condition();
  }

  /// What was stored of a metric, oldest first.
  std::vector<nlohmann::json> stored(const std::string& metric) {
    auto all = values(wrapped_metrics);
    std::erase_if(all, [&](const nlohmann::json& point) { return point["metric"] != metric; });
    return all;
  }

  std::uint64_t malformed() {
    return losses_->metrics.take()[static_cast<std::size_t>(LossReason::malformed)];
  }

  caf::actor collector_;
};

const std::string duration_metric = "chouette.plugin.duration";
const std::string failures_metric = "chouette.plugin.failures";

/// A plugin whose captures last until they are to stop.
struct Patient {
  std::atomic<int> captures = 0;
  std::atomic<int> stopped = 0;

  static NamedPlugin plugin(const std::string& name, const std::shared_ptr<Patient>& patient) {
    return {name, [patient](const std::stop_token& stop) {
              return std::make_unique<FunctionPlugin>([patient, stop](std::int64_t now) {
                ++patient->captures;
                std::mutex mutex;
                std::condition_variable_any changed;
                std::unique_lock lock(mutex);
                changed.wait(lock, stop, [] { return false; });
                ++patient->stopped;
                return gauges(now, {7});
              });
            }};
  }
};

TEST_F(Collector, StoresWhatPluginsCaptureAsWrappedMetrics) {
  start_with({plugin("p", [](std::int64_t now) { return gauges(now, {0, 2.5}); })});
  advance(29s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  advance(1s);
  const auto stored = values(wrapped_metrics);
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_EQ(stored[0]["points"][0][0], 1795416030);
  EXPECT_EQ(stored[0]["tags"], nlohmann::json{"k:v"});
  EXPECT_EQ(stored[0]["points"][0][1].get<double>() + stored[1]["points"][0][1].get<double>(), 2.5);
  advance(30s);
  EXPECT_EQ(size(wrapped_metrics), 4U);
}

TEST_F(Collector, DoesNotSendWhatIsNoNumber) {
  start_with({plugin("p", [](std::int64_t now) { return gauges(now, {NAN, INFINITY, 1}); })});
  advance(30s);
  EXPECT_EQ(size(wrapped_metrics), 1U);
}

TEST_F(Collector, RestartsAPluginThatThrowsAndSaysSoOnce) {
  int captures = 0;
  start_with({plugin("bad",
                     [&captures](std::int64_t now) {
                       if (++captures <= 3) {
                         throw std::runtime_error("no sensor");
                       }
                       return gauges(now, {1});
                     }),
              plugin("good", [](std::int64_t now) { return gauges(now, {1}); })});
  advance(90s);
  EXPECT_EQ(captures, 3);
  EXPECT_EQ(size(wrapped_metrics), 3U);
  EXPECT_EQ(logged("plugin bad: no sensor"), 1U);
  advance(30s);
  EXPECT_EQ(size(wrapped_metrics), 5U);
  EXPECT_EQ(logged("plugin bad works again after 90 s"), 1U);
}

TEST_F(Collector, SaysOnceWhatAPluginCannotRead) {
  start_with({plugin("p", [](std::int64_t now) {
    auto capture = gauges(now, {1});
    capture.faults = {"fs: /mnt: Input/output error", "la: gone"};
    return capture;
  })});
  advance(120s);
  EXPECT_EQ(size(wrapped_metrics), 4U);
  EXPECT_EQ(logged("plugin p: fs: /mnt: Input/output error; la: gone"), 1U);
}

TEST_F(Collector, KeepsCapturesInBoundedMemoryWhileRedisIsAwayAndStoresThemAfterwards) {
  start_with({plugin("p", [](std::int64_t now) {
    Capture capture;
    for (int i = 0; i < 4000 && now <= 1795416120; ++i) {
      capture.metrics.push_back({.name = "m" + std::to_string(i), .timestamp = now, .value = 1});
    }
    return capture;
  })});
  queue_->failure = QueueError{QueueErrc::unreachable, "away"};
  advance(149s);
  EXPECT_EQ(logged("oldest captured metrics: 10000 wait for Redis already"), 1U);
  queue_->failure.reset();
  advance(1s);
  // Of four captures of 4,000 the oldest 6,000 had to go; the others were stored, each once.
  EXPECT_EQ(size(wrapped_metrics), 10000U);
  EXPECT_EQ(values(wrapped_metrics).front()["points"][0][0], 1795416060);
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 10000U);
}

TEST_F(Collector, AHangingPluginHoldsUpNobodyAndIsAskedAgain) {
  // Shared with threads that outlive the collector.
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    std::atomic<int> captures = 0;
  };
  const auto gate = std::make_shared<Gate>();
  start_with({plugin("hangs",
                     [gate](std::int64_t now) {
                       ++gate->captures;
                       std::unique_lock lock(gate->mutex);
                       gate->changed.wait(lock, [&] { return gate->open; });
                       return gauges(now, {7});
                     }),
              plugin("good", [](std::int64_t now) { return gauges(now, {1}); })},
             true);
  for (std::size_t round = 1; round <= 6; ++round) {
    advance(30s);
    wait_for([&] { return size(wrapped_metrics) == round; });
    EXPECT_EQ(size(wrapped_metrics), round);
  }
  EXPECT_EQ(logged("plugin hangs: no answer within 30 s"), 1U);
  // Each hanging capture keeps a thread: there are never more than three.
  wait_for([&] { return gate->captures >= 3; });
  EXPECT_EQ(gate->captures, 3);
  {
    const std::lock_guard lock(gate->mutex);
    gate->open = true;
  }
  gate->changed.notify_all();
  // Late answers are dropped; once the threads have ended, the plugin is asked again.
  for (int i = 0; i < 50 && logged("plugin hangs works again") == 0; ++i) {
    std::this_thread::sleep_for(20ms);
    advance(30s);
    wait_for([&] { return logged("plugin hangs works again") == 1; });
  }
  EXPECT_EQ(logged("plugin hangs works again"), 1U);
}

// What cannot be sent

TEST_F(Collector, CountsAsMalformedWhatHasNoNameOrIsNoNumber) {
  start_with({plugin("p", [](std::int64_t now) {
    auto capture = gauges(now, {NAN, INFINITY, -INFINITY, 0, -1.5});
    capture.metrics.push_back({.name = "", .timestamp = now, .value = 1});
    return capture;
  })});
  advance(30s);
  EXPECT_EQ(size(wrapped_metrics), 2U);
  EXPECT_EQ(malformed(), 4U);
  advance(30s);
  EXPECT_EQ(malformed(), 4U);
}

TEST_F(Collector, CountsAsMalformedWhatIsOutOfTime) {
  start_with({plugin("p", [](std::int64_t) {
    constexpr auto extremes = std::numeric_limits<std::int64_t>();
    constexpr std::int64_t bound = 9007199254740992;
    Capture capture;
    for (const auto timestamp :
         {bound, -bound, bound + 1, -bound - 1, extremes.max(), extremes.min()}) {
      capture.metrics.push_back({.name = "m", .timestamp = timestamp, .value = 1});
    }
    return capture;
  })});
  advance(30s);
  EXPECT_EQ(size(wrapped_metrics), 2U);
  EXPECT_EQ(malformed(), 4U);
}

TEST_F(Collector, PutsTagsInOrder) {
  start_with({plugin("p", [](std::int64_t now) {
    auto capture = gauges(now, {1});
    capture.metrics.front().tags = {"b:1", "a:1", "b:1"};
    return capture;
  })});
  advance(30s);
  const auto stored = values(wrapped_metrics);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0]["tags"], nlohmann::json::parse(R"(["a:1","b:1"])"));
}

TEST_F(Collector, CountsAsMalformedWhatAPluginCouldNotMakeSenseOf) {
  start_with({plugin("p",
                     [](std::int64_t now) {
                       auto capture = gauges(now, {1, NAN});
                       capture.malformed = 5;
                       return capture;
                     }),
              plugin("q", [](std::int64_t) {
                Capture capture;
                capture.malformed = 2;
                return capture;
              })});
  advance(30s);
  EXPECT_EQ(size(wrapped_metrics), 1U);
  EXPECT_EQ(malformed(), 8U);
}

// Metrics of plugins

TEST_F(Collector, SendsNoMetricsOfPluginsUnlessAsked) {
  start_with({plugin("bad", [](std::int64_t) -> Capture { throw std::runtime_error("no sensor"); }),
              plugin("good", [](std::int64_t now) { return gauges(now, {1}); })});
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 2U);
}

TEST_F(Collector, SendsHowLongEachCaptureTook) {
  start_measuring({plugin("slow",
                          [](std::int64_t now) {
                            std::this_thread::sleep_for(20ms);
                            return gauges(now, {1});
                          }),
                   plugin("empty", [](std::int64_t) { return Capture{}; })});
  advance(60s);
  EXPECT_EQ(stored("m").size(), 2U);
  EXPECT_EQ(stored(failures_metric).size(), 0U);
  auto durations = stored(duration_metric);
  ASSERT_EQ(durations.size(), 4U);
  int slow = 0;
  for (const auto& point : durations) {
    EXPECT_EQ(point["type"], "gauge");
    EXPECT_FALSE(point.contains("interval"));
    EXPECT_EQ(point["points"].size(), 1U);
    const auto seconds = point["points"][0][1].get<double>();
    EXPECT_LT(seconds, 10);
    if (point["tags"] == nlohmann::json{"plugin:slow"}) {
      ++slow;
      EXPECT_GE(seconds, 0.02);
    } else {
      EXPECT_EQ(point["tags"], nlohmann::json{"plugin:empty"});
      EXPECT_GE(seconds, 0);
    }
  }
  EXPECT_EQ(slow, 2);
  EXPECT_EQ(durations.front()["points"][0][0], 1795416030);
  EXPECT_EQ(durations.back()["points"][0][0], 1795416060);
}

TEST_F(Collector, CountsCapturesThatThrow) {
  start_measuring(
      {plugin("bad", [](std::int64_t) -> Capture { throw std::runtime_error("no sensor"); }),
       plugin("good", [](std::int64_t now) { return gauges(now, {1}); })});
  advance(90s);
  const auto failures = stored(failures_metric);
  ASSERT_EQ(failures.size(), 3U);
  for (std::size_t i = 0; i < failures.size(); ++i) {
    EXPECT_EQ(failures[i], (nlohmann::json{{"metric", failures_metric},
                                           {"type", "count"},
                                           {"interval", 30},
                                           {"tags", {"plugin:bad"}},
                                           {"points", {{1795416030 + 30 * i, 1}}}}));
  }
  // A capture that throws has no end that could be timed.
  EXPECT_EQ(stored(duration_metric).size(), 3U);
}

TEST_F(Collector, CountsAPluginThatCannotBeMade) {
  start_measuring({{"none", [](const std::stop_token&) -> std::unique_ptr<Plugin> {
                      throw std::runtime_error("no such device");
                    }}});
  advance(60s);
  EXPECT_EQ(stored(failures_metric).size(), 2U);
  EXPECT_EQ(logged("plugin none: no such device"), 1U);
}

TEST_F(Collector, CountsACaptureWithFaultsOnceAndTimesIt) {
  start_measuring({plugin("p", [](std::int64_t now) {
    auto capture = gauges(now, {1});
    capture.faults = {"a: gone", "b: gone", "c: gone"};
    return capture;
  })});
  advance(30s);
  EXPECT_EQ(stored("m").size(), 1U);
  EXPECT_EQ(stored(failures_metric).size(), 1U);
  EXPECT_EQ(stored(duration_metric).size(), 1U);
}

TEST_F(Collector, CountsNothingOnceAPluginWorksAgain) {
  int captures = 0;
  start_measuring({plugin("p", [&captures](std::int64_t now) {
    auto capture = gauges(now, {1});
    if (++captures == 1) {
      capture.faults = {"a: gone"};
    }
    return capture;
  })});
  advance(90s);
  EXPECT_EQ(stored(failures_metric).size(), 1U);
  EXPECT_EQ(stored(duration_metric).size(), 3U);
}

TEST_F(Collector, CountsCapturesThatHangAtTheTimeAtWhichTheyBegan) {
  const auto patient = std::make_shared<Patient>();
  start_measuring({Patient::plugin("hangs", patient)}, true);
  advance(30s);
  ASSERT_TRUE(wait_for([&] { return patient->captures == 1; }));
  EXPECT_EQ(stored(failures_metric).size(), 0U);
  advance(30s);
  const auto failures = stored(failures_metric);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0]["points"], nlohmann::json::parse("[[1795416030,1]]"));
  EXPECT_EQ(failures[0]["tags"], nlohmann::json{"plugin:hangs"});
  // What the capture answers after that is dropped, and so is the time it took.
  ASSERT_TRUE(wait_for([&] { return patient->stopped == 1; }));
  advance(10s);
  EXPECT_EQ(size(wrapped_metrics), 1U);
  stop_collector();
  EXPECT_TRUE(wait_for([&] { return patient->stopped == patient->captures; }));
}

TEST_F(Collector, KeepsItsMetricsOfPluginsWhileRedisIsAway) {
  start_measuring(
      {plugin("bad", [](std::int64_t) -> Capture { throw std::runtime_error("no sensor"); })});
  queue_->failure = QueueError{QueueErrc::unreachable, "away"};
  advance(75s);
  queue_->failure.reset();
  EXPECT_EQ(size(wrapped_metrics), 0U);
  advance(15s);
  EXPECT_EQ(stored(failures_metric).size(), 3U);
}

// Stopping

TEST_F(Collector, TellsACaptureThatItIsGivenUpAndAsksAFreshPlugin) {
  const auto patient = std::make_shared<Patient>();
  start_with({Patient::plugin("hangs", patient)}, true);
  for (int round = 1; round <= 6; ++round) {
    advance(30s);
    // Each capture but this one was told, and has ended: so there is always room for the next.
    ASSERT_TRUE(wait_for([&] { return patient->captures == round; })) << round;
    ASSERT_TRUE(wait_for([&] { return patient->stopped == round - 1; })) << round;
  }
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(logged("plugin hangs: no answer within 30 s"), 1U);
  stop_collector();
  EXPECT_TRUE(wait_for([&] { return patient->stopped == 6; }));
}

TEST_F(Collector, TellsCapturesUnderWayThatItEnds) {
  const auto one = std::make_shared<Patient>();
  const auto other = std::make_shared<Patient>();
  start_with({Patient::plugin("one", one), Patient::plugin("other", other)}, true);
  advance(30s);
  ASSERT_TRUE(wait_for([&] { return one->captures == 1 && other->captures == 1; }));
  EXPECT_EQ(one->stopped + other->stopped, 0);
  stop_collector();
  EXPECT_TRUE(wait_for([&] { return one->stopped == 1 && other->stopped == 1; }));
}

TEST_F(Collector, TellsNoCaptureToStopThatAnswersInTime) {
  std::vector<std::stop_token> tokens;
  std::size_t asked_to_stop = 0;
  start_with({{"p", [&](const std::stop_token& stop) {
                 tokens.push_back(stop);
                 return std::make_unique<FunctionPlugin>([&, stop](std::int64_t now) {
                   asked_to_stop += stop.stop_requested() ? 1 : 0;
                   return gauges(now, {1});
                 });
               }}});
  advance(90s);
  ASSERT_EQ(tokens.size(), 1U);
  EXPECT_FALSE(tokens[0].stop_requested());
  EXPECT_EQ(asked_to_stop, 0U);
  stop_collector();
  EXPECT_TRUE(tokens[0].stop_requested());
}

TEST_F(Collector, GivesAPluginThatIsMadeAnewATokenOfItsOwn) {
  std::vector<std::stop_token> tokens;
  start_with({{"p", [&](const std::stop_token& stop) {
                 tokens.push_back(stop);
                 return std::make_unique<FunctionPlugin>(
                     [](std::int64_t) -> Capture { throw std::runtime_error("no sensor"); });
               }}});
  advance(60s);
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_FALSE(tokens[0] == tokens[1]);
  EXPECT_FALSE(tokens[1].stop_requested());
}

}  // namespace
}  // namespace chouette::test
