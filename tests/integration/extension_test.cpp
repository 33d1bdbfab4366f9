#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/agent.hpp"
#include "support/child_process.hpp"
#include "support/intake.hpp"
#include "support/plugin_folder.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// The value of the last point of that name; -1 if none has come.
double last_value(const Intake& intake, const std::string& metric) {
  const auto points = intake.points(metric);
  return points.empty() ? -1 : points.rbegin()->second.value;
}

bool waits_for(const Intake& intake, const std::string& metric) {
  return intake.wait_until([&] { return !intake.points(metric).empty(); });
}

void expect_quick_stop(AgentProcess& agent) {
  const auto stopped = agent.stop();
  EXPECT_EQ(stopped.exit, (ExitStatus{0, 0}));
  EXPECT_LT(stopped.elapsed, 5s);
  EXPECT_THAT(agent.malformed_log_lines(), IsEmpty());
  EXPECT_EQ(agent.err(), "");
}

TEST(Extension, RunsBesideTheBuiltInPluginsAndSeesNoSecret) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody", "grumpy"});
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"COLLECTOR_PLUGINS", "host,Moody"},
                      {"moody", "well"}});
  EXPECT_TRUE(waits_for(intake, "moody.value"));
  EXPECT_TRUE(waits_for(intake, "Chouette.host.la"));
  EXPECT_EQ(last_value(intake, "moody.interval"), 1);
  EXPECT_EQ(last_value(intake, "moody.sees.key"), 0);
  EXPECT_THAT(intake.points("grumpy.value"), IsEmpty()) << "it is not switched on";
  expect_quick_stop(agent);
  EXPECT_EQ(agent.count_in_log("left behind"), 0U);
  EXPECT_THAT(intake.violations(), IsEmpty());
}

TEST(Extension, ThatHangsOrThrowsHoldsUpNobodyAndNotTheStop) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody", "grumpy"});
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"COLLECTOR_PLUGINS", R"(["host", "moody", "grumpy"])"},
                      {"MOODY", "hangs"},
                      {"GRUMPY", "throws"},
                      {"SEND_PLUGIN_METRICS", "true"}});
  EXPECT_TRUE(agent.wait_for_log("plugin moody: no answer within 1 s"));
  EXPECT_TRUE(agent.wait_for_log("plugin grumpy: not in the mood"));
  // Both are asked again, and fail again, while the host's metrics flow.
  EXPECT_TRUE(intake.wait_until([&] {
    return intake.points("chouette.plugin.failures", {"plugin:moody"}).size() > 1 &&
           intake.points("chouette.plugin.failures", {"plugin:grumpy"}).size() > 1 &&
           intake.points("Chouette.host.la").size() > 2;
  }));
  expect_quick_stop(agent);
  EXPECT_EQ(agent.count_in_log("left behind"), 1U);
  EXPECT_THAT(intake.violations(), IsEmpty());
}

TEST(Extension, ThatHeedsItsStopTokenLetsTheAgentStopAtOnce) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody", "grumpy"});
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"COLLECTOR_PLUGINS", "moody,grumpy"},
                      {"MOODY", "waits for the stop"},
                      {"CAPTURE_INTERVAL", "2"}});
  // Both have been asked by then.
  EXPECT_TRUE(waits_for(intake, "grumpy.value"));
  const auto stopped = agent.stop();
  EXPECT_EQ(stopped.exit, (ExitStatus{0, 0}));
  EXPECT_LT(stopped.elapsed, 3s);
  EXPECT_EQ(agent.count_in_log("left behind"), 0U);
}

TEST(Extension, ThatFailsToBeMadeIsMadeAnew) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody", "grumpy"});
  for (const auto& [mood, text] : {std::pair{"throws when made", "not in the mood"},
                                   {"throws a number", "unknown exception"},
                                   {"is none", "made no plugin"},
                                   {"hangs when made", "no answer within"}}) {
    AgentProcess agent(server, intake,
                       {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                        {"COLLECTOR_PLUGINS", "moody,grumpy"},
                        {"MOODY", mood},
                        {"SEND_PLUGIN_METRICS", "true"}});
    EXPECT_TRUE(agent.wait_for_log(text)) << mood;
    EXPECT_TRUE(intake.wait_until([&] {
      const auto failures = intake.points("chouette.plugin.failures", {"plugin:moody"});
      return failures.size() > 1;
    })) << mood;
    EXPECT_TRUE(waits_for(intake, "grumpy.value"));
    expect_quick_stop(agent);
  }
}

