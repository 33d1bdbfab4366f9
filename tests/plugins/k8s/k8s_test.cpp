#include "k8s/k8s.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "k8s/kubelet.hpp"
#include "plugins.hpp"
#include "plugins/capture_time.hpp"
#include "support/child_process.hpp"
#include "support/free_port.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_front.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

const std::vector<std::string> all_of_node{"cpu", "memory", "network", "filesystem", "inodes"};
const std::vector<std::string> all_of_pods{"cpu", "memory", "network"};

/// A node with pods that are known to all degrees.
const std::string small_answer = R"({
  "node": {"nodeName": "pi", "fs": {"inodesFree": 12}},
  "pods": [
    {"podRef": {"name": "web", "namespace": "shop", "uid": "1"},
     "containers": [{"name": "c", "cpu": {"usageNanoCores": 999}}],
     "cpu": {"usageNanoCores": 1000, "usageCoreNanoSeconds": 5},
     "memory": {"usageBytes": 4096, "rssBytes": 1024, "workingSetBytes": 5, "availableBytes": 5},
     "network": {"rxBytes": 10, "txBytes": 20}},
    {"podRef": {"name": "idle", "namespace": "shop", "uid": "2"},
     "cpu": {"usageNanoCores": 0}, "memory": {"usageBytes": 0, "rssBytes": 0},
     "network": {"rxBytes": 0, "txBytes": 0}},
    {"podRef": {"name": "web", "namespace": "other", "uid": "3"}, "memory": {"rssBytes": 7}}]})";

std::string recorded_answer() {
  return test::read_file(std::filesystem::path(CHOUETTE_FIXTURES) / "k8s/kubelet_summary.json");
}

/// "name [tags] value" of each.
std::vector<std::string> lines_of(const Capture& capture) {
  std::vector<std::string> lines;
  for (const auto& metric : capture.metrics) {
    std::ostringstream line;
    line.precision(17);
    line << metric.name;
    for (const auto& tag : metric.tags) line << ' ' << tag;
    line << ' ' << metric.value;
    lines.push_back(line.str());
  }
  return lines;
}

