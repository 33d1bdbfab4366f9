#include "docker/docker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <future>

#include "engine_server.hpp"
#include "plugins/capture_time.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::answer;
using test::docker_fixture;
using test::EngineServer;
using test::id_of;
using test::listed;
using test::stats_with;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const std::vector<std::string> all_kinds{"memory", "cpu", "working_set", "network", "restarts"};

std::unique_ptr<Plugin> plugin_at(const std::string& socket,
                                  std::vector<std::string> metrics = {"memory", "cpu"},
                                  milliseconds timeout = seconds(10), std::stop_token stop = {}) {
  return make_docker_plugin({.socket = socket, .metrics = std::move(metrics)}, timeout,
                            std::move(stop));
}

Capture capture_of(const EngineServer& engine, std::vector<std::string> metrics = {"memory", "cpu"},
                   milliseconds timeout = seconds(10)) {
  return plugin_at(engine.socket(), std::move(metrics), timeout)->capture(now);
}

WrappedMetric gauge(const std::string& name, double value, Tags tags) {
  return {.name = "Chouette.docker." + name,
          .type = SeriesType::gauge,
          .tags = std::move(tags),
          .timestamp = now,
          .value = value};
}

TEST(DockerPlugin, SendsWhatDockerTells) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "compose_redis_1")});
  engine.set_stats(id_of(1), docker_fixture("stats_dockerd_cgroup1.json"));
  engine.set_details(id_of(1), R"({"RestartCount":2})");
  const auto capture = capture_of(engine, all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_EQ(capture.malformed, 0U);
  const Tags tags{"container:compose_redis_1"};
  const Tags eth0{"container:compose_redis_1", "iface:eth0"};
  EXPECT_THAT(capture.metrics,
              UnorderedElementsAre(
                  gauge("memory.usage", 6053888, tags), gauge("memory.working_set", 6037504, tags),
                  gauge("cpu.usage", 943942605, tags), gauge("network.bytes.sent", 0, eth0),
                  gauge("network.bytes.recv", 1348, eth0), gauge("restarts", 2, tags)));
}

TEST(DockerPlugin, SendsWhatPodmanTells) {
  EngineServer engine;
  engine.set("/containers/json", docker_fixture("containers_podman.json"));
  const std::string id = "01247f9046efc700bf936ebc0df0a71376a76f2e4fbb05c26d15f9c7993193d7";
  engine.set_stats(id, docker_fixture("stats_podman.json"));
  engine.set_details(id, R"({"RestartCount":0})");
  const auto capture = capture_of(engine, all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  const Tags tags{"container:run1"};
  const Tags network{"container:run1", "iface:network"};
  EXPECT_THAT(capture.metrics, UnorderedElementsAre(gauge("memory.usage", 2998272, tags),
                                                    gauge("cpu.usage", 166373102, tags),
                                                    gauge("network.bytes.sent", 0, network),
                                                    gauge("network.bytes.recv", 0, network),
                                                    gauge("restarts", 0, tags)));
}

TEST(DockerPlugin, SendsEachContainerOfTheRecordedListUnderItsName) {
  EngineServer engine;
  engine.set("/containers/json", docker_fixture("containers_dockerd.json"));
  engine.set_stats("b16a02d80538f63d94f0496ee180cfa0d2f1d07859a5c0012e149d238064908a",
                   stats_with("100", "7"));
  engine.set_stats("7429b3932bc0ab58c00462b0673ebafa1e7ec492f19d94be72392075c8f8c0ba",
                   stats_with("200", "8"));
  const auto capture = capture_of(engine);
  EXPECT_THAT(capture.faults, IsEmpty());
  const Tags app{"container:k8s_app_hellocafd-node1_default_fc10b176380a5fa7aabd830906871d65_0"};
  const Tags pod{"container:k8s_POD_hellocafd-node1_default_fc10b176380a5fa7aabd830906871d65_0"};
  EXPECT_THAT(capture.metrics,
              UnorderedElementsAre(gauge("memory.usage", 100, app), gauge("cpu.usage", 7, app),
                                   gauge("memory.usage", 200, pod), gauge("cpu.usage", 8, pod)));
}

TEST(DockerPlugin, AsksAndSendsOnlyTheKindsThatAreListed) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "web")});
  engine.set_stats(id_of(1), docker_fixture("stats_dockerd_cgroup1.json"));
  engine.set_details(id_of(1), R"({"RestartCount":2})");
  const std::string stats = "/v1.41/containers/" + id_of(1) + "/stats?stream=false&one-shot=true";
  const std::string details = "/v1.41/containers/" + id_of(1) + "/json";
  struct Case {
    std::string kind;
    std::string name;
    std::size_t metrics;
    std::string target;
  };
  for (const auto& [kind, name, metrics, target] :
       {Case{"memory", "memory.usage", 1, stats}, Case{"cpu", "cpu.usage", 1, stats},
        Case{"working_set", "memory.working_set", 1, stats},
        Case{"network", "network.bytes", 2, stats}, Case{"restarts", "restarts", 1, details}}) {
    const auto asked_before = engine.targets().size();
    const auto capture = capture_of(engine, {kind});
    EXPECT_THAT(capture.faults, IsEmpty());
    EXPECT_THAT(capture.metrics, SizeIs(metrics)) << kind;
    EXPECT_THAT(capture.metrics,
                Each(testing::Field(&WrappedMetric::name, StartsWith("Chouette.docker." + name))));
    auto targets = engine.targets();
    targets.erase(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(asked_before));
    EXPECT_THAT(targets, ElementsAre("/containers/json", target));
  }
}