TEST(Extension, CannotPutRubbishIntoTheQueue) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"moody"});
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"COLLECTOR_PLUGINS", "moody"},
                      {"MOODY", "sends rubbish"}});
  EXPECT_TRUE(intake.wait_until([&] {
    const auto dropped = intake.points("chouette.dropped.metrics", {"reason:malformed"});
    return !dropped.empty() && !intake.points("moody.value").empty();
  }));
  EXPECT_THAT(intake.points("moody.infinite"), IsEmpty());
  expect_quick_stop(agent);
  EXPECT_THAT(intake.violations(), IsEmpty());
}

TEST(Extension, IsNamedByTheConfigurationsFaults) {
  const PluginFolder folder({"moody", "fussy", "library"});
  AgentProcess agent({{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"API_KEY", "key-of-the-test"},
                      {"COLLECTOR_PLUGINS", "toaster"},
                      {"METRICS_WRAPPER", "other"}});
  EXPECT_EQ(agent.wait(), (ExitStatus{78, 0}));
  EXPECT_EQ(agent.count_in_log("COLLECTOR_PLUGINS: \"toaster\" has the unknown"), 1U);
  EXPECT_EQ(agent.count_in_log(", moody"), 1U);
  EXPECT_EQ(agent.count_in_log("METRICS_WRAPPER: \"other\" is not known, expected one of: "
                               "datadog, simple, fussy"),
            1U);
  EXPECT_EQ(agent.count_in_log("library.so is neither a plugin nor a wrapper"), 1U);
}

TEST(Extension, ThatIsRefusedIsAnErrorInTheLogAndNoReasonToEnd) {
  RedisServer server;
  Intake intake;
  const PluginFolder folder({"next_version", "moody"});
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()}, {"COLLECTOR_PLUGINS", "moody"}});
  EXPECT_TRUE(waits_for(intake, "moody.value"));
  const auto log = agent.log();
  EXPECT_EQ(std::count_if(log.begin(), log.end(),
                          [](const auto& line) {
                            const auto text = line["message"].template get<std::string>();
                            return line["levelname"] == "ERROR" &&
                                   text.find("next_version.so is built for version 2") !=
                                       std::string::npos;
                          }),
            1);
  expect_quick_stop(agent);
}

TEST(Extension, IsListedByCheckConfig) {
  const PluginFolder folder({"moody", "fussy", "library"});
  AgentProcess agent({{"CHOUETTE_PLUGIN_DIR", folder.path()},
                      {"API_KEY", "key-of-the-test"},
                      {"COLLECTOR_PLUGINS", "moody"},
                      {"METRICS_WRAPPER", "fussy"}},
                     {"--check-config"});
  EXPECT_EQ(agent.wait(), (ExitStatus{0, 0}));
  EXPECT_EQ(agent.out(), "loaded: the plugin moody from " + folder.path() +
                             "/moody.so\n"
                             "loaded: the wrapper fussy from " +
                             folder.path() +
                             "/fussy.so\n"
                             "warning: CHOUETTE_PLUGIN_DIR: " +
                             folder.path() +
                             "/library.so is neither a plugin nor a wrapper: it has no "
                             "CHOUETTE_PLUGIN or CHOUETTE_WRAPPER\n"
                             "The configuration is good.\n");
}

TEST(Extension, AWrapperThatCannotBeMadeIsAFaultOfTheConfiguration) {
  const PluginFolder folder({"fussy"});
  for (const auto& [mood, text] : {std::pair{"throws", "failed to make it: not in the mood"},
                                   {"throws a number", "failed to make it"},
                                   {"is none", "made none"}}) {
    for (const auto& arguments : {std::vector<std::string>{}, {"--check-config"}}) {
      AgentProcess agent({{"CHOUETTE_PLUGIN_DIR", folder.path()},
                          {"API_KEY", "key-of-the-test"},
                          {"METRICS_WRAPPER", "fussy"},
                          {"FUSSY", mood}},
                         arguments);
      EXPECT_EQ(agent.wait(), (ExitStatus{78, 0})) << mood;
      EXPECT_THAT(agent.out(), HasSubstr("METRICS_WRAPPER: ")) << mood;
      EXPECT_THAT(agent.out(), HasSubstr(text)) << mood;
    }
  }
}