template <class Call>
milliseconds duration_of(Call call) {
  const auto begin = steady_clock::now();
  call();
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

/// CAs are dear to make.
test::Authority& authority() {
  static test::Authority authority;
  return authority;
}

/// A server that answers over TLS as a kubelet does.
class StandIn {
public:
  explicit StandIn(std::string client_ca = {}) : client_ca_(std::move(client_ca)) {
    set_up();
    port_ = front_->port();
  }

  void behave(test::Behaviour behaviour) {
    const std::lock_guard lock(mutex_);
    behaviour_ = std::move(behaviour);
  }
  void answer(std::string body) { behave(test::answer(200, std::move(body))); }

  std::vector<test::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  void set_down() { front_.reset(); }
  void set_up() { front_.emplace(server_.port(), front_settings()); }
  /// With another certificate from now on.
  void set_up(const test::Certificate& certificate) {
    certificate_ = certificate;
    front_.reset();
    set_up();
  }

  const test::TlsFront& front() const { return *front_; }

  K8sSettings settings() const {
    return {.address = "127.0.0.1",
            .port = port_,
            .token = "/nowhere/token",
            .ca = authority().path(),
            .node_metrics = {"inodes"},
            .pod_metrics = {"memory", "cpu"}};
  }

private:
  test::TlsFront::Settings front_settings() const {
    return {.certificate = certificate_, .client_ca = client_ca_, .port = port_};
  }

  std::string client_ca_;
  test::Certificate certificate_ = authority().issue_server();
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  test::Behaviour behaviour_ = test::answer(200, small_answer);
  std::vector<test::HttpRequest> requests_;
  test::HttpServer server_{
      {.begin =
           [this] {
             const std::lock_guard lock(mutex_);
             return behaviour_;
           },
       .treat =
           [this](const test::HttpRequest& request, const test::Behaviour& behaviour) {
             const std::lock_guard lock(mutex_);
             requests_.push_back(request);
             return behaviour;
           }}};
  std::optional<test::TlsFront> front_;
};

class K8sPlugin : public testing::Test {
protected:
  void SetUp() override {
    if (test::find_program("openssl").empty()) GTEST_SKIP() << "openssl is not installed";
  }

  static std::unique_ptr<Plugin> make(const K8sSettings& settings,
                                      milliseconds timeout = seconds(5),
                                      std::stop_token stop = {}) {
    return make_k8s_plugin(settings, timeout, std::move(stop));
  }

  std::string write_token(const std::string& text) const {
    std::string path = folder_ / "token";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  test::TempDir folder_;
};

// what is sent

TEST_F(K8sPlugin, SendsAllOfARecordedAnswer) {
  StandIn kubelet;
  kubelet.answer(recorded_answer());
  auto settings = kubelet.settings();
  settings.node_metrics = all_of_node;
  settings.pod_metrics = all_of_pods;
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(
      lines_of(capture),
      UnorderedElementsAre(
          "Chouette.k8s.node.cpu.usageNanoCores node_name:node1 1827672457",
          "Chouette.k8s.node.cpu.usageCoreNanoSeconds node_name:node1 3698158509005",
          "Chouette.k8s.node.memory.rssBytes node_name:node1 997883904",
          "Chouette.k8s.node.memory.usageBytes node_name:node1 4354875392",
          "Chouette.k8s.node.memory.availableBytes node_name:node1 22663753728",
          "Chouette.k8s.node.memory.workingSetBytes node_name:node1 2612756480",
          "Chouette.k8s.node.network.rxBytes node_name:node1 1397518757",
          "Chouette.k8s.node.network.txBytes node_name:node1 1472485",
          "Chouette.k8s.node.fs.availableBytes node_name:node1 69753434112",
          "Chouette.k8s.node.fs.usedBytes node_name:node1 32991846400",
          "Chouette.k8s.node.fs.inodesFree node_name:node1 16049419",
          "Chouette.k8s.pod.network.rxBytes namespace:default pod_name:hellocafd-node1 1397518757",
          "Chouette.k8s.pod.network.txBytes namespace:default pod_name:hellocafd-node1 1472485",
          "Chouette.k8s.pods.running 1"));
}

TEST_F(K8sPlugin, SendsGaugesThatCarryTheGivenTime) {
  const StandIn kubelet;
  const auto capture = make(kubelet.settings())->capture(now);
  ASSERT_THAT(capture.metrics, Not(IsEmpty()));
  for (const auto& metric : capture.metrics) {
    EXPECT_EQ(metric.type, SeriesType::gauge) << metric.name;
    EXPECT_EQ(metric.timestamp, now) << metric.name;
    EXPECT_EQ(metric.interval.count(), 0) << metric.name;
  }
}

TEST_F(K8sPlugin, SendsEachPodsOwnNumbersAndZeros) {
  const StandIn kubelet;
  auto settings = kubelet.settings();
  settings.node_metrics = {};
  settings.pod_metrics = all_of_pods;
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(
      lines_of(capture),
      UnorderedElementsAre("Chouette.k8s.pods.running 3",
                           "Chouette.k8s.pod.cpu.usageNanoCores namespace:shop pod_name:web 1000",
                           "Chouette.k8s.pod.memory.rssBytes namespace:shop pod_name:web 1024",
                           "Chouette.k8s.pod.memory.usageBytes namespace:shop pod_name:web 4096",
                           "Chouette.k8s.pod.network.rxBytes namespace:shop pod_name:web 10",
                           "Chouette.k8s.pod.network.txBytes namespace:shop pod_name:web 20",
                           "Chouette.k8s.pod.cpu.usageNanoCores namespace:shop pod_name:idle 0",
                           "Chouette.k8s.pod.memory.rssBytes namespace:shop pod_name:idle 0",
                           "Chouette.k8s.pod.memory.usageBytes namespace:shop pod_name:idle 0",
                           "Chouette.k8s.pod.network.rxBytes namespace:shop pod_name:idle 0",
                           "Chouette.k8s.pod.network.txBytes namespace:shop pod_name:idle 0",
                           "Chouette.k8s.pod.memory.rssBytes namespace:other pod_name:web 7"));
}

TEST_F(K8sPlugin, SendsOnlyTheKindsThatAreListed) {
  StandIn kubelet;
  kubelet.answer(recorded_answer());
  const auto names = [&](std::vector<std::string> of_node, std::vector<std::string> of_pods) {
    auto settings = kubelet.settings();
    settings.node_metrics = std::move(of_node);
    settings.pod_metrics = std::move(of_pods);
    std::vector<std::string> names;
    for (const auto& metric : make(settings)->capture(now).metrics) {
      names.push_back(metric.name.substr(std::string("Chouette.k8s.").size()));
    }
    return names;
  };
  const auto* running = "pods.running";
  EXPECT_THAT(names({}, {}), ElementsAre(running));
  EXPECT_THAT(
      names({"cpu"}, {"cpu"}),
      UnorderedElementsAre("node.cpu.usageNanoCores", "node.cpu.usageCoreNanoSeconds", running));
  EXPECT_THAT(
      names({"memory", "memory"}, {"memory"}),
      UnorderedElementsAre("node.memory.rssBytes", "node.memory.usageBytes",
                           "node.memory.availableBytes", "node.memory.workingSetBytes", running));
  EXPECT_THAT(names({"network"}, {"network"}),
              UnorderedElementsAre("node.network.rxBytes", "node.network.txBytes",
                                   "pod.network.rxBytes", "pod.network.txBytes", running));
  EXPECT_THAT(names({"filesystem"}, {}),
              UnorderedElementsAre("node.fs.availableBytes", "node.fs.usedBytes", running));
  EXPECT_THAT(names({"inodes"}, {}), UnorderedElementsAre("node.fs.inodesFree", running));
}

TEST_F(K8sPlugin, IsMadeByTheTableFromTheEnvironment) {
  const StandIn kubelet;
  const auto loaded =
      load_config({{"API_KEY", "0123456789abcdef0123456789abcdef"},
                   {"COLLECTOR_PLUGINS", R"(["k8s"])"},
                   {"K8S_STATS_SERVICE_IP", "127.0.0.1"},
                   {"K8S_STATS_SERVICE_PORT", std::to_string(kubelet.front().port())},
                   {"K8S_CA_PATH", authority().path()},
                   {"K8S_METRICS", R"({"pods":["RAM"],"node":["ram","inodes"]})"}},
                  {.plugins = {"k8s"}, .wrappers = {"datadog"}});
  ASSERT_THAT(loaded.faults, IsEmpty());
  const auto table = plugin_table();
  const auto entry =
      std::find_if(table.begin(), table.end(), [](const auto& each) { return each.name == "k8s"; });
  ASSERT_NE(entry, table.end());
  const auto capture = entry->make({loaded.config, {}, {}})->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(lines_of(capture),
              UnorderedElementsAre(
                  "Chouette.k8s.pods.running 3", "Chouette.k8s.node.fs.inodesFree node_name:pi 12",
                  "Chouette.k8s.pod.memory.rssBytes namespace:shop pod_name:web 1024",
                  "Chouette.k8s.pod.memory.usageBytes namespace:shop pod_name:web 4096",
                  "Chouette.k8s.pod.memory.rssBytes namespace:shop pod_name:idle 0",
                  "Chouette.k8s.pod.memory.usageBytes namespace:shop pod_name:idle 0",
                  "Chouette.k8s.pod.memory.rssBytes namespace:other pod_name:web 7"));
}

TEST_F(K8sPlugin, CountsPodsThatItCannotName) {
  StandIn kubelet;
  kubelet.answer(R"({"node":{"nodeName":"n"},"pods":[{"cpu":{"usageNanoCores":1}},null,
      {"podRef":{"name":"a"},"cpu":{"usageNanoCores":1}},
      {"podRef":{"namespace":"a"},"cpu":{"usageNanoCores":1}},
      {"podRef":{"namespace":"","name":"a"},"cpu":{"usageNanoCores":1}}]})");
  const auto capture = make(kubelet.settings())->capture(now);
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_THAT(lines_of(capture), ElementsAre("Chouette.k8s.pods.running 5"));
}