TEST(DockerPlugin, AsksNothingWhenNothingIsWanted) {
  const EngineServer engine;
  const auto capture = capture_of(engine, {});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(engine.targets(), IsEmpty());
}

TEST(DockerPlugin, SendsNothingWithoutContainers) {
  EngineServer engine;
  engine.set_list({});
  const auto capture = capture_of(engine, all_kinds);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST(DockerPlugin, AsksOneShotOnlyOfEnginesThatKnowIt) {
  const auto path = "/containers/" + id_of(1) + "/stats?stream=false";
  struct Case {
    std::string version;
    std::string target;
  };
  for (const auto& [version, target] :
       {Case{"1.24", "/v1.24" + path}, Case{"1.40", "/v1.40" + path},
        Case{"1.41", "/v1.41" + path + "&one-shot=true"},
        Case{"1.52", "/v1.52" + path + "&one-shot=true"},
        Case{"2.0", "/v2.0" + path + "&one-shot=true"}, Case{"", path},
        Case{"1.41/../../x", path}}) {
    EngineServer engine(version);
    engine.set_list({listed(id_of(1), "web")});
    engine.set_stats(id_of(1), stats_with("1", "2"));
    EXPECT_THAT(capture_of(engine).metrics, SizeIs(2));
    EXPECT_THAT(engine.targets(), ElementsAre("/containers/json", target)) << version;
  }
}

TEST(DockerPlugin, SendsZero) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "idle")});
  engine.set_stats(id_of(1), stats_with("0", "0"));
  const auto capture = capture_of(engine);
  EXPECT_THAT(capture.metrics, UnorderedElementsAre(gauge("memory.usage", 0, {"container:idle"}),
                                                    gauge("cpu.usage", 0, {"container:idle"})));
}

TEST(DockerPlugin, LeavesOutAContainerThatIsGoneOrStoppedByNow) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "gone"), listed(id_of(2), "removed"),
                   listed(id_of(3), "restarted"), listed(id_of(4), "web")});
  engine.set_stats(id_of(2), answer(200, ""));
  engine.set_stats(id_of(3), docker_fixture("stats_dockerd_restarting.json"));
  engine.set_stats(id_of(4), stats_with("1", "2"));
  const auto capture = capture_of(engine, all_kinds);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(capture.metrics, UnorderedElementsAre(gauge("memory.usage", 1, {"container:web"}),
                                                    gauge("cpu.usage", 2, {"container:web"})));
}

