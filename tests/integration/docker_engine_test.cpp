#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "docker/docker.hpp"
#include "http/http_client.hpp"
#include "support/child_process.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using test::ChildProcess;
using test::find_program;
using testing::IsEmpty;

constexpr std::int64_t now = 1700001000;
const std::vector<std::string> all_kinds{"memory", "cpu", "working_set", "network", "restarts"};

/// What is said of an engine that does not work here.
class Unusable : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Runs a program to its end.
void run(const std::vector<std::string>& arguments) {
  if (find_program(arguments[0]).empty()) throw Unusable(arguments[0] + " is not installed");
  ChildProcess process(arguments, {{"PATH", "/usr/local/bin:/usr/bin:/bin"}});
  const auto status = process.wait(seconds(60));
  if (!status || status->code != 0) throw Unusable(arguments[0] + ": " + process.err());
}

/// A tar with one static program: it takes 8 MiB and sleeps, or with an argument it fails at once.
void make_image(const std::filesystem::path& folder) {
  std::ofstream(folder / "program.cpp") << R"(
#include <unistd.h>
volatile char block[8 << 20];
int main(int count, char**) {
  for (unsigned i = 0; i < sizeof(block); i += 1024) block[i] = 1;
  while (count == 1) pause();
  return 3;
})";
  run({"c++", "-static", "-o", folder / "program", folder / "program.cpp"});
  run({"tar", "-C", folder, "-cf", folder / "image.tar", "program"});
}

struct EngineKind {
  std::string program;
  std::string hidden;  ///< Folders of the machine's that it would write to, seen empty by it.
  std::vector<std::string> (*arguments)(const std::string& folder);
};

void PrintTo(const EngineKind& kind, std::ostream* out) {
  *out << kind.program;
}

std::vector<std::string> dockerd_arguments(const std::string& folder) {
  return {"dockerd",
          "--data-root",
          folder + "/data",
          "--exec-root",
          folder + "/exec",
          "--host",
          "unix://" + folder + "/engine.sock",
          "--pidfile",
          folder + "/pid",
          "--config-file",
          folder + "/daemon.json",
          "--storage-driver",
          "vfs",
          "--iptables=false",
          "--ip6tables=false",
          "--ip-forward=false",
          "--ip-masq=false",
          "--bridge=none",
          "--cgroup-parent",
          "/" + std::filesystem::path(folder).filename().string()};
}

std::vector<std::string> podman_arguments(const std::string& folder) {
  return {"podman",
          "--root",
          folder + "/data",
          "--runroot",
          folder + "/exec",
          "--storage-driver",
          "vfs",
          "system",
          "service",
          "--time=0",
          "unix://" + folder + "/engine.sock"};
}

const EngineKind dockerd{"dockerd", "/run /var/lib /etc", dockerd_arguments};
const EngineKind podman{"podman", "/run /var/lib", podman_arguments};

/// With those below it, which have no process any more. Only folders can be removed there.
void remove_cgroup(const std::filesystem::path& cgroup) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(cgroup, ignored)) {
    if (entry.is_directory(ignored)) remove_cgroup(entry.path());
  }
  std::filesystem::remove(cgroup, ignored);
}

/// A real engine with everything that it keeps in a folder of its own, and mounts and a network
/// that end with it.
class RealEngine {
public:
  explicit RealEngine(const EngineKind& kind) {
    if (::geteuid() != 0) throw Unusable("needs root");
    for (const auto& program : {kind.program, std::string("unshare"), std::string("runc")}) {
      if (find_program(program).empty()) throw Unusable(program + " is not installed");
    }
    make_image(folder_.path());
    write_configurations();
    start(kind);
    post("/images/create?fromSrc=-&repo=localhost/tiny&tag=latest",
         test::read_file(folder_ / "image.tar"), "application/x-tar");
  }

  ~RealEngine() {
    for (const auto& name : names_) request("DELETE", "/containers/" + name + "?force=true&v=true");
    process_->signal(SIGTERM);
    process_->wait(seconds(20));
    process_->kill();
    EXPECT_TRUE(test::eventually([&] { return leftovers().empty(); })) << leftovers();
    // Podman's helper of a container may end a moment after it.
    EXPECT_TRUE(test::eventually([&] {
      for (const auto& folder : cgroups()) remove_cgroup(folder);
      return cgroups().empty();
    }));
  }
  RealEngine(const RealEngine&) = delete;
  RealEngine& operator=(const RealEngine&) = delete;

  std::string socket() const { return folder_ / "engine.sock"; }