TEST_F(K8sPlugin, SendsNoTwoPointsOfOneSeries) {
  StandIn kubelet;
  kubelet.answer(R"({"node":{"nodeName":"n"},"pods":[
      {"podRef":{"name":"a","namespace":"b","uid":"1"},"cpu":{"usageNanoCores":1}},
      {"podRef":{"name":"a","namespace":"b","uid":"2"},"cpu":{"usageNanoCores":2}}]})");
  EXPECT_THAT(lines_of(make(kubelet.settings())->capture(now)),
              UnorderedElementsAre("Chouette.k8s.pods.running 2",
                                   "Chouette.k8s.pod.cpu.usageNanoCores namespace:b pod_name:a 1"));
}

TEST_F(K8sPlugin, SaysThatNoPodRuns) {
  StandIn kubelet;
  for (const auto* pods : {"[]", "null"}) {
    kubelet.answer(std::string(R"({"node":{"nodeName":"n"},"pods":)") + pods + "}");
    const auto capture = make(kubelet.settings())->capture(now);
    EXPECT_THAT(capture.faults, IsEmpty());
    EXPECT_THAT(lines_of(capture), ElementsAre("Chouette.k8s.pods.running 0"));
  }
}

TEST_F(K8sPlugin, SendsNoNodeWithoutItsName) {
  StandIn kubelet;
  kubelet.answer(R"({"node":{"fs":{"inodesFree":5}},"pods":[]})");
  auto settings = kubelet.settings();
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("does not name the node")));
  EXPECT_THAT(lines_of(capture), ElementsAre("Chouette.k8s.pods.running 0"));
  settings.node_metrics = {};
  EXPECT_THAT(make(settings)->capture(now).faults, IsEmpty());
}

