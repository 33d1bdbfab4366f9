#include "commands/check_plugins.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "support/wait.hpp"

namespace chouette {
namespace {

using namespace std::chrono_literals;

/// A plugin that does what a function says.
class FunctionPlugin : public Plugin {
public:
  explicit FunctionPlugin(std::function<Capture()> function) : function_(std::move(function)) {}
  Capture capture(std::int64_t /*now*/) override { return function_(); }

private:
  std::function<Capture()> function_;
};

PluginToAsk plugin(std::string name, const std::function<Capture()>& function, int captures = 1) {
  return {std::move(name),
          [function](const std::stop_token&) { return std::make_unique<FunctionPlugin>(function); },
          captures};
}

TEST(AskPlugins, GivesTheirAnswersInTheirOrder) {
  const auto slow = [] {
    std::this_thread::sleep_for(50ms);
    return Capture{{{.name = "slow", .value = 1}}, {}, 0};
  };
  const auto answers = ask_plugins({plugin("a", slow), plugin("b", [] { return Capture{}; })}, 10s);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].name, "a");
  EXPECT_EQ(answers[0].capture.metrics.size(), 1U);
  EXPECT_GE(answers[0].took, 50ms);
  EXPECT_EQ(answers[1].name, "b");
  EXPECT_TRUE(ask_plugins({}, 10s).empty());
}

TEST(AskPlugins, TakesTheLastOfSeveralCaptures) {
  double calls = 0;
  const auto count = [&calls] { return Capture{{{.name = "calls", .value = ++calls}}, {}, 0}; };
  const auto answers = ask_plugins({plugin("a", count, 2)}, 100ms);
  ASSERT_FALSE(answers[0].failure) << *answers[0].failure;
  EXPECT_EQ(answers[0].capture.metrics.at(0).value, 2);
}

TEST(AskPlugins, SaysWhatOneThrows) {
  const auto answers =
      ask_plugins({plugin("a", []() -> Capture { throw std::runtime_error("no bus"); }),
                   plugin("b", []() -> Capture { throw 1; })},  // NOLINT: a foreign plugin may
                  10s);
  EXPECT_EQ(answers[0].failure, "no bus");
  EXPECT_EQ(answers[1].failure, "failed without saying why");
  EXPECT_FALSE(answers[0].hangs);
}

TEST(AskPlugins, TellsOneThatIsLateToStop) {
  const PluginToAsk late{"late", [](const std::stop_token& stop) {
                           return std::make_unique<FunctionPlugin>([stop] {
                             while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
                             return Capture{};
                           });
                         }};
  const auto answers = ask_plugins({late, plugin("b", [] { return Capture{}; })}, 50ms);
  EXPECT_TRUE(answers[0].failure);
  EXPECT_FALSE(answers[0].hangs);
  EXPECT_FALSE(answers[1].failure);
}

TEST(AskPlugins, LeavesOneThatHangsToItself) {
  std::promise<void> release;
  std::atomic<bool> ended{false};
  const auto hang = [&] {
    release.get_future().wait();
    ended = true;
    return Capture{};
  };
  const auto answers = ask_plugins({plugin("stuck", hang)}, 10ms);
  EXPECT_TRUE(answers[0].hangs);
  EXPECT_TRUE(answers[0].failure);
  release.set_value();
  EXPECT_TRUE(test::eventually([&] { return ended.load(); }));
}

TEST(PluginCheck, ShowsValuesAndFaults) {
  PluginAnswer answer{"host"};
  answer.capture.metrics = {{.name = "fs", .tags = {"a:1", "b:2"}, .value = 12345678901},
                            {.name = "load", .value = 0.25}};
  answer.took = 12ms;
  const auto good = judge_plugin(answer);
  EXPECT_EQ(good.level, Level::ok);
  EXPECT_EQ(good.text, "host: 2 points in 12 ms");
  EXPECT_EQ(good.details, (std::vector<std::string>{"fs [a:1, b:2] = 12345678901", "load = 0.25"}));
  EXPECT_EQ(good.advice, "");

  answer.capture.faults = {"no such file"};
  const auto partly = judge_plugin(answer);
  EXPECT_EQ(partly.level, Level::warning);
  EXPECT_EQ(partly.details.back(), "fault: no such file");
  EXPECT_NE(partly.advice.find("HOST_PROC"), std::string::npos);

  answer.capture.metrics.clear();
  EXPECT_EQ(judge_plugin(answer).level, Level::failed);
}

TEST(PluginCheck, FindsNothingWrongWithAPluginThatHasNothingToSay) {
  EXPECT_EQ(judge_plugin({"docker"}).level, Level::ok);
}

TEST(PluginCheck, WarnsOfMetricsThatMakeNoSense) {
  PluginAnswer answer{"exec"};
  answer.capture.malformed = 3;
  EXPECT_EQ(judge_plugin(answer).level, Level::warning);
}

TEST(PluginCheck, SaysThatAPluginHangs) {
  const auto finding = judge_plugin({"mine", {}, "no answer within 30 s", 30s, true});
  EXPECT_EQ(finding.level, Level::failed);
  EXPECT_NE(finding.text.find("hangs"), std::string::npos);
  EXPECT_NE(finding.advice.find("CHOUETTE_PLUGIN_DIR"), std::string::npos);
}

TEST(PluginCheck, CutsLongListsShort) {
  PluginAnswer answer{"docker"};
  answer.capture.metrics.resize(100, {.name = "m"});
  const auto finding = judge_plugin(answer);
  EXPECT_EQ(finding.details.size(), 31U);
  EXPECT_EQ(finding.details.back(), "and 70 more points");
}

TEST(PluginCheck, ShowsAnyNumber) {
  EXPECT_EQ(to_line({.name = "a", .value = 0}), "a = 0");
  EXPECT_EQ(to_line({.name = "a", .value = -3}), "a = -3");
  EXPECT_EQ(to_line({.name = "a", .value = 1e300}), "a = 1e+300");
  EXPECT_EQ(to_line({.name = "a", .value = 1.0 / 0.0}), "a = inf");
  EXPECT_EQ(to_line({.name = "a", .value = 0.0 / 0.0}).substr(0, 4), "a = ");
}

}  // namespace
}  // namespace chouette