  /// Starts a container; throws Unusable if this machine cannot run one.
  void run_container(const std::string& name, const json& more = json::object(),
                     const json& host = json::object()) {
    json config{{"Image", "localhost/tiny:latest"},
                {"Entrypoint", {"/program"}},
                {"HostConfig",
                 {{"NetworkMode", "none"},
                  {"CgroupParent", "/" + cgroup()},
                  {"Ulimits",
                   {{{"Name", "nofile"}, {"Soft", 1024}, {"Hard", 1024}},
                    {{"Name", "nproc"}, {"Soft", 1000}, {"Hard", 1000}}}}}}};
    config.update(more);
    config["HostConfig"].update(host);
    names_.push_back(name);
    post("/containers/create?name=" + name, config.dump());
    post("/containers/" + name + "/start");
  }

  void post(const std::string& path, const std::string& body = "",
            const std::string& type = "application/json") {
    const auto response = request("POST", path, body, type);
    if (!response || response->status >= 400) {
      throw Unusable(path + ": " + (response ? response->body : response.error().message));
    }
  }

  /// What the engine itself says.
  json get(const std::string& path) {
    const auto response = request("GET", path);
    if (!response) throw std::runtime_error(path + ": " + response.error().message);
    return json::parse(response->body);
  }
  json stats(const std::string& name) {
    return get("/containers/" + name + "/stats?stream=false&one-shot=true");
  }

  Capture capture(const std::vector<std::string>& metrics = all_kinds) const {
    return make_docker_plugin({.socket = socket(), .metrics = metrics}, seconds(10), {})
        ->capture(now);
  }

private:
  void write_configurations() const {
    std::ofstream(folder_ / "daemon.json") << "{}";
    std::ofstream(folder_ / "containers.conf")
        << "[engine]\ncgroup_manager = \"cgroupfs\"\nruntime = \"runc\"\nlock_type = \"file\"\n"
        << "events_logger = \"none\"\ntmp_dir = \"" << folder_.path().string() << "/tmp\"\n";
  }

  void start(const EngineKind& kind) {
    // What it keeps elsewhere is to go with it, too.
    std::vector<std::string> arguments{
        "unshare",
        "--mount",
        "--net",
        "sh",
        "-c",
        "for folder in " + kind.hidden +
            "; do mount -t tmpfs none $folder || exit; done; exec \"$@\"",
        "sh"};
    for (const auto& argument : kind.arguments(folder_.path())) arguments.push_back(argument);
    process_ = std::make_unique<ChildProcess>(
        arguments,
        ChildProcess::Environment{{"PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"},
                                  {"HOME", folder_.path()},
                                  {"TMPDIR", folder_.path()},
                                  {"CONTAINERS_CONF", folder_ / "containers.conf"}});
    const auto answers = [&] {
      const auto response = request("GET", "/_ping");
      return response && response->status == 200;
    };
    const auto ready = [&] { return !process_->running() || answers(); };
    if (!test::eventually(ready, seconds(20)) || !process_->running()) {
      process_->kill();
      const auto log = process_->err();
      throw Unusable(kind.program + " does not start: " +
                     log.substr(log.size() - std::min<std::size_t>(log.size(), 500)));
    }
  }

  HttpResult request(const std::string& method, const std::string& path,
                     const std::string& body = "", const std::string& type = "application/json") {
    return client_.perform({.method = method,
                            .url = "http://engine" + path,
                            .headers = {"Content-Type: " + type},
                            .body = body,
                            .timeout = seconds(20),
                            .unix_socket = socket(),
                            .body_limit = 1 << 20});
  }

  std::string cgroup() const { return folder_.path().filename(); }

  /// Those that were made for the containers, in cgroup v1 one a controller.
  std::vector<std::filesystem::path> cgroups() const {
    std::vector<std::filesystem::path> found;
    const std::filesystem::path root = "/sys/fs/cgroup";
    if (exists(root / cgroup())) found.push_back(root / cgroup());
    for (const auto& controller : std::filesystem::directory_iterator(root)) {
      if (controller.is_symlink() || !controller.is_directory()) continue;
      if (exists(controller.path() / cgroup())) found.push_back(controller.path() / cgroup());
    }
    return found;
  }

  /// Processes and mounts that still know the folder.
  std::string leftovers() const {
    std::string found;
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
      if (process.path().filename().string().find_first_not_of("0123456789") != std::string::npos) {
        continue;
      }
      const auto line = test::read_file(process.path() / "cmdline");
      if (line.find(folder_.path().native()) != std::string::npos) found += line + "; ";
    }
    if (test::read_file("/proc/self/mounts").find(folder_.path().native()) != std::string::npos) {
      found += "a mount";
    }
    return found;
  }

  test::TempDir folder_;
  std::unique_ptr<ChildProcess> process_;
  HttpClient client_{{}};
  std::vector<std::string> names_;
};

double value_of(const Capture& capture, const std::string& name, const Tags& tags) {
  const auto found =
      std::find_if(capture.metrics.begin(), capture.metrics.end(), [&](const auto& metric) {
        return metric.name == "Chouette.docker." + name && metric.tags == tags;
      });
  if (found == capture.metrics.end()) throw std::runtime_error("no " + name);
  return found->value;
}