TEST(Extension, AWrapperThatFailsCostsOnlyTheMetricsAtWhichItFails) {
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  const PluginFolder folder({"fussy"});
  const auto now = unix_now() - 5;
  for (const auto* name : {"a", "clear", "refuse", "rubbish", "throw", "throw.number", "z"}) {
    redis.add({name, "count", 2, now});
    redis.add({name, "count", 3, now});
  }
  AgentProcess agent(server, intake,
                     {{"CHOUETTE_PLUGIN_DIR", folder.path()}, {"METRICS_WRAPPER", "fussy"}});
  EXPECT_TRUE(waits_for(intake, "z"));
  for (const auto* name : {"a", "clear", "rubbish", "z"}) EXPECT_EQ(intake.sum(name), 5) << name;
  // Each raw metric that was refused, and each point that was none.
  const auto dropped = [&](const std::string& reason) {
    double sum = 0;
    for (const auto& [time, point] :
         intake.points("chouette.dropped.metrics", {"reason:" + reason})) {
      sum += point.value;
    }
    return sum;
  };
  EXPECT_TRUE(
      intake.wait_until([&] { return dropped("unsupported") == 6 && dropped("malformed") == 2; }));
  EXPECT_EQ(agent.count_in_log("dropped 6 raw metrics that METRICS_WRAPPER does not support"), 1U);
  EXPECT_EQ(agent.count_in_log("dropped 2 points of METRICS_WRAPPER that cannot be sent"), 1U);
  EXPECT_EQ(redis.size(raw_metrics), 0U);
  for (const auto* name : {"refuse", "throw", "throw.number", "infinite"}) {
    EXPECT_THAT(intake.points(name), IsEmpty()) << name;
  }
  expect_quick_stop(agent);
  EXPECT_THAT(intake.violations(), IsEmpty());
}

// docs/plugins.md, done as it says.

/// The code blocks of a page whose fence reads "```" + `language`.
std::vector<std::string> blocks(const std::string& page, const std::string& language) {
  std::vector<std::string> found;
  std::istringstream stream(page);
  bool inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line == "```" + language) {
      found.emplace_back();
      inside = true;
    } else if (line.starts_with("```")) {
      inside = false;
    } else if (inside) {
      found.back() += line + '\n';
    }
  }
  return found;
}

class Walkthrough : public testing::Test {
protected:
  Walkthrough() {
    // As after a checkout and a build of the agent.
    fs::create_directory_symlink(CHOUETTE_DOCS, home_ / "docs");
    fs::create_directory_symlink(CHOUETTE_BUILD, home_ / "build");
    settings_["HOME"] = home_.path();
    settings_["CXX"] = CHOUETTE_COMPILER;
    settings_["PATH"] = fs::path(CHOUETTE_CMAKE).parent_path().string() + ':' + std::getenv("PATH");
    settings_["WIFI_FILE"] = CHOUETTE_DOCS "/examples/wifi/wireless.txt";
  }

  ChildProcess start(const std::string& commands, const ChildProcess::Environment& more = {}) {
    auto environment = more;
    environment.merge(ChildProcess::Environment(settings_));
    return ChildProcess({"sh", "-euc", "umask 002; cd; " + commands}, environment);
  }

  /// What the commands print; they are to succeed.
  std::string run(const std::string& commands, const ChildProcess::Environment& more = {}) {
    auto process = start(commands, more);
    const auto ended = process.wait(120s);
    EXPECT_EQ(ended, (ExitStatus{0, 0})) << commands << process.out() << process.err();
    return process.out();
  }

  TempDir home_;
  ChildProcess::Environment settings_;
  const std::string page_ = read_file(CHOUETTE_DOCS "/plugins.md");
};