TEST_F(K8sPlugin, SendsTheNodeWithoutAListOfPods) {
  StandIn kubelet;
  kubelet.answer(R"({"node":{"nodeName":"n","fs":{"inodesFree":5}}})");
  const auto capture = make(kubelet.settings())->capture(now);
  EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("no list of pods")));
  EXPECT_THAT(lines_of(capture), ElementsAre("Chouette.k8s.node.fs.inodesFree node_name:n 5"));
}

// what is asked

TEST_F(K8sPlugin, AsksForTheSummary) {
  const StandIn kubelet;
  make(kubelet.settings())->capture(now);
  ASSERT_THAT(kubelet.requests(), SizeIs(1));
  const auto request = kubelet.requests().front();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/stats/summary");
  EXPECT_EQ(request.body, "");
}

TEST_F(K8sPlugin, SendsNoTokenWhereThereIsNoFile) {
  const StandIn kubelet;
  EXPECT_THAT(make(kubelet.settings())->capture(now).faults, IsEmpty());
  EXPECT_EQ(kubelet.requests().at(0).headers.count("authorization"), 0U);
}

TEST_F(K8sPlugin, ReadsTheTokenAnewForEachRequest) {
  const StandIn kubelet;
  auto settings = kubelet.settings();
  settings.token = write_token("one\n");
  const auto plugin = make(settings);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  write_token("two");
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  std::filesystem::remove(settings.token);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  const auto requests = kubelet.requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[0].header("authorization"), "Bearer one");
  EXPECT_EQ(requests[1].header("authorization"), "Bearer two");
  EXPECT_EQ(requests[2].headers.count("authorization"), 0U);
  EXPECT_EQ(kubelet.front().handshakes(), 1U);
}