TEST(DockerPlugin, AsksForStatsOfWhatRunsAndForRestartsOfWhatRestarts) {
  EngineServer engine;
  const std::vector<std::string> states{"running", "paused",   "",     "restarting", "created",
                                        "exited",  "removing", "dead", "stopping",   "configured"};
  std::vector<std::string> list;
  for (unsigned i = 0; i < states.size(); ++i) {
    list.push_back(listed(id_of(i), "c" + std::to_string(i), states[i]));
    engine.set_stats(id_of(i), stats_with("1", "2"));
    engine.set_details(id_of(i), R"({"RestartCount":5})");
  }
  engine.set_list(list);
  const auto capture = capture_of(engine, {"cpu", "restarts"});
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(capture.metrics,
              UnorderedElementsAre(
                  gauge("cpu.usage", 2, {"container:c0"}), gauge("cpu.usage", 2, {"container:c1"}),
                  gauge("cpu.usage", 2, {"container:c2"}), gauge("restarts", 5, {"container:c0"}),
                  gauge("restarts", 5, {"container:c1"}), gauge("restarts", 5, {"container:c2"}),
                  gauge("restarts", 5, {"container:c3"})));
}

TEST(DockerPlugin, AsksAllContainersSideBySide) {
  EngineServer engine;
  constexpr unsigned count = 50;
  std::vector<std::string> list;
  for (unsigned i = 0; i < count; ++i) {
    list.push_back(listed(id_of(i), "c" + std::to_string(i)));
    engine.set_stats(id_of(i),
                     test::answer_late(milliseconds(300), answer(200, stats_with("1", "2"))));
  }
  engine.set_list(list);
  const auto begin = steady_clock::now();
  const auto capture = capture_of(engine);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(capture.metrics, SizeIs(2 * count));
  EXPECT_LT(steady_clock::now() - begin, seconds(5));
}

TEST(DockerPlugin, ReadsHundredsOfContainers) {
  EngineServer engine;
  constexpr unsigned count = 500;
  std::vector<std::string> list;
  for (unsigned i = 0; i < count; ++i) {
    list.push_back(listed(id_of(i), "c" + std::to_string(i)));
    engine.set_stats(id_of(i), stats_with(std::to_string(i), "2"));
  }
  engine.set_list(list);
  const auto plugin = plugin_at(engine.socket(), {"memory"});
  for (int round = 0; round < 2; ++round) {
    const auto capture = plugin->capture(now);
    EXPECT_THAT(capture.faults, IsEmpty());
    ASSERT_THAT(capture.metrics, SizeIs(count));
    EXPECT_EQ(capture.metrics[499], gauge("memory.usage", 499, {"container:c499"}));
  }
  EXPECT_LT(engine.connections(), count);
}

TEST(DockerPlugin, ReadsTheFirstThousandAtMost) {
  EngineServer engine;
  std::vector<std::string> list;
  for (unsigned i = 0; i < 1002; ++i) list.push_back(listed(id_of(i), "c" + std::to_string(i)));
  engine.set_list(list);
  const auto capture = capture_of(engine);
  EXPECT_THAT(engine.targets(), SizeIs(1001));
  EXPECT_THAT(capture.faults, ElementsAre("containers: only the first 1000 of 1002 are read"));
}

TEST(DockerPlugin, KeepsItsConnections) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "web")});
  engine.set_stats(id_of(1), stats_with("1", "2"));
  const auto plugin = plugin_at(engine.socket());
  for (int i = 0; i < 5; ++i) EXPECT_THAT(plugin->capture(now).metrics, SizeIs(2));
  EXPECT_EQ(engine.connections(), 1U);
}

TEST(DockerPlugin, WorksAgainWhenTheEngineDoes) {
  const test::TempDir folder;
  const auto socket = folder / "docker.sock";
  const auto plugin = plugin_at(socket);
  for (int life = 0; life < 2; ++life) {
    EngineServer engine;
    engine.set_list({listed(id_of(1), "web")});
    engine.set_stats(id_of(1), stats_with("1", "2"));
    std::filesystem::create_symlink(engine.socket(), socket);
    const auto capture = plugin->capture(now);
    EXPECT_THAT(capture.faults, IsEmpty());
    EXPECT_THAT(capture.metrics, SizeIs(2));
    engine.set_down();
    const auto without = plugin->capture(now);
    EXPECT_THAT(without.metrics, IsEmpty());
    EXPECT_THAT(without.faults,
                ElementsAre(socket.string() + ": Connection refused; is the engine running?"));
    std::filesystem::remove(socket);
  }
}

