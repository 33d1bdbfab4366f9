#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "host/host.hpp"
#include "support/agent.hpp"
#include "support/child_process.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;

using Names = std::set<std::string>;

/// What `docker run -v /proc:/host/proc:ro -v /sys:/host/sys:ro -v /:/host/root:ro,rslave` makes,
/// out of new namespaces: a root of its own, processes, host name and network of its own (just
/// `lo`), and the host's folders below /host. Arguments: an empty folder, a program, folders that
/// stay where they are.
constexpr auto container_script = R"(
root=$1; program=$2; shift 2
mount -t tmpfs container "$root"
cd "$root"
mkdir -p host/root host/proc host/sys proc dev
mount --rbind / host/root
mount -o remount,bind,ro host/root
mount --rbind /proc host/proc
mount --rbind /sys host/sys
for folder in /bin /etc /lib /lib32 /lib64 /sbin /usr; do
  if [ -L "$folder" ]; then cp -P "$folder" ".$folder"
  elif [ -d "$folder" ]; then mkdir ".$folder"; mount --bind "$folder" ".$folder"; fi
done
for folder in /dev "$@"; do mkdir -p ".$folder"; mount --bind "$folder" ".$folder"; done
mount -t proc proc proc
exec chroot . "$program"
)";

std::vector<std::string> in_new_namespaces(const std::vector<std::string>& command) {
  std::vector<std::string> argv{"unshare", "--mount", "--propagation", "slave",       "--pid",
                                "--net",   "--uts",   "--fork",        "--kill-child"};
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

/// The agent with the host plugin in a container. It reaches Redis by its socket and nothing else,
/// so that what it captures stays in Redis.
class Container {
public:
  explicit Container(const RedisServer& redis, const ChildProcess::Environment& overrides) {
    const std::filesystem::path program = CHOUETTE_EXECUTABLE;
    const std::filesystem::path socket = redis.socket();
    auto environment = overrides;
    environment.merge(
        ChildProcess::Environment{{"PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
                                  {"API_KEY", "x"},
                                  {"DATADOG_URL", "http://127.0.0.1:9/api"},
                                  {"DATADOG_LOGS_URL", "http://127.0.0.1:9"},
                                  {"REDIS_SOCKET", socket.string()},
                                  {"CAPTURE_INTERVAL", "1"},
                                  {"SEND_SELF_METRICS", "false"},
                                  {"COLLECTOR_PLUGINS", "host"},
                                  {"HOST_COLLECTOR_METRICS", "fs,la,ram,network"}});
    process_ = std::make_unique<ChildProcess>(
        in_new_namespaces({"sh", "-ec", container_script, "container", folder_.path().string(),
                           program.string(), program.parent_path().string(),
                           socket.parent_path().string()}),
        environment);
  }

  std::string output() const { return process_->out() + process_->err(); }

private:
  TempDir folder_;
  std::unique_ptr<ChildProcess> process_;
};

/// Values of one metric, by tag.
using Values = std::map<std::string, double>;

/// The values of each metric in the newest capture that Redis holds.
std::map<std::string, Values> newest_capture(RedisClient& redis) {
  std::map<std::string, Values> capture;
  std::int64_t newest = 0;
  for (const auto& record : redis.dump(wrapped_metrics)) {
    if (!record.value) continue;
    const auto series = nlohmann::json::parse(*record.value);
    const auto& point = series["points"][0];
    const auto timestamp = point[0].get<std::int64_t>();
    if (timestamp < newest) continue;
    if (timestamp > newest) capture.clear();
    newest = timestamp;
    const auto& tags = series["tags"];
    const auto tag = tags.empty() ? std::string() : tags[0].get<std::string>();
    capture[series["metric"].get<std::string>()][tag] = point[1].get<double>();
  }
  return capture;
}

Names tags_of(const std::map<std::string, Values>& capture, const std::string& metric) {
  Names names;
  if (const auto found = capture.find(metric); found != capture.end()) {
    for (const auto& [tag, value] : found->second) names.insert(tag);
  }
  return names;
}

/// The tags that an agent gives the interfaces in a text such as /proc/net/dev, which has two lines
/// of headings.
Names interface_tags(const std::string& net_dev) {
  Names tags;
  std::istringstream lines(net_dev);
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  while (std::getline(lines >> std::ws, line, ':')) {
    if (line != "lo") tags.insert("iface:" + line);
    std::getline(lines, line);
  }
  return tags;
}

/// Bytes of each file system that are in use or free to programs: a sum that writing does not
/// change.
Values sizes(const Capture& capture) {
  Values sizes;
  for (const auto& metric : capture.metrics) {
    if (metric.name.starts_with("Chouette.host.fs.")) sizes[metric.tags.at(0)] += metric.value;
  }
  return sizes;
}

Values sizes(const std::map<std::string, Values>& capture) {
  Values sizes;
  for (const auto* metric : {"Chouette.host.fs.used", "Chouette.host.fs.free"}) {
    const auto found = capture.find(metric);
    if (found == capture.end()) continue;
    for (const auto& [tag, value] : found->second) sizes[tag] += value;
  }
  return sizes;
}

class HostInContainer : public testing::Test {
protected:
  void SetUp() override {
    if (find_program("unshare").empty()) GTEST_SKIP() << "unshare is not installed";
    const TempDir folder;
    ChildProcess probe(in_new_namespaces({"mount", "-t", "tmpfs", "probe", folder.path().string()}),
                       {{"PATH", "/usr/bin:/bin:/usr/sbin:/sbin"}});
    const auto end = probe.wait();
    if (!end || end->code != 0) {
      GTEST_SKIP() << "no right to make and mount in new namespaces: " << probe.err();
    }
    if (host_interfaces().empty()) {
      GTEST_SKIP() << "no interface but lo: nothing tells this machine and a container apart";
    }
  }

  /// The host's are those of its process 1.
  static Names host_interfaces() { return interface_tags(read_file("/proc/1/net/dev")); }

  RedisServer server_;
  RedisClient redis_ = server_.client();
};

TEST_F(HostInContainer, TheHostIsReportedWhereItsFoldersAreNamed) {
  const Container container(server_, {{"HOST_PROC", "/host/proc"},
                                      {"HOST_SYS", "/host/sys"},
                                      {"HOST_MOUNT_PREFIX", "/host/root"}});
  // Interfaces and mounts may come and go meanwhile; once both sides see the same.
  std::map<std::string, Values> capture;
  Names interfaces;
  Values file_systems;
  const auto agree = [&] {
    capture = newest_capture(redis_);
    interfaces = host_interfaces();
    file_systems = sizes(make_host_plugin({.metrics = {"fs"}, .roots = {}})->capture(1));
    return tags_of(capture, "Chouette.host.network.bytes.recv") == interfaces &&
           sizes(capture) == file_systems;
  };
  eventually(agree, std::chrono::seconds(10));
  EXPECT_EQ(tags_of(capture, "Chouette.host.network.bytes.recv"), interfaces) << container.output();
  EXPECT_EQ(tags_of(capture, "Chouette.host.network.bytes.sent"), interfaces);
  EXPECT_EQ(sizes(capture), file_systems) << container.output();

  const auto total =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  const auto memory = [&](const char* name) { return capture[name][""]; };
  EXPECT_THAT(memory("Chouette.host.memory.used"), AllOf(Ge(1), Le(total)));
  EXPECT_THAT(memory("Chouette.host.memory.available"), AllOf(Ge(1), Le(total)));
  const auto outside = make_host_plugin({.metrics = {"ram"}, .roots = {}})->capture(1);
  for (const auto& metric : outside.metrics) {
    EXPECT_NEAR(memory(metric.name.c_str()), metric.value, total / 5) << metric.name;
  }
}

TEST_F(HostInContainer, TheContainerIsReportedWhereTheyAreNot) {
  const Container container(server_, {});
  std::map<std::string, Values> capture;
  const auto has_captured = [&] {
    capture = newest_capture(redis_);
    return capture.contains("Chouette.host.la");
  };
  EXPECT_TRUE(eventually(has_captured)) << container.output();
  EXPECT_THAT(tags_of(capture, "Chouette.host.network.bytes.recv"), IsEmpty());
}

TEST_F(HostInContainer, TheContainersFileSystemsAreReadWhereTheMountPrefixIsMissing) {
  const Container container(server_, {{"HOST_PROC", "/host/proc"}, {"HOST_SYS", "/host/sys"}});
  std::map<std::string, Values> capture;
  const auto has_captured = [&] {
    capture = newest_capture(redis_);
    return capture.contains("Chouette.host.la");
  };
  EXPECT_TRUE(eventually(has_captured)) << container.output();
  EXPECT_NE(sizes(capture), sizes(make_host_plugin({.metrics = {"fs"}, .roots = {}})->capture(1)));
}

}  // namespace
}  // namespace chouette::test