TEST_F(K8sPlugin, AsksNothingWithATokenThatItCannotUse) {
  const StandIn kubelet;
  auto settings = kubelet.settings();
  settings.token = write_token("s3cret\r\nX-Other: 1");
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults,
              ElementsAre(AllOf(StartsWith("K8S_TOKEN_PATH: "), HasSubstr(settings.token),
                                Not(HasSubstr("s3cret")))));
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(kubelet.requests(), IsEmpty());
}

TEST_F(K8sPlugin, GoesOnWithItsCertificateWhereTheTokenCannotBeUsed) {
  const StandIn kubelet(authority().path());
  const auto client = authority().issue_client("agent");
  auto settings = kubelet.settings();
  settings.certificate = client.path;
  settings.key = client.key;
  settings.token = write_token("");
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("empty")));
  EXPECT_THAT(capture.metrics, Not(IsEmpty()));
  EXPECT_THAT(kubelet.front().clients(), ElementsAre("agent"));
  EXPECT_EQ(kubelet.requests().at(0).headers.count("authorization"), 0U);
}

TEST_F(K8sPlugin, ShowsItsCertificateAndItsTokenWhereItHasBoth) {
  const StandIn kubelet(authority().path());
  const auto client = authority().issue_client("agent");
  auto settings = kubelet.settings();
  settings.certificate = client.path;
  settings.key = client.key;
  settings.token = write_token("one");
  EXPECT_THAT(make(settings)->capture(now).faults, IsEmpty());
  EXPECT_THAT(kubelet.front().clients(), ElementsAre("agent"));
  EXPECT_EQ(kubelet.requests().at(0).header("authorization"), "Bearer one");
}

TEST_F(K8sPlugin, IsRefusedWithoutACertificateWhereOneIsRequired) {
  const StandIn kubelet(authority().path());
  const auto capture = make(kubelet.settings())->capture(now);
  EXPECT_THAT(capture.faults,
              ElementsAre(AllOf(HasSubstr("certificate required"), HasSubstr("K8S_CERT_PATH"))));
  EXPECT_THAT(capture.faults, Each(Not(HasSubstr("K8S_CA_PATH"))));
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(kubelet.requests(), IsEmpty());
}

TEST_F(K8sPlugin, GoesThroughNoProxy) {
  const StandIn kubelet;
  const auto* before = std::getenv("HTTPS_PROXY");
  const auto former = before == nullptr ? std::nullopt : std::optional<std::string>(before);
  setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
  const auto capture = make(kubelet.settings())->capture(now);
  if (former) {
    setenv("HTTPS_PROXY", former->c_str(), 1);
  } else {
    unsetenv("HTTPS_PROXY");
  }
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST(K8sAddress, HasBracketsForIpv6) {
  const auto authority_at = [](const std::string& address) {
    K8sSettings settings;
    settings.address = address;
    return authority_of(settings);
  };
  EXPECT_EQ(authority_at("10.0.0.1"), "10.0.0.1:10250");
  EXPECT_EQ(authority_at("node.local"), "node.local:10250");
  EXPECT_EQ(authority_at("fd00::1"), "[fd00::1]:10250");
}

// whom it trusts

TEST_F(K8sPlugin, TrustsTheNameInTheCertificateToo) {
  const StandIn kubelet;
  auto settings = kubelet.settings();
  settings.address = "localhost";
  EXPECT_THAT(make(settings)->capture(now).faults, IsEmpty());
}

TEST_F(K8sPlugin, SendsItsTokenToNobodyThatItsCaDoesNotVouchFor) {
  const StandIn kubelet;
  test::Authority other;
  auto settings = kubelet.settings();
  settings.ca = other.path();
  settings.token = write_token("s3cret");
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults,
              ElementsAre(AllOf(HasSubstr("K8S_CA_PATH"), Not(HasSubstr("s3cret")))));
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(kubelet.requests(), IsEmpty());
}