std::size_t count_of(const Capture& capture, const std::string& tag) {
  return static_cast<std::size_t>(
      std::count_if(capture.metrics.begin(), capture.metrics.end(), [&](const auto& metric) {
        return std::find(metric.tags.begin(), metric.tags.end(), tag) != metric.tags.end();
      }));
}

class DockerEngine : public testing::TestWithParam<EngineKind> {
protected:
  void SetUp() override {
    try {
      engine_ = std::make_unique<RealEngine>(GetParam());
      engine_->run_container("first");
    } catch (const Unusable& reason) {
      engine_.reset();
      GTEST_SKIP() << reason.what();
    }
  }

  RealEngine& engine() { return *engine_; }

private:
  std::unique_ptr<RealEngine> engine_;
};

TEST_P(DockerEngine, TellsThePluginWhatItTellsOthers) {
  engine().run_container("second-2");
  const auto before = engine().stats("first");
  const auto capture = engine().capture();
  const auto after = engine().stats("first");
  EXPECT_THAT(capture.faults, IsEmpty());

  const Tags tags{"container:first"};
  const auto cpu = value_of(capture, "cpu.usage", tags);
  EXPECT_GT(cpu, 0);
  EXPECT_GE(cpu, before["cpu_stats"]["cpu_usage"]["total_usage"].get<double>());
  EXPECT_LE(cpu, after["cpu_stats"]["cpu_usage"]["total_usage"].get<double>());
  const auto memory = value_of(capture, "memory.usage", tags);
  EXPECT_GE(memory, 8 << 20);
  EXPECT_NEAR(memory, before["memory_stats"]["usage"].get<double>(), 1 << 20);
  EXPECT_EQ(value_of(capture, "restarts", tags), 0);
  if (before["memory_stats"].contains("stats")) {
    const auto working_set = value_of(capture, "memory.working_set", tags);
    EXPECT_GE(working_set, 8 << 20);
    EXPECT_LE(working_set, memory);
  }
  EXPECT_GE(count_of(capture, "container:second-2"), 3U);
}

TEST_P(DockerEngine, IsNotAskedForWhatHasStopped) {
  engine().run_container("second");
  EXPECT_GT(count_of(engine().capture(), "container:second"), 0U);
  engine().post("/containers/second/kill");
  ASSERT_TRUE(test::eventually(
      [&] { return !engine().get("/containers/second/json")["State"]["Running"].get<bool>(); }));
  const auto capture = engine().capture();
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_EQ(count_of(capture, "container:second"), 0U);
  EXPECT_GT(count_of(capture, "container:first"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Real, DockerEngine, testing::Values(dockerd, podman),
                         [](const auto& info) { return info.param.program; });

class Dockerd : public DockerEngine {};

TEST_P(Dockerd, SendsNoZerosOfAContainerThatRestarts) {
  engine().run_container("flaky", {{"Cmd", {"fail"}}}, {{"RestartPolicy", {{"Name", "always"}}}});
  // Each wait is twice as long as the one before, so that there is time enough to look.
  ASSERT_TRUE(test::eventually([&] {
    const auto details = engine().get("/containers/flaky/json");
    return details["RestartCount"] >= 3 && details["State"]["Restarting"].get<bool>();
  }));
  const auto capture = engine().capture({"memory", "cpu", "restarts"});
  EXPECT_THAT(capture.faults, IsEmpty());
  const Tags tags{"container:flaky"};
  EXPECT_GE(value_of(capture, "restarts", tags), 3);
  EXPECT_THROW(value_of(capture, "memory.usage", tags), std::runtime_error);
  EXPECT_THROW(value_of(capture, "cpu.usage", tags), std::runtime_error);
}

TEST_P(Dockerd, SendsThePausedAndTheirNetworks) {
  engine().post("/networks/create", R"({"Name":"bridged","Driver":"bridge"})");
  engine().run_container("second", json::object(), {{"NetworkMode", "bridged"}});
  engine().post("/containers/second/pause");
  const auto before = engine().stats("second")["networks"]["eth0"];
  const auto capture = engine().capture();
  const auto after = engine().stats("second")["networks"]["eth0"];
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_GE(value_of(capture, "memory.usage", {"container:second"}), 8 << 20);
  const Tags tags{"container:second", "iface:eth0"};
  EXPECT_GE(value_of(capture, "network.bytes.recv", tags), before["rx_bytes"].get<double>());
  EXPECT_LE(value_of(capture, "network.bytes.recv", tags), after["rx_bytes"].get<double>());
  EXPECT_GE(value_of(capture, "network.bytes.sent", tags), before["tx_bytes"].get<double>());
  EXPECT_LE(value_of(capture, "network.bytes.sent", tags), after["tx_bytes"].get<double>());
}

INSTANTIATE_TEST_SUITE_P(Real, Dockerd, testing::Values(dockerd),
                         [](const auto& info) { return info.param.program; });

}  // namespace
}  // namespace chouette