TEST(DockerPlugin, AsksNothingUnderAnIdThatIsUnsafeInAUrl) {
  EngineServer engine;
  engine.set_list(
      {listed("../images", "bad"), listed("1/../../x", "worse"), listed(id_of(1), "web")});
  engine.set_stats(id_of(1), stats_with("1", "2"));
  const auto capture = capture_of(engine);
  EXPECT_THAT(capture.metrics, SizeIs(2));
  EXPECT_THAT(capture.faults, ElementsAre("containers: 2 listed without a usable ID"));
  EXPECT_THAT(engine.targets(),
              ElementsAre("/containers/json",
                          "/v1.41/containers/" + id_of(1) + "/stats?stream=false&one-shot=true"));
}

TEST(DockerPlugin, SendsOneOfTwoThatShareAName) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "web"), listed(id_of(2), "web"), listed(id_of(1), "again")});
  engine.set_stats(id_of(1), stats_with("1", "2"));
  engine.set_stats(id_of(2), stats_with("3", "4"));
  const auto capture = capture_of(engine);
  EXPECT_THAT(capture.metrics, UnorderedElementsAre(gauge("memory.usage", 1, {"container:web"}),
                                                    gauge("cpu.usage", 2, {"container:web"})));
  EXPECT_THAT(capture.faults,
              ElementsAre("containers: 1 of 2 containers not read: web (another has its name)"));
}

TEST(DockerPlugin, SaysWhatTheEngineSaid) {
  EngineServer engine;
  engine.set("/containers/json", answer(500, R"({"message":"disk\nfull"})"));
  EXPECT_THAT(capture_of(engine).faults,
              ElementsAre(engine.socket() + ": answered 500: disk?full"));
  engine.set("/containers/json",
             answer(500, R"({"message":")" + std::string(60'000, 'x') + R"("})"));
  EXPECT_THAT(capture_of(engine).faults,
              ElementsAre(engine.socket() + ": answered 500: " + std::string(200, 'x')));
  engine.set("/containers/json", answer(403, "<html>"));
  EXPECT_THAT(capture_of(engine).faults, ElementsAre(engine.socket() + ": answered 403"));
  engine.set("/containers/json", answer(404, ""));
  EXPECT_THAT(capture_of(engine).faults, ElementsAre(engine.socket() + ": answered 404"));
}

TEST(DockerPlugin, SaysThatAListIsNotUnderstood) {
  EngineServer engine;
  for (const auto* body : {"", "<html>", "[{\"Id\":", "{"}) {
    engine.set("/containers/json", body);
    EXPECT_THAT(capture_of(engine).faults,
                ElementsAre(engine.socket() + ": the list of containers is not JSON"));
  }
  engine.set("/containers/json", "{}");
  EXPECT_THAT(capture_of(engine).faults,
              ElementsAre(engine.socket() + ": the list of containers is not a list"));
}

TEST(DockerPlugin, SaysThatAListIsTooLarge) {
  EngineServer engine;
  engine.set("/containers/json", "[" + std::string(16UL * 1024 * 1024, ' ') + "]");
  EXPECT_THAT(capture_of(engine).faults,
              ElementsAre(engine.socket() + ": the list of containers is larger than 16 MiB"));
}

TEST(DockerPlugin, ReadsALargeList) {
  EngineServer engine;
  engine.set("/containers/json", "[" + listed(id_of(1), "web") + ",{\"Id\":\"ab\",\"Labels\":\"" +
                                     std::string(15UL * 1024 * 1024, 'x') + "\"}]");
  engine.set_stats(id_of(1), stats_with("1", "2"));
  const auto capture = capture_of(engine);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(capture.metrics, SizeIs(2));
}

TEST(DockerPlugin, SendsTheOthersWhereOneHangs) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "web"), listed(id_of(2), "stuck"), listed(id_of(3), "db")});
  engine.set_stats(id_of(1), stats_with("1", "2"));
  engine.set_stats(id_of(2), test::never_answer());
  engine.set_stats(id_of(3), stats_with("3", "4"));
  const auto begin = steady_clock::now();
  const auto capture = capture_of(engine, {"memory"}, milliseconds(500));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
  EXPECT_THAT(capture.metrics, UnorderedElementsAre(gauge("memory.usage", 1, {"container:web"}),
                                                    gauge("memory.usage", 3, {"container:db"})));
  EXPECT_THAT(capture.faults,
              ElementsAre(StartsWith("stats: 1 of 3 containers not read: stuck (")));
}