TEST_F(Walkthrough, BuildsInstallsChecksAndRunsBothExamples) {
  RedisServer server;
  Intake intake;
  const auto settings = agent_environment(server, intake);
  bool checked = false;
  int runs = 0;
  std::string exports;
  for (const auto& block : blocks(page_, "sh")) {
    auto commands = exports + block;
    std::istringstream lines(block);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("export ")) exports += line + '\n';
    }
    if (const auto agent_line = commands.rfind("~/.local/bin/chouette-iot\n");
        agent_line != std::string::npos) {
      // In the foreground; with exec, a signal reaches the agent, not the shell.
      commands.insert(agent_line, "exec ");
      server.client().add({"door.opened", "count", 3, unix_now() - 5});
      server.client().add({"door.opened", "count", 4, unix_now() - 4});
      auto agent = start(commands, settings);
      const auto arrived = intake.wait_until([&] {
        return intake.points("wifi.signal", {"iface:wlan0"}).size() > 1 &&
               !intake.points("door.opened").empty();
      });
      EXPECT_TRUE(arrived) << commands << agent.out() << agent.err();
      agent.signal(SIGTERM);
      EXPECT_EQ(agent.wait(5s), (ExitStatus{0, 0}));
      ++runs;
    } else {
      const auto out = run(commands, settings);
      checked = checked || out.find("loaded: the plugin wifi from ") != std::string::npos;
    }
  }
  EXPECT_TRUE(checked);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(last_value(intake, "wifi.signal"), -56);
  EXPECT_EQ(intake.points("wifi.quality", {"iface:wlan1"}).rbegin()->second.value, 0);
  EXPECT_EQ(last_value(intake, "door.opened"), 4);
  EXPECT_EQ(intake.points("door.opened").rbegin()->second.type, "gauge");
  EXPECT_THAT(intake.violations(), IsEmpty());
}

TEST_F(Walkthrough, ShowsTheExamplesAsTheyAre) {
  for (const auto* file : {"wifi/wifi.cpp", "wifi/CMakeLists.txt", "last_value/last_value.cpp"}) {
    const auto whole = read_file(fs::path(CHOUETTE_DOCS) / "examples" / file);
    ASSERT_NE(whole, "") << file;
    EXPECT_NE(page_.find(std::string("examples/") + file), std::string::npos) << file;
  }
  // Pieces of code on the page stand in the examples just so.
  std::string examples;
  for (const auto& entry : fs::recursive_directory_iterator(CHOUETTE_DOCS "/examples")) {
    if (entry.is_regular_file()) examples += read_file(entry.path());
  }
  auto pieces = blocks(page_, "cpp");
  for (auto& piece : blocks(page_, "cmake")) pieces.push_back(std::move(piece));
  EXPECT_GE(pieces.size(), 3U);
  for (const auto& piece : pieces) {
    EXPECT_NE(examples.find(piece), std::string::npos) << piece;
  }
}

TEST_F(Walkthrough, SymbolsThatAreMissingShowWhenAPluginIsBuilt) {
  fs::create_directory(home_ / "broken");
  std::ofstream(home_ / "broken/CMakeLists.txt") << "cmake_minimum_required(VERSION 3.18)\n"
                                                    "project(broken CXX)\n"
                                                    "find_package(chouette-iot 0.1 REQUIRED)\n"
                                                    "chouette_add_plugin(broken broken.cpp)\n";
  std::ofstream(home_ / "broken/broken.cpp")
      << "#include <chouette/extension.hpp>\n"
         "std::unique_ptr<chouette::Plugin> forgotten(const chouette::PluginContext&);\n"
         "CHOUETTE_PLUGIN(\"broken\", forgotten);\n";
  run("cmake --install build --prefix ~/.local --component development\n"
      "cmake -S broken -B build-broken -DCMAKE_PREFIX_PATH=$HOME/.local");
  auto build = start("cmake --build build-broken");
  const auto ended = build.wait(60s);
  ASSERT_TRUE(ended);
  EXPECT_NE(ended->code, 0);
  EXPECT_THAT(build.out() + build.err(), HasSubstr("forgotten"));
}

TEST_F(Walkthrough, ThePackageRefusesAnotherVersion) {
  fs::create_directory(home_ / "newer");
  std::ofstream(home_ / "newer/CMakeLists.txt") << "cmake_minimum_required(VERSION 3.18)\n"
                                                   "project(newer CXX)\n"
                                                   "find_package(chouette-iot 0.99 REQUIRED)\n";
  run("cmake --install build --prefix ~/.local --component development");
  auto configure = start("cmake -S newer -B build-newer -DCMAKE_PREFIX_PATH=$HOME/.local");
  const auto ended = configure.wait(60s);
  ASSERT_TRUE(ended);
  EXPECT_NE(ended->code, 0);
  EXPECT_THAT(configure.err(), HasSubstr("chouette-iot"));
}

}  // namespace
}  // namespace chouette::test