TEST_F(K8sPlugin, SendsItsTokenToNobodyOfAnotherName) {
  StandIn kubelet;
  kubelet.set_up(authority().issue_server("DNS:other.example,IP:127.0.0.2"));
  auto settings = kubelet.settings();
  settings.token = write_token("s3cret");
  for (const auto* address : {"127.0.0.1", "localhost"}) {
    settings.address = address;
    const auto capture = make(settings)->capture(now);
    EXPECT_THAT(capture.faults,
                ElementsAre(AllOf(HasSubstr("K8S_CA_PATH"), HasSubstr("K8S_STATS_SERVICE_IP"))));
  }
  EXPECT_THAT(kubelet.requests(), IsEmpty());
}

TEST_F(K8sPlugin, TrustsAnybodyWithoutACa) {
  StandIn kubelet;
  kubelet.set_up(test::Authority().issue_server("DNS:other.example"));
  auto settings = kubelet.settings();
  settings.ca = "";
  EXPECT_THAT(make(settings)->capture(now).faults, IsEmpty());
}

TEST_F(K8sPlugin, NamesTheFileThatItCannotRead) {
  const StandIn kubelet;
  const std::string garbage = folder_ / "garbage.pem";
  std::ofstream(garbage) << "s3cret";
  const auto client = authority().issue_client("agent");
  for (const auto& path : {std::string("/nowhere/file.pem"), garbage}) {
    auto settings = kubelet.settings();
    settings.ca = path;
    EXPECT_THAT(make(settings)->capture(now).faults,
                ElementsAre(AllOf(HasSubstr(path), Not(HasSubstr("s3cret")))));
    settings = kubelet.settings();
    settings.certificate = path;
    settings.key = client.key;
    EXPECT_THAT(make(settings)->capture(now).faults,
                ElementsAre(AllOf(HasSubstr(path), Not(HasSubstr("s3cret")))));
    settings.certificate = client.path;
    settings.key = path;
    EXPECT_THAT(make(settings)->capture(now).faults,
                ElementsAre(AllOf(HasSubstr(path), Not(HasSubstr("s3cret")))));
  }
  EXPECT_THAT(kubelet.requests(), IsEmpty());
}