TEST(DockerPlugin, SaysManyFaultyContainersInOneLine) {
  EngineServer engine;
  std::vector<std::string> list;
  for (unsigned i = 0; i < 100; ++i) {
    list.push_back(listed(id_of(i), "c" + std::to_string(i)));
    engine.set_stats(id_of(i), answer(500, R"({"message":"broken"})"));
    engine.set_details(id_of(i), "[]");
  }
  engine.set_stats(id_of(0), stats_with("1", "2"));
  engine.set_list(list);
  const auto capture = capture_of(engine, {"memory", "restarts"});
  EXPECT_THAT(capture.metrics, ElementsAre(gauge("memory.usage", 1, {"container:c0"})));
  EXPECT_THAT(capture.faults,
              ElementsAre("stats: 99 of 100 containers not read: c1, c2, c3, c4, c5, c6, c7, c8, "
                          "c9, c10 and 89 more (the first: answered 500: broken)",
                          "restarts: 100 of 100 containers not read: c0, c1, c2, c3, c4, c5, c6, "
                          "c7, c8, c9 and 90 more (the first: the answer is not understood: it is "
                          "not an object)"));
}

TEST(DockerPlugin, FaultsOnlyTheContainerWhoseAnswerIsDamaged) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "web"), listed(id_of(2), "bad")});
  engine.set_stats(id_of(1), stats_with("1", "2"));
  const auto good = answer(200, stats_with("3", "4"));
  auto cut = good;
  cut.fixed->headers["Content-Length"] = "100000";
  for (const auto& behaviour :
       {cut, answer(200, "{"), answer(200, "null"), answer(200, stats_with("-3", "4")),
        answer(200, stats_with("\"3\"", "4")), answer(200, std::string(2UL * 1024 * 1024, ' ')),
        answer(301, "", {{"Location", "/elsewhere"}}), test::lose_answer(),
        test::answer_as_broken_proxy()}) {
    engine.set_stats(id_of(2), behaviour);
    const auto capture = capture_of(engine, {"memory"}, milliseconds(1000));
    EXPECT_THAT(capture.metrics, ElementsAre(gauge("memory.usage", 1, {"container:web"})));
    EXPECT_THAT(capture.faults,
                ElementsAre(StartsWith("stats: 1 of 2 containers not read: bad (")));
  }
}

TEST(DockerPlugin, NeverQuotesWhatMayHoldSecrets) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), "web")});
  engine.set_details(id_of(1), R"({"Config":{"Env":["TOKEN=s3cret"]},"RestartCount":"s3cret"})");
  const auto capture = capture_of(engine, {"restarts"});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre(Not(HasSubstr("s3cret"))));
}

TEST(DockerPlugin, KeepsFaultsOnOneLineWhateverTheNames) {
  EngineServer engine;
  engine.set_list({listed(id_of(1), R"(a\nb\u001b[31m\u0000)")});
  engine.set_stats(id_of(1), answer(500));
  EXPECT_THAT(capture_of(engine).faults,
              ElementsAre("stats: 1 of 1 containers not read: a_b_[31m_ (answered 500)"));
}

TEST(DockerPlugin, EndsInTimeWhereTheEngineHangs) {
  EngineServer engine;
  for (const auto& behaviour : {test::stall(), test::never_answer()}) {
    engine.begin_with(behaviour);
    const auto begin = steady_clock::now();
    const auto capture = capture_of(engine, {"memory"}, milliseconds(300));
    EXPECT_LT(steady_clock::now() - begin, seconds(3));
    EXPECT_THAT(capture.metrics, IsEmpty());
    EXPECT_THAT(capture.faults,
                ElementsAre(AllOf(StartsWith(engine.socket() + ": "), HasSubstr("timed out"))));
  }
}

