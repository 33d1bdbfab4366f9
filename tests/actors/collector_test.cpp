#include "actors/collector.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
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
  return {name,
          [function = std::move(function)] { return std::make_unique<FunctionPlugin>(function); }};
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
  void start_with(std::vector<NamedPlugin> plugins, bool detached = false) {
    spawn(collector, redis_,
          CollectorSettings{.interval = 30s,
                            .plugins = std::move(plugins),
                            .losses = losses_,
                            .wall = wall_clock(),
                            .detached = detached});
    run();
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
  const auto wait_for = [this](auto condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      std::this_thread::sleep_for(1ms);
      run();
    }
  };
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

}  // namespace
}  // namespace chouette::test