TEST_F(K8sPlugin, ReadsARenewedCaAfterARefusal) {
  StandIn kubelet;
  auto settings = kubelet.settings();
  settings.ca = folder_ / "ca.pem";
  std::filesystem::copy_file(authority().path(), settings.ca);
  const auto plugin = make(settings);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  test::Authority renewed;
  kubelet.set_up(renewed.issue_server());
  EXPECT_THAT(plugin->capture(now).faults, ElementsAre(HasSubstr("K8S_CA_PATH")));
  std::filesystem::copy_file(renewed.path(), settings.ca,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
}

TEST_F(K8sPlugin, ShowsARenewedCertificateAfterARefusal) {
  StandIn kubelet(authority().path());
  auto settings = kubelet.settings();
  const auto old_client = authority().issue_client("old");
  const auto new_client = authority().issue_client("new");
  settings.certificate = folder_ / "client.pem";
  settings.key = folder_ / "client.key";
  std::filesystem::copy_file(old_client.path, settings.certificate);
  std::filesystem::copy_file(old_client.key, settings.key);
  const auto plugin = make(settings);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  kubelet.behave(test::answer(401, "Unauthorized"));
  EXPECT_THAT(plugin->capture(now).faults, SizeIs(1));
  const auto over = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(new_client.path, settings.certificate, over);
  std::filesystem::copy_file(new_client.key, settings.key, over);
  kubelet.answer(small_answer);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  EXPECT_THAT(kubelet.front().clients(), ElementsAre("old", "new"));
}

// what goes wrong

TEST_F(K8sPlugin, SaysWhatToDoWhenItIsNotAccepted) {
  StandIn kubelet;
  kubelet.behave(test::answer(401, "Unauthorized"));
  const auto client = authority().issue_client("agent");
  auto settings = kubelet.settings();
  EXPECT_THAT(make(settings)->capture(now).faults,
              ElementsAre(AllOf(HasSubstr("401"), HasSubstr("neither a token"))));
  settings.token = write_token("s3cret");
  EXPECT_THAT(make(settings)->capture(now).faults,
              ElementsAre(AllOf(HasSubstr("does not accept the token"), HasSubstr("K8S_TOKEN_PATH"),
                                Not(HasSubstr("s3cret")))));
  settings.certificate = client.path;
  settings.key = client.key;
  EXPECT_THAT(make(settings)->capture(now).faults,
              ElementsAre(HasSubstr("accepts neither the token nor the certificate")));
  settings.token = "/nowhere/token";
  EXPECT_THAT(make(settings)->capture(now).faults,
              ElementsAre(HasSubstr("does not accept the certificate")));
}

TEST_F(K8sPlugin, NamesTheRightThatItLacks) {
  StandIn kubelet;
  kubelet.behave(test::answer(403, "Forbidden (user=s3cret, verb=get, resource=nodes)"));
  auto settings = kubelet.settings();
  settings.token = write_token("token");
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults,
              ElementsAre(AllOf(StartsWith("kubelet at 127.0.0.1:"), HasSubstr("403"),
                                HasSubstr("get nodes/stats"), Not(HasSubstr("s3cret")))));
  EXPECT_THAT(capture.metrics, IsEmpty());
}

TEST_F(K8sPlugin, SaysWhichAnswerItGot) {
  StandIn kubelet;
  const auto plugin = make(kubelet.settings());
  for (const int status : {201, 204, 301, 400, 404, 429, 500, 502, 503}) {
    // Only a 200 is believed, whatever it brings.
    kubelet.behave(test::answer(status, status == 204 ? "" : small_answer));
    const auto capture = plugin->capture(now);
    EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("answered " + std::to_string(status))));
    EXPECT_THAT(capture.metrics, IsEmpty()) << status;
  }
  kubelet.answer(small_answer);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
}

TEST_F(K8sPlugin, SaysThatAnAnswerIsNotUnderstood) {
  StandIn kubelet;
  const auto plugin = make(kubelet.settings());
  for (const auto& body :
       {std::string(), std::string("<html>s3cret</html>"), recorded_answer().substr(0, 1000),
        std::string("{\"node\":NaN}"), std::string("[]")}) {
    kubelet.answer(body);
    const auto capture = plugin->capture(now);
    EXPECT_THAT(capture.faults, ElementsAre(AllOf(HasSubstr("JSON"), Not(HasSubstr("s3cret")))))
        << body;
    EXPECT_THAT(capture.metrics, IsEmpty()) << body;
  }
}

TEST_F(K8sPlugin, TakesAnswersOf16MiBAndNoLargerOr4On32Bits) {
  StandIn kubelet;
  const auto plugin = make(kubelet.settings(), seconds(30));
  constexpr std::size_t mib = sizeof(void*) == 4 ? 4 : 16;
  constexpr std::size_t limit = mib * 1024 * 1024;
  kubelet.answer(small_answer + std::string(limit - small_answer.size(), ' '));
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  kubelet.answer(small_answer + std::string(limit - small_answer.size() + 1, ' '));
  const auto capture = plugin->capture(now);
  EXPECT_THAT(capture.faults,
              ElementsAre(HasSubstr("larger than " + std::to_string(mib) + " MiB")));
  EXPECT_THAT(capture.metrics, IsEmpty());
}