TEST(DockerPlugin, EndsInTimeWhereMoreContainersHangThanItHasConnections) {
  EngineServer engine;
  std::vector<std::string> list;
  for (unsigned i = 0; i < 100; ++i) {
    list.push_back(listed(id_of(i), "c" + std::to_string(i)));
    engine.set_stats(id_of(i), test::never_answer());
  }
  engine.set_list(list);
  const auto begin = steady_clock::now();
  const auto capture = capture_of(engine, {"memory"}, milliseconds(500));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
  EXPECT_THAT(capture.faults, ElementsAre(StartsWith("stats: 100 of 100 containers not read: ")));
}

TEST(DockerPlugin, SharesItsTimeBetweenTheListAndTheContainers) {
  EngineServer engine;
  engine.set(
      "/containers/json",
      test::answer_late(milliseconds(600), answer(200, "[" + listed(id_of(1), "web") + "]")));
  engine.set_stats(id_of(1),
                   test::answer_late(milliseconds(600), answer(200, stats_with("1", "2"))));
  const auto begin = steady_clock::now();
  const auto capture = capture_of(engine, {"memory"}, milliseconds(900));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("timed out")));
}

TEST(DockerPlugin, ReturnsSoonAndWithoutFaultsWhenItIsToStop) {
  for (const bool list_hangs : {true, false}) {
    EngineServer engine;
    engine.set_list({listed(id_of(1), "web")});
    engine.set_stats(id_of(1), test::never_answer());
    if (list_hangs) engine.set("/containers/json", test::never_answer());
    std::stop_source stop;
    const auto plugin = plugin_at(engine.socket(), {"memory"}, seconds(30), stop.get_token());
    auto running = std::async(std::launch::async, [&] { return plugin->capture(now); });
    const std::size_t asked = list_hangs ? 1 : 2;
    ASSERT_TRUE(test::eventually([&] { return engine.targets().size() == asked; }));
    const auto begin = steady_clock::now();
    stop.request_stop();
    const auto capture = running.get();
    EXPECT_LT(steady_clock::now() - begin, seconds(1));
    EXPECT_THAT(capture.metrics, IsEmpty());
    EXPECT_THAT(capture.faults, IsEmpty());
    EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  }
}

TEST(DockerPlugin, AsksWhetherTheSocketIsMountedWhereItIsMissing) {
  const test::TempDir folder;
  for (const auto* name : {"docker.sock", "no/docker.sock"}) {
    const std::string socket = folder / name;
    const auto capture = plugin_at(socket)->capture(now);
    EXPECT_THAT(capture.metrics, IsEmpty());
    EXPECT_THAT(capture.faults, ElementsAre(socket + ": No such file or directory; is the socket "
                                                     "mounted?"));
  }
}

TEST(DockerPlugin, SaysThatAFolderOrFileIsNoSocket) {
  const test::TempDir folder;
  const std::string directory = folder / "docker.sock";  // as Docker makes of a missing mount
  std::filesystem::create_directory(directory);
  const std::string file = folder / "file";
  std::ofstream(file) << "text";
  for (const auto& path : {directory, file}) {
    EXPECT_THAT(plugin_at(path)->capture(now).faults,
                ElementsAre(path + ": not a socket; is the right one mounted?"));
  }
}

/// Without root's rights for as long as it lives.
class OtherUser {
public:
  OtherUser() : is_other_(::seteuid(65534) == 0) {}
  ~OtherUser() {
    if (is_other_ && ::seteuid(0) != 0) std::abort();
  }
  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;
  explicit operator bool() const { return is_other_; }

private:
  bool is_other_;
};

TEST(DockerPlugin, NamesTheGroupWhereItMayNotUseTheSocket) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become a user without rights";
  EngineServer engine;
  engine.set_list({});
  const auto folder = std::filesystem::path(engine.socket()).parent_path();
  std::filesystem::permissions(folder, std::filesystem::perms{0755});
  ASSERT_EQ(::chown(engine.socket().c_str(), 0, 4242), 0);
  ASSERT_EQ(::chmod(engine.socket().c_str(), 0660), 0);
  const auto plugin = plugin_at(engine.socket());
  {
    const OtherUser other;
    ASSERT_TRUE(other);
    EXPECT_THAT(plugin->capture(now).faults,
                ElementsAre(engine.socket() + ": Permission denied; the agent must be in the "
                                              "socket's group (gid 4242)"));
  }
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
}

}  // namespace
}  // namespace chouette