TEST_F(K8sPlugin, EndsWithItsTimeout) {
  StandIn kubelet;
  for (const auto& behaviour :
       {test::stall(), test::never_answer(), test::answer_late(seconds(20)),
        test::answer_slowly(milliseconds(50), test::answer(200, small_answer))}) {
    kubelet.behave(behaviour);
    const auto plugin = make(kubelet.settings(), milliseconds(300));
    Capture capture;
    const auto duration = duration_of([&] { capture = plugin->capture(now); });
    EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("timed out")));
    EXPECT_THAT(capture.metrics, IsEmpty());
    EXPECT_LT(duration, seconds(2));
  }
}

TEST_F(K8sPlugin, EndsWithItsTimeoutWhereNobodySpeaksTls) {
  const test::HttpServer silent({.begin = [] { return test::stall(); },
                                 .treat = [](const auto&, const auto& same) { return same; }});
  K8sSettings settings{.address = "127.0.0.1", .port = silent.port()};
  Capture capture;
  const auto duration =
      duration_of([&] { capture = make(settings, milliseconds(300))->capture(now); });
  EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("timed out")));
  EXPECT_LT(duration, seconds(2));
}

TEST_F(K8sPlugin, SaysWhenTheConnectionBreaks) {
  StandIn kubelet;
  const auto plugin = make(kubelet.settings());
  for (const auto& behaviour : {test::reset_inside(), test::lose_answer(), test::close_unread()}) {
    kubelet.behave(behaviour);
    const auto capture = plugin->capture(now);
    EXPECT_THAT(capture.faults, SizeIs(1));
    EXPECT_THAT(capture.metrics, IsEmpty());
  }
  kubelet.answer(small_answer);
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
}

TEST_F(K8sPlugin, SaysWhenNobodyIsThere) {
  K8sSettings settings{.address = "127.0.0.1", .port = test::find_free_port()};
  const auto capture = make(settings)->capture(now);
  EXPECT_THAT(capture.faults, ElementsAre(HasSubstr("127.0.0.1:" + std::to_string(settings.port))));
}

TEST_F(K8sPlugin, EndsSoonWhenItIsGivenUp) {
  StandIn kubelet;
  kubelet.behave(test::never_answer());
  std::stop_source stop;
  const auto plugin = make(kubelet.settings(), seconds(30), stop.get_token());
  auto capture = std::async(std::launch::async, [&] { return plugin->capture(now); });
  ASSERT_TRUE(test::eventually([&] { return !kubelet.requests().empty(); }));
  const auto duration = duration_of([&] {
    stop.request_stop();
    capture.wait();
  });
  EXPECT_LT(duration, seconds(1));
  EXPECT_THAT(capture.get().metrics, IsEmpty());
  EXPECT_LT(duration_of([&] { plugin->capture(now); }), seconds(1));
  EXPECT_THAT(kubelet.requests(), SizeIs(1));
}

// its connection

TEST_F(K8sPlugin, KeepsItsConnectionBetweenCaptures) {
  const StandIn kubelet;
  const auto plugin = make(kubelet.settings());
  for (int i = 0; i < 5; ++i) EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  EXPECT_THAT(kubelet.requests(), SizeIs(5));
  EXPECT_EQ(kubelet.front().handshakes(), 1U);
}

TEST_F(K8sPlugin, FindsAKubeletThatWasRestartedBetweenTwoCaptures) {
  StandIn kubelet;
  const auto plugin = make(kubelet.settings());
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  kubelet.set_down();
  kubelet.set_up();
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
  kubelet.set_down();
  EXPECT_THAT(plugin->capture(now).faults, SizeIs(1));
  kubelet.set_up();
  EXPECT_THAT(plugin->capture(now).faults, IsEmpty());
}

}  // namespace
}  // namespace chouette
