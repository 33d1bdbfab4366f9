#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "config/config.hpp"
#include "config/settings_table.hpp"
#include "config/values.hpp"
#include "queue/redis_tls.hpp"

namespace chouette {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using namespace std::string_literals;

const KnownNames known{{"host", "k8s", "docker", "exec"}, {"datadog", "simple"}};

/// Loads `environment`, with an API key unless it brings one.
LoadedConfig load(Environment environment) {
  environment.try_emplace("API_KEY", "key");
  return load_config(environment, known);
}

/// The config of an environment that is right.
Config accepted(Environment environment) {
  auto loaded = load(std::move(environment));
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  return loaded.config;
}

/// The only fault of an environment.
std::string fault_of(Environment environment) {
  const auto faults = load(std::move(environment)).faults;
  EXPECT_THAT(faults, SizeIs(1));
  return faults.empty() ? "" : faults.front();
}

/// A file that is removed with the object.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

private:
  std::string path_ =
      testing::TempDir() + "chouette_config_" + std::to_string(std::random_device{}());
};

TEST(LoadConfig, NeedsNothingButTheKey) {
  const auto config = accepted({});
  EXPECT_EQ(config.api_key.reveal(), "key");
  EXPECT_EQ(config.datadog_url, "https://api.datadoghq.com/api");
  EXPECT_EQ(config.datadog_logs_url, "https://http-intake.logs.datadoghq.com");
  EXPECT_THAT(config.global_tags, IsEmpty());
  EXPECT_EQ(config.host, "");
  EXPECT_EQ(config.release_interval, seconds{60});
  EXPECT_EQ(config.metrics_bulk_size, 10000);
  EXPECT_EQ(config.metric_ttl, seconds{14400});
  EXPECT_EQ(config.log_ttl, seconds{64800});
  EXPECT_TRUE(config.send_self_metrics);
  EXPECT_EQ(config.metrics_wrapper, "datadog");
  EXPECT_EQ(config.wrapper.interval, seconds{10});
  EXPECT_THAT(config.wrapper.histogram_aggregates, ElementsAre("max", "median", "avg", "count"));
  EXPECT_THAT(config.wrapper.histogram_percentiles, ElementsAre(0.95));
  EXPECT_THAT(config.collector_plugins, IsEmpty());
  EXPECT_EQ(config.capture_interval, seconds{30});
  EXPECT_THAT(config.host_metrics, ElementsAre("cpu", "fs", "la", "ram"));
  EXPECT_EQ(config.machine.proc, "/proc");
  EXPECT_EQ(config.machine.sys, "/sys");
  EXPECT_EQ(config.machine.mount_prefix, "");
  EXPECT_EQ(config.plugin_dir, "");
  EXPECT_FALSE(config.send_plugin_metrics);
  EXPECT_EQ(config.k8s_plugin.address, "");
  EXPECT_EQ(config.k8s_plugin.port, 10250);
  EXPECT_EQ(config.k8s_plugin.certificate, "");
  EXPECT_EQ(config.k8s_plugin.key, "");
  EXPECT_EQ(config.k8s_plugin.token, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(config.k8s_plugin.ca, "");
  EXPECT_THAT(config.k8s_plugin.node_metrics, ElementsAre("inodes"));
  EXPECT_THAT(config.k8s_plugin.pod_metrics, ElementsAre("memory", "cpu"));
  EXPECT_EQ(config.docker_plugin.socket, "/var/run/docker.sock");
  EXPECT_THAT(config.docker_plugin.metrics, ElementsAre("memory", "cpu"));
  EXPECT_EQ(config.tegrastats_plugin.path, "/usr/bin/tegrastats");
  EXPECT_THAT(config.tegrastats_plugin.metrics, ElementsAre("ram", "temp"));
  EXPECT_THAT(config.rpi_metrics, ElementsAre("temperature", "power", "frequency", "storage"));
  EXPECT_THAT(config.exec_plugin.commands, IsEmpty());
  EXPECT_EQ(config.exec_plugin.timeout, seconds{5});
  EXPECT_EQ(config.redis.host, "redis");
  EXPECT_EQ(config.redis.port, 6379);
  EXPECT_EQ(config.redis.socket, "");
  EXPECT_EQ(config.redis.username, "");
  EXPECT_TRUE(config.redis.password.empty());
  EXPECT_EQ(config.redis.db, 0);
  EXPECT_FALSE(config.redis.tls);
  EXPECT_EQ(config.redis.tls_ca, "");
  EXPECT_EQ(config.log_level, "INFO");
}

TEST(LoadConfig, PutsEachSettingInItsPlace) {
  const auto config = accepted({{"API_KEY", "0123"},
                                {"DATADOG_URL", "http://intake:8080/api/"},
                                {"DATADOG_LOGS_URL", "http://logs:8080/"},
                                {"GLOBAL_TAGS", R"(["env:prod", "team:x"])"},
                                {"HOST", "device-1"},
                                {"RELEASE_INTERVAL", "61"},
                                {"METRICS_BULK_SIZE", "11"},
                                {"QUEUE_MAX_RECORDS", "0"},
                                {"METRIC_TTL", "12"},
                                {"LOG_TTL", "13"},
                                {"SEND_SELF_METRICS", "off"},
                                {"METRICS_WRAPPER", "simple"},
                                {"AGGREGATE_INTERVAL", "14"},
                                {"HISTOGRAM_AGGREGATES", "min,max"},
                                {"HISTOGRAM_PERCENTILES", "[0.5,0.999]"},
                                {"COLLECTOR_PLUGINS", "host,docker"},
                                {"CAPTURE_INTERVAL", "15"},
                                {"HOST_COLLECTOR_METRICS", "network"},
                                {"HOST_PROC", "/host/proc/"},
                                {"HOST_SYS", "/host/sys"},
                                {"HOST_MOUNT_PREFIX", "/host"},
                                {"CHOUETTE_PLUGIN_DIR", "/opt/chouette/"},
                                {"SEND_PLUGIN_METRICS", "yes"},
                                {"K8S_STATS_SERVICE_IP", "fd00::7"},
                                {"K8S_STATS_SERVICE_PORT", "10255"},
                                {"K8S_CERT_PATH", "/tls/cert.pem"},
                                {"K8S_KEY_PATH", "/tls/key.pem"},
                                {"K8S_TOKEN_PATH", "/tls/token"},
                                {"K8S_CA_PATH", "/tls/ca.pem"},
                                {"K8S_METRICS", R"({"pods":["network"],"node":["cpu"]})"},
                                {"DOCKER_SOCKET_PATH", "/run/podman.sock"},
                                {"DOCKER_METRICS", "restarts"},
                                {"TEGRASTATS_METRICS", "gpu,power"},
                                {"TEGRASTATS_PATH", "/opt/tegrastats"},
                                {"RPI_METRICS", "storage"},
                                {"EXEC_COMMANDS", R"([["/bin/door","--all"]])"},
                                {"EXEC_TIMEOUT", "16"},
                                {"REDIS_HOST", "10.0.0.2"},
                                {"REDIS_PORT", "6380"},
                                {"REDIS_SOCKET", "/run/redis.sock"},
                                {"REDIS_USERNAME", "agent"},
                                {"REDIS_PASSWORD", " pass word "},
                                {"REDIS_DB", "3"},
                                {"LOG_LEVEL", "error"},
                                {"CHOUETTE_STORAGE_TYPE", "Redis"}});
  EXPECT_EQ(config.api_key.reveal(), "0123");
  EXPECT_EQ(config.datadog_url, "http://intake:8080/api");
  EXPECT_EQ(config.datadog_logs_url, "http://logs:8080");
  EXPECT_THAT(config.global_tags, ElementsAre("env:prod", "team:x"));
  EXPECT_EQ(config.host, "device-1");
  EXPECT_EQ(config.release_interval, seconds{61});
  EXPECT_EQ(config.metrics_bulk_size, 11);
  EXPECT_EQ(config.queue_max_records, 0);
  EXPECT_EQ(config.metric_ttl, seconds{12});
  EXPECT_EQ(config.log_ttl, seconds{13});
  EXPECT_FALSE(config.send_self_metrics);
  EXPECT_EQ(config.metrics_wrapper, "simple");
  EXPECT_EQ(config.wrapper.interval, seconds{14});
  EXPECT_THAT(config.wrapper.histogram_aggregates, ElementsAre("min", "max"));
  EXPECT_THAT(config.wrapper.histogram_percentiles, ElementsAre(0.5, 0.999));
  EXPECT_THAT(config.collector_plugins, ElementsAre("host", "docker"));
  EXPECT_EQ(config.capture_interval, seconds{15});
  EXPECT_THAT(config.host_metrics, ElementsAre("network"));
  EXPECT_EQ(config.machine.proc, "/host/proc");
  EXPECT_EQ(config.machine.sys, "/host/sys");
  EXPECT_EQ(config.machine.mount_prefix, "/host");
  EXPECT_EQ(config.plugin_dir, "/opt/chouette");
  EXPECT_TRUE(config.send_plugin_metrics);
  EXPECT_EQ(config.k8s_plugin.address, "fd00::7");
  EXPECT_EQ(config.k8s_plugin.port, 10255);
  EXPECT_EQ(config.k8s_plugin.certificate, "/tls/cert.pem");
  EXPECT_EQ(config.k8s_plugin.key, "/tls/key.pem");
  EXPECT_EQ(config.k8s_plugin.token, "/tls/token");
  EXPECT_EQ(config.k8s_plugin.ca, "/tls/ca.pem");
  EXPECT_THAT(config.k8s_plugin.node_metrics, ElementsAre("cpu"));
  EXPECT_THAT(config.k8s_plugin.pod_metrics, ElementsAre("network"));
  EXPECT_EQ(config.docker_plugin.socket, "/run/podman.sock");
  EXPECT_THAT(config.docker_plugin.metrics, ElementsAre("restarts"));
  EXPECT_THAT(config.tegrastats_plugin.metrics, ElementsAre("gpu", "power"));
  EXPECT_EQ(config.tegrastats_plugin.path, "/opt/tegrastats");
  EXPECT_THAT(config.rpi_metrics, ElementsAre("storage"));
  EXPECT_THAT(config.exec_plugin.commands,
              ElementsAre(ExecCommand{{"/bin/door", "--all"}, std::nullopt}));
  EXPECT_EQ(config.exec_plugin.timeout, seconds{16});
  EXPECT_EQ(config.redis.host, "10.0.0.2");
  EXPECT_EQ(config.redis.port, 6380);
  EXPECT_EQ(config.redis.socket, "/run/redis.sock");
  EXPECT_EQ(config.redis.username, "agent");
  EXPECT_EQ(config.redis.password.reveal(), " pass word ");
  EXPECT_EQ(config.redis.db, 3);
  EXPECT_EQ(config.log_level, "ERROR");
}

TEST(LoadConfig, TakesSeveralAddressesToListenOn) {
  const auto config =
      accepted({{"HTTP_LISTEN",
                 "127.0.0.1:8127, [::1]:8128, :8129, *:8129, localhost:1, unix:/run/a.sock"}});
  const std::vector<ListenAddress> expected{{"127.0.0.1", 8127, ""},
                                            {"::1", 8128, ""},
                                            {"", 8129, ""},
                                            {"localhost", 1, ""},
                                            {"", 0, "/run/a.sock"}};
  EXPECT_EQ(config.http_listen, expected);
}

TEST(LoadConfig, ListensInTheRuntimeDirectoryThatSystemdMade) {
  const ListenAddress socket{"", 0, "/run/chouette-iot/http.sock"};
  EXPECT_THAT(accepted({{"RUNTIME_DIRECTORY", "/run/chouette-iot"}}).http_listen,
              ElementsAre(socket));
  EXPECT_THAT(accepted({{"RUNTIME_DIRECTORY", "/run/chouette-iot:/run/other"},
                        {"HTTP_LISTEN", "unix:/run/chouette-iot/http.sock"}})
                  .http_listen,
              ElementsAre(socket));
  EXPECT_THAT(accepted({{"RUNTIME_DIRECTORY", "relative"}}).http_listen, IsEmpty());
}

TEST(LoadConfig, HearsWhereSystemdListens) {
  const auto config =
      accepted({{"NOTIFY_SOCKET", "/run/systemd/notify"}, {"WATCHDOG_USEC", "30000000"}});
  EXPECT_EQ(config.service.notify_socket, "/run/systemd/notify");
  EXPECT_EQ(config.service.watchdog, seconds{30});
  EXPECT_FALSE(config.child_environment.contains("NOTIFY_SOCKET"));
  EXPECT_EQ(accepted({{"WATCHDOG_USEC", "soon"}}).service.watchdog.count(), 0);
}

TEST(LoadConfig, ReportsAMissingKey) {
  const auto faults = load_config({}, known).faults;
  EXPECT_THAT(faults, ElementsAre("API_KEY: not set, expected a Datadog API key: printable ASCII "
                                  "without spaces"));
}

TEST(LoadConfig, ReportsEveryFaultAtOnce) {
  const auto faults = load_config({{"RELEASE_INTERVAL", "0"},
                                   {"REDIS_PORT", "high"},
                                   {"SEND_SELF_METRICS", "maybe"},
                                   {"METRICS_WRAPPER", "fancy"}},
                                  known)
                          .faults;
  EXPECT_THAT(
      faults,
      testing::UnorderedElementsAre(
          StartsWith("API_KEY: not set"),
          R"(RELEASE_INTERVAL: "0" is out of range, expected whole seconds, 1 to 86400)",
          R"(REDIS_PORT: "high" is not a whole number, expected a port, 1 to 65535)",
          "SEND_SELF_METRICS: \"maybe\" is not a boolean, expected true or false, 1 or 0, yes or "
          "no, on or off",
          R"(METRICS_WRAPPER: "fancy" is not known, expected one of: datadog, simple)"));
}

TEST(LoadConfig, RefusesAWrongValueOfEachSetting) {
  const std::map<std::string, std::vector<std::string>> wrong{
      {"API_KEY", {"a b", "a\r\nX: y", "k\n", " ", "\xc3\xa4"}},
      {"DATADOG_URL", {"datadoghq.com", "https://a@b", "https://host/?q", " "}},
      {"DATADOG_LOGS_URL", {"ftp://host", "https://"}},
      {"DD_SITE",
       {"https://datadoghq.eu", "eu", "datadoghq.eu/x", "a b.com", "datadoghq.eu.", "."}},
      {"HOST", {"a\nb", std::string(256, 'a')}},
      {"GLOBAL_TAGS", {"[1]", "[\"a\"", "{", "['a']", "[\"a\", null]", "a\nb"}},
      {"RELEASE_INTERVAL", {"0", "-1", "1.5", "10.0", "1e3", "10s", "86401", "9e99", "nan", "inf"}},
      {"CAPTURE_INTERVAL", {"0", "86401", "99999999999999999999"}},
      {"AGGREGATE_INTERVAL", {"0", "86401"}},
      {"METRIC_TTL", {"0", "-5", "x"}},
      {"LOG_TTL", {"0", "-5", "x"}},
      {"METRICS_BULK_SIZE", {"0", "1000001", "-1"}},
      {"QUEUE_MAX_RECORDS", {"-1", "many"}},
      {"SEND_SELF_METRICS", {"maybe", "2"}},
      {"METRICS_WRAPPER", {"fancy"}},
      {"HISTOGRAM_AGGREGATES", {"avg,p95", "[\"avg\"", "[1]"}},
      {"HISTOGRAM_PERCENTILES", {"[0]", "[1]", "95", "[0.95, -0.1]", "[\"0.95\"]", "nan"}},
      {"COLLECTOR_PLUGINS", {"host,hots", "[1]", "{\"host\":1}"}},
      {"HOST_COLLECTOR_METRICS", {"disk", "cpu fs"}},
      {"HOST_PROC", {"proc", "/a\nb"}},
      {"HOST_SYS", {"sys", "/a\nb"}},
      {"HOST_MOUNT_PREFIX", {"host"}},
      {"HTTP_LISTEN",
       {"8127", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:8127", "[::1]", "unix:a.sock",
        "http://127.0.0.1:8127", "127.0.0.1:8127,x", "unix:/" + std::string(107, 'a'), "[1]"}},
      {"CHOUETTE_PLUGIN_DIR", {"plugins", "~/plugins", "/a\tb", "/" + std::string(4095, 'a')}},
      {"SEND_PLUGIN_METRICS", {"maybe", "2"}},
      {"K8S_STATS_SERVICE_IP",
       {"10.0.0.1:10250", "https://10.0.0.1", "a b", "[::1]", "10.0.0.1/stats", "-a", "a\nb"}},
      {"K8S_STATS_SERVICE_PORT", {"0", "65536", "-1", "https", "10250/tcp"}},
      {"K8S_CERT_PATH", {"cert.pem", "-----BEGIN CERTIFICATE-----"}},
      {"K8S_KEY_PATH", {"key.pem", "/a\nb"}},
      {"K8S_TOKEN_PATH", {"token", "eyJhbGciOi"}},
      {"K8S_CA_PATH", {"ca.pem"}},
      {"K8S_METRICS", {"cpu", "[]", "{", "null", "1", R"({"pod":[]})", R"({"Node":["cpu"]})"}},
      {"DOCKER_SOCKET_PATH",
       {"docker.sock", "tcp://10.0.0.1", "unix://docker.sock", "/" + std::string(107, 'a')}},
      {"DOCKER_METRICS", {"swap", "[\"cpu\"", "{}"}},
      {"TEGRASTATS_METRICS", {"fan", "temperature"}},
      {"TEGRASTATS_PATH", {"tegrastats", "tegrastats --interval 1"}},
      {"RPI_METRICS", {"fan", "temp"}},
      {"EXEC_COMMANDS", {"/bin/true", "{}", "[1]", "[[]]", R"([{"timeout":5}])", "[\"a\""}},
      {"EXEC_TIMEOUT", {"0", "3601", "-5", "0.5", "5s"}},
      {"REDIS_HOST", {"redis:6379", "redis://redis", "a b"}},
      {"REDIS_PORT", {"0", "65536", "tcp://10.0.0.1", "x"}},
      {"REDIS_SOCKET", {"redis.sock", "unix:///redis.sock", "/" + std::string(107, 'a')}},
      {"REDIS_USERNAME", {"a\nb"}},
      {"REDIS_DB", {"-1", "x", "2147483648"}},
      {"REDIS_TLS", {"tls", "2"}},
      {"REDIS_TLS_CA", {"ca.pem", "-----BEGIN CERTIFICATE-----"}},
      {"LOG_LEVEL", {"loud", "warn"}},
      {"CHOUETTE_STORAGE_TYPE", {"memory"}},
  };
  for (const auto& [name, values] : wrong) {
    for (const auto& value : values) {
      const auto fault = fault_of({{name, value}});
      EXPECT_THAT(fault, StartsWith(name + ": ")) << value;
      EXPECT_THAT(fault, HasSubstr(", expected ")) << value;
    }
  }
  for (const auto& setting : settings_table()) {
    EXPECT_TRUE(wrong.contains(std::string(setting.name)) || setting.name == "REDIS_PASSWORD")
        << setting.name;
  }
}

TEST(LoadConfig, TakesTheEdgesOfEachRange) {
  EXPECT_EQ(accepted({{"RELEASE_INTERVAL", "1"}}).release_interval, seconds{1});
  EXPECT_EQ(accepted({{"RELEASE_INTERVAL", " 86400 "}}).release_interval, seconds{86400});
  EXPECT_EQ(accepted({{"METRICS_BULK_SIZE", "1"}}).metrics_bulk_size, 1);
  EXPECT_EQ(accepted({{"METRICS_BULK_SIZE", "1000000"}}).metrics_bulk_size, 1000000);
  EXPECT_EQ(accepted({{"REDIS_PORT", "65535"}}).redis.port, 65535);
  EXPECT_EQ(accepted({{"REDIS_SOCKET", "/" + std::string(106, 'a')}}).redis.socket.size(), 107);
}

// Names

TEST(LoadConfig, FindsNamesInAnyCase) {
  EXPECT_EQ(accepted({{"release_interval", "7"}}).release_interval, seconds{7});
  EXPECT_EQ(accepted({{"Release_Interval", "7"}}).release_interval, seconds{7});
  EXPECT_THAT(accepted({{"dd_tags", "a:b"}}).global_tags, ElementsAre("a:b"));
}

TEST(LoadConfig, PrefersTheUpperCaseSpelling) {
  const auto loaded = load({{"HOST", "upper"}, {"Host", "mixed"}, {"host", "lower"}});
  EXPECT_EQ(loaded.config.host, "upper");
  EXPECT_THAT(loaded.warnings, ElementsAre("Host: ignored, as HOST is set too",
                                           "host: ignored, as HOST is set too"));
}

TEST(LoadConfig, TakesAnEmptyValueForNotSet) {
  EXPECT_EQ(accepted({{"RELEASE_INTERVAL", ""}}).release_interval, seconds{60});
  EXPECT_EQ(accepted({{"HOST", ""}, {"host", "lower"}}).host, "lower");
  EXPECT_EQ(accepted({{"HOST", ""}, {"DD_HOSTNAME", "second"}}).host, "second");
  EXPECT_THAT(load({{"API_KEY", ""}}).faults, ElementsAre(StartsWith("API_KEY: not set")));
}

TEST(LoadConfig, UsesSecondNamesWhereTheFirstIsNotSet) {
  EXPECT_EQ(load_config({{"DD_API_KEY", "second"}}, known).config.api_key.reveal(), "second");
  EXPECT_EQ(accepted({{"DD_API_KEY", "second"}, {"API_KEY", "first"}}).api_key.reveal(), "first");
  EXPECT_EQ(accepted({{"DD_HOSTNAME", "second"}, {"HOST", "first"}}).host, "first");
  EXPECT_THAT(accepted({{"COLLECT_PLUGINS", "host"}}).collector_plugins, ElementsAre("host"));
  EXPECT_THAT(accepted({{"HOST_COLLECT_METRICS", "la"}}).host_metrics, ElementsAre("la"));
}

TEST(LoadConfig, NamesTheVariableThatTheUserSet) {
  EXPECT_THAT(fault_of({{"COLLECT_PLUGINS", "x"}}), StartsWith("COLLECT_PLUGINS: \"x\" "));
  EXPECT_THAT(fault_of({{"dd_log_level", "x"}}), StartsWith("dd_log_level: \"x\" "));
  EXPECT_THAT(fault_of({{"DD_TAGS", "[1 2"}}), StartsWith("DD_TAGS: \"[1 2\" "));
  EXPECT_THAT(load_config({{"dd_api_key", "a b"}}, known).faults,
              ElementsAre(StartsWith("dd_api_key: the value ")));
}

TEST(LoadConfig, SplitsDatadogTagsAtSpacesAndCommas) {
  EXPECT_THAT(accepted({{"DD_TAGS", "a:b  c:d,e:f\tg:h "}}).global_tags,
              ElementsAre("a:b", "c:d", "e:f", "g:h"));
  EXPECT_THAT(accepted({{"DD_TAGS", R"(["a:b c"])"}}).global_tags, ElementsAre("a:b c"));
  EXPECT_THAT(accepted({{"GLOBAL_TAGS", "a:b c, d:e"}}).global_tags, ElementsAre("a:b c", "d:e"));
}

TEST(LoadConfig, KnowsDatadogLogLevels) {
  EXPECT_EQ(accepted({{"DD_LOG_LEVEL", "Warn"}}).log_level, "WARNING");
  EXPECT_EQ(accepted({{"DD_LOG_LEVEL", "off"}}).log_level, "CRITICAL");
  EXPECT_EQ(accepted({{"DD_LOG_LEVEL", "trace"}}).log_level, "DEBUG");
  EXPECT_EQ(accepted({{"DD_LOG_LEVEL", "error"}}).log_level, "ERROR");
  EXPECT_EQ(accepted({{"LOG_LEVEL", "Debug"}, {"DD_LOG_LEVEL", "off"}}).log_level, "DEBUG");
}

// Values

TEST(LoadConfig, TakesBothUrlsFromTheSite) {
  const auto config = accepted({{"DD_SITE", "DatadogHQ.eu"}});
  EXPECT_EQ(config.datadog_url, "https://api.datadoghq.eu/api");
  EXPECT_EQ(config.datadog_logs_url, "https://http-intake.logs.datadoghq.eu");
}

TEST(LoadConfig, LetsAUrlOverrideTheSite) {
  const auto metrics = accepted({{"DD_SITE", "datadoghq.eu"}, {"DATADOG_URL", "http://proxy/api"}});
  EXPECT_EQ(metrics.datadog_url, "http://proxy/api");
  EXPECT_EQ(metrics.datadog_logs_url, "https://http-intake.logs.datadoghq.eu");
  const auto logs = accepted({{"DD_SITE", "datadoghq.eu"}, {"DATADOG_LOGS_URL", "http://proxy"}});
  EXPECT_EQ(logs.datadog_url, "https://api.datadoghq.eu/api");
  EXPECT_EQ(logs.datadog_logs_url, "http://proxy");
}

TEST(LoadConfig, ListsTheKnownPluginsForAnUnknownOne) {
  EXPECT_EQ(fault_of({{"COLLECTOR_PLUGINS", R"(["host","hots"])"}}),
            R"(COLLECTOR_PLUGINS: "[\"host\",\"hots\"]" has the unknown "hots", )"
            "expected a list of any of: host, k8s, docker, exec");
}

TEST(LoadConfig, CollapsesRepeatedNamesAndTheirCase) {
  EXPECT_THAT(accepted({{"COLLECTOR_PLUGINS", "host,docker,Host,host"}}).collector_plugins,
              ElementsAre("host", "docker"));
  EXPECT_THAT(accepted({{"HOST_COLLECTOR_METRICS", "CPU,Ram,cpu"}}).host_metrics,
              ElementsAre("cpu", "ram"));
}

TEST(LoadConfig, TakesEmptyListsAsNone) {
  EXPECT_THAT(accepted({{"HISTOGRAM_AGGREGATES", "[]"}}).wrapper.histogram_aggregates, IsEmpty());
  EXPECT_THAT(accepted({{"HISTOGRAM_PERCENTILES", "[]"}}).wrapper.histogram_percentiles, IsEmpty());
  EXPECT_THAT(accepted({{"HOST_COLLECTOR_METRICS", "[]"}}).host_metrics, IsEmpty());
}

TEST(LoadConfig, TakesGlobalTagsAsAnObject) {
  EXPECT_THAT(accepted({{"GLOBAL_TAGS", R"({"env":"prod"})"}}).global_tags,
              ElementsAre("env:prod"));
}

TEST(LoadConfig, TakesRedisPortFromAServiceLink) {
  EXPECT_EQ(accepted({{"REDIS_PORT", "tcp://10.0.0.1:6380"}}).redis.port, 6380);
}

TEST(LoadConfig, WarnsOfAUserNameWithoutPassword) {
  EXPECT_THAT(load({{"REDIS_USERNAME", "me"}}).warnings,
              ElementsAre(StartsWith("REDIS_USERNAME: ignored")));
}

TEST(LoadConfig, TakesTlsForRedisWhereTheBuildHasIt) {
  if (!redis_has_tls()) GTEST_SKIP() << "this build has no TLS for Redis";
  const auto config = accepted({{"REDIS_TLS", "yes"}, {"REDIS_TLS_CA", "/etc/redis/ca.pem"}});
  EXPECT_TRUE(config.redis.tls);
  EXPECT_EQ(config.redis.tls_ca, "/etc/redis/ca.pem");
  EXPECT_THAT(load({{"REDIS_TLS", "true"}, {"REDIS_SOCKET", "/run/redis.sock"}}).warnings,
              ElementsAre("REDIS_TLS: ignored, as REDIS_SOCKET is set too"));
}

TEST(LoadConfig, RefusesTlsForRedisWhereTheBuildHasNone) {
  if (redis_has_tls()) GTEST_SKIP() << "this build has TLS for Redis";
  EXPECT_EQ(fault_of({{"REDIS_TLS", "true"}}),
            "REDIS_TLS: \"true\" is not possible: this build has no TLS for Redis, as it needs "
            "hiredis 1.0 or later, expected false");
  EXPECT_THAT(load({{"REDIS_TLS", "true"}, {"REDIS_TLS_CA", "/ca.pem"}}).warnings, IsEmpty());
  EXPECT_FALSE(accepted({{"REDIS_TLS", "false"}}).redis.tls);
}

TEST(LoadConfig, WarnsOfCasForRedisWithoutTls) {
  EXPECT_THAT(load({{"REDIS_TLS_CA", "/ca.pem"}}).warnings,
              ElementsAre("REDIS_TLS_CA: ignored, as REDIS_TLS is not true"));
}

// Plugins

TEST(LoadConfig, TakesADockerAddressAsASocket) {
  EXPECT_EQ(accepted({{"DOCKER_SOCKET_PATH", "unix:///run/podman.sock"}}).docker_plugin.socket,
            "/run/podman.sock");
}

TEST(LoadConfig, TakesWhatPluginsCollectInAnyCase) {
  EXPECT_THAT(accepted({{"DOCKER_METRICS", "CPU,Working_Set,cpu"}}).docker_plugin.metrics,
              ElementsAre("cpu", "working_set"));
  EXPECT_THAT(accepted({{"TEGRASTATS_METRICS", "[]"}}).tegrastats_plugin.metrics, IsEmpty());
  EXPECT_THAT(accepted({{"RPI_METRICS", R"(["Power"])"}}).rpi_metrics, ElementsAre("power"));
}

TEST(LoadConfig, TakesK8sMetricsOfNodeAndPods) {
  const auto metrics = [](const std::string& text) {
    const auto settings = accepted({{"K8S_METRICS", text}}).k8s_plugin;
    return std::pair(settings.node_metrics, settings.pod_metrics);
  };
  using Kinds = std::vector<std::string>;
  EXPECT_EQ(metrics(R"({"node":["cpu","memory","network","filesystem","inodes"],
                        "pods":["cpu","memory","network"]})"),
            std::pair(Kinds({"cpu", "memory", "network", "filesystem", "inodes"}),
                      Kinds({"cpu", "memory", "network"})));
  // What is not listed is not collected: the default is taken as a whole or not at all.
  EXPECT_EQ(metrics(R"({"node":["cpu"]})"), std::pair(Kinds{"cpu"}, Kinds{}));
  EXPECT_EQ(metrics(R"({"pods":["cpu"]})"), std::pair(Kinds{}, Kinds{"cpu"}));
  EXPECT_EQ(metrics(" {} "), std::pair(Kinds{}, Kinds{}));
  EXPECT_EQ(metrics(R"({"node":[],"pods":[]})"), std::pair(Kinds{}, Kinds{}));
}

TEST(LoadConfig, TakesRamForMemoryOfK8sAndEachKindOnce) {
  const auto settings =
      accepted({{"K8S_METRICS", R"({"node":["ram","RAM","Memory","cpu","cpu"],"pods":["Ram"]})"}})
          .k8s_plugin;
  EXPECT_THAT(settings.node_metrics, ElementsAre("memory", "cpu"));
  EXPECT_THAT(settings.pod_metrics, ElementsAre("memory"));
}

TEST(LoadConfig, NamesThePartOfK8sMetricsThatIsWrong) {
  const auto reason = [](const std::string& text) {
    const auto fault = fault_of({{"K8S_METRICS", text}});
    const auto end = fault.find(", expected a JSON object such as ");
    EXPECT_NE(end, std::string::npos) << fault;
    return fault.substr(0, end);
  };
  EXPECT_THAT(reason("[]"), EndsWith(" is not a JSON object"));
  EXPECT_THAT(reason(R"({"pods":["cpu"]})"
                     "}"),
              EndsWith(" is not a JSON object"));
  EXPECT_THAT(reason(R"({"pods\n":[]})"), EndsWith(R"( has the unknown "pods\n")"));
  EXPECT_THAT(reason(R"({"\u0000":[]})"), EndsWith(R"( has the unknown "\x00")"));
  for (const auto* wrong : {R"("cpu")", R"([1])", R"([null])", R"([["cpu"]])", R"({"cpu":true})",
                            "null", R"(["disk"])", R"(["cpu "])", R"([""])", R"(["cpu\u0000"])"}) {
    EXPECT_THAT(reason(R"({"node":)"s + wrong + "}"),
                EndsWith(R"( has something unknown in "node")"));
    EXPECT_THAT(reason(R"({"pods":)"s + wrong + "}"),
                EndsWith(R"( has something unknown in "pods")"));
  }
  for (const auto* of_node_only : {"inodes", "filesystem"}) {
    EXPECT_THAT(reason(R"({"pods":[")"s + of_node_only + R"("]})"),
                EndsWith(R"( has something unknown in "pods")"));
  }
}

std::vector<ExecCommand> commands(const std::string& text) {
  return accepted({{"EXEC_COMMANDS", text}}).exec_plugin.commands;
}

TEST(LoadConfig, TakesCommandsInEachForm) {
  EXPECT_THAT(commands(R"([["/bin/echo", "a b", "", "$HOME"]])"),
              ElementsAre(ExecCommand{{"/bin/echo", "a b", "", "$HOME"}, std::nullopt}));
  EXPECT_THAT(commands(R"(["  /bin/echo  a\tb \n\"c d\" "])"),
              ElementsAre(ExecCommand{{"/bin/echo", "a", "b", "\"c", "d\""}, std::nullopt}));
  EXPECT_THAT(commands(R"([{"command":["/bin/echo","a b"],"timeout":7}])"),
              ElementsAre(ExecCommand{{"/bin/echo", "a b"}, seconds{7}}));
  EXPECT_THAT(commands(R"([{"command":"/bin/echo a","timeout":3600}])"),
              ElementsAre(ExecCommand{{"/bin/echo", "a"}, seconds{3600}}));
  EXPECT_THAT(commands(R"([{"command":"echo"}])"),
              ElementsAre(ExecCommand{{"echo"}, std::nullopt}));
  EXPECT_THAT(commands("[]"), IsEmpty());
}

TEST(LoadConfig, KeepsCommandsInTheirOrderAndRepeated) {
  EXPECT_THAT(commands(R"(["b",["a"],{"command":"b","timeout":1},"b"])"),
              ElementsAre(ExecCommand{{"b"}, std::nullopt}, ExecCommand{{"a"}, std::nullopt},
                          ExecCommand{{"b"}, seconds{1}}, ExecCommand{{"b"}, std::nullopt}));
}

TEST(LoadConfig, TakesHugeCommands) {
  const std::string argument(1'000'000, 'x');
  EXPECT_THAT(commands("[[\"a\",\"" + argument + "\"]]"),
              ElementsAre(ExecCommand{{"a", argument}, std::nullopt}));
  std::string many = "[\"a\"";
  for (int i = 1; i < 10'000; ++i) many += ",\"a\"";
  EXPECT_EQ(commands(many + "]").size(), 10'000U);
}

TEST(LoadConfig, SaysWhatIsWrongWithCommands) {
  const std::map<std::string, std::vector<std::string>> wrong{
      {"is not a JSON list",
       {"/bin/true", "\"/bin/true\"", R"({"command":"a"})", "[", R"(["a",])", R"(["a"] ["b"])",
        "null", R"(["\ud800"])", R"(['a'])", std::string(100'000, '[')}},
      {"has a command that is neither a text nor a list of texts",
       {"[1]", "[null]", "[true]", "[{}]", R"([{"timeout":5}])", R"([["a",1]])", R"([[["a"]]])",
        R"([{"command":{"command":"a"}}])", R"([{"command":null}])"}},
      {"has a command without a program",
       {"[[]]", R"([""])", R"(["  "])", R"([["","a"]])", R"([{"command":""}])", R"(["a",[]])"}},
      {"has a command with a NUL character",
       {R"([["a\u0000b"]])", R"(["a\u0000b"])", R"([["a","\u0000"]])", R"(["\u0000"])",
        R"([{"command":["a","b\u0000"]}])"}},
      {"has a timeout out of range",
       {R"([{"command":"a","timeout":0}])", R"([{"command":"a","timeout":-1}])",
        R"([{"command":"a","timeout":3601}])", R"([{"command":"a","timeout":1.5}])",
        R"([{"command":"a","timeout":"5"}])", R"([{"command":"a","timeout":null}])",
        R"([{"command":"a","timeout":true}])",
        R"([{"command":"a","timeout":18446744073709551617}])",
        R"([{"command":"a","timeout":18446744073709551615}])",
        R"([{"command":"a","timeout":9223372036854775813}])",
        R"([{"command":"a","timeout":5e0}])"}},
      {"has the unknown \"shell\"", {R"([{"command":"a","shell":true}])"}},
      {"has the unknown \"Timeout\"", {R"([{"command":"a","Timeout":5}])"}}};
  for (const auto& [reason, texts] : wrong) {
    for (const auto& text : texts) {
      EXPECT_THAT(fault_of({{"EXEC_COMMANDS", text}}),
                  HasSubstr("\" " + reason + ", expected a JSON list of commands"))
          << text.substr(0, 100);
    }
  }
}

TEST(LoadConfig, RefusesACommandCutShortAnywhere) {
  const std::string whole = R"([["/bin/echo","\u00e4"],{"command":"a b","timeout":5}])";
  EXPECT_EQ(commands(whole).size(), 2U);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_THAT(fault_of({{"EXEC_COMMANDS", whole.substr(0, size)}}),
                HasSubstr("is not a JSON list"));
  }
}

// Settings that depend on one another

const Environment k8s{
    {"COLLECTOR_PLUGINS", "k8s"}, {"K8S_STATS_SERVICE_IP", "10.0.0.1"}, {"K8S_CA_PATH", "/ca.pem"}};

/// The environment of the plugin k8s with `more` set; what is empty counts as not set.
Environment k8s_with(Environment more) {
  more.insert(k8s.begin(), k8s.end());
  return more;
}

TEST(LoadConfig, TakesWhatThePluginK8sNeeds) {
  accepted(k8s);
  accepted(k8s_with({{"K8S_CERT_PATH", "/cert.pem"}, {"K8S_KEY_PATH", "/key.pem"}}));
}

TEST(LoadConfig, NeedsAnAddressForThePluginK8s) {
  EXPECT_EQ(
      fault_of(k8s_with({{"K8S_STATS_SERVICE_IP", ""}})),
      "K8S_STATS_SERVICE_IP: not set, expected the kubelet's address, as the plugin k8s is to "
      "run");
}

TEST(LoadConfig, NeedsBothCertificateAndKey) {
  EXPECT_EQ(fault_of(k8s_with({{"K8S_CERT_PATH", "/cert.pem"}})),
            "K8S_KEY_PATH: not set, expected the key of K8S_CERT_PATH");
  EXPECT_EQ(fault_of(k8s_with({{"K8S_KEY_PATH", "/key.pem"}})),
            "K8S_CERT_PATH: not set, expected the certificate of K8S_KEY_PATH");
}

TEST(LoadConfig, WarnsThatAKubeletIsNotVerified) {
  const auto loaded = load(k8s_with({{"K8S_CA_PATH", ""}}));
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_THAT(loaded.warnings, ElementsAre("K8S_CA_PATH: not set, so the kubelet's certificate is "
                                           "not verified"));
}

TEST(LoadConfig, WarnsThatThePluginExecHasNothingToRun) {
  const std::string warning = "EXEC_COMMANDS: not set, so the plugin exec has nothing to run";
  for (const auto* none : {"", "[]"}) {
    const auto loaded = load({{"COLLECTOR_PLUGINS", "exec"}, {"EXEC_COMMANDS", none}});
    EXPECT_THAT(loaded.faults, IsEmpty());
    EXPECT_THAT(loaded.warnings, ElementsAre(warning));
  }
  accepted({{"COLLECTOR_PLUGINS", "exec"}, {"EXEC_COMMANDS", R"(["a"])"}});
}

TEST(LoadConfig, AsksNothingForPluginsThatDoNotRun) {
  accepted({{"K8S_CERT_PATH", "/cert.pem"}});
  accepted({{"COLLECTOR_PLUGINS", "host"}, {"K8S_KEY_PATH", "/key.pem"}, {"EXEC_COMMANDS", "[]"}});
}

TEST(LoadConfig, DoesNotCallASettingMissingThatIsWrong) {
  for (const auto* name :
       {"K8S_STATS_SERVICE_IP", "K8S_CERT_PATH", "K8S_KEY_PATH", "K8S_CA_PATH", "EXEC_COMMANDS"}) {
    auto environment = k8s_with({{"K8S_CERT_PATH", "/cert.pem"}, {"K8S_KEY_PATH", "/key.pem"}});
    environment["COLLECTOR_PLUGINS"] = "k8s,exec";
    environment["EXEC_COMMANDS"] = R"(["a"])";
    environment[name] = "not right";
    const auto loaded = load(environment);
    EXPECT_THAT(loaded.faults, ElementsAre(StartsWith(name + ": \"not right\""s)));
    EXPECT_THAT(loaded.warnings, IsEmpty());
  }
  const auto loaded = load({{"REDIS_USERNAME", "me"}, {"REDIS_PASSWORD_FILE", "/nonexistent"}});
  EXPECT_THAT(loaded.faults, SizeIs(1));
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

// The folder of plugins

TEST(FindPluginDir, FindsWhatLoadConfigFinds) {
  for (const auto& environment :
       {Environment{}, Environment{{"CHOUETTE_PLUGIN_DIR", ""}},
        Environment{{"CHOUETTE_PLUGIN_DIR", "/opt/chouette"}},
        Environment{{"CHOUETTE_PLUGIN_DIR", " /opt/chouette// "}},
        Environment{{"chouette_plugin_dir", "/lower"}},
        Environment{{"CHOUETTE_PLUGIN_DIR", "/upper"}, {"chouette_plugin_dir", "/lower"}},
        Environment{{"CHOUETTE_PLUGIN_DIR", ""}, {"Chouette_Plugin_Dir", "/mixed"}}}) {
    EXPECT_EQ(find_plugin_dir(environment), load(environment).config.plugin_dir);
  }
  EXPECT_EQ(find_plugin_dir({{"Chouette_Plugin_Dir", "/mixed/"}}), "/mixed");
  EXPECT_EQ(find_plugin_dir({{"CHOUETTE_PLUGIN_DIR", "/upper"}, {"chouette_plugin_dir", "/lower"}}),
            "/upper");
}

TEST(FindPluginDir, IsNoneWhereItIsWrong) {
  for (const auto& wrong : {"plugins"s, "/a\nb"s, "/\xff"s, "/" + std::string(5000, 'a')}) {
    EXPECT_EQ(find_plugin_dir({{"CHOUETTE_PLUGIN_DIR", wrong}}), "");
    EXPECT_THAT(fault_of({{"CHOUETTE_PLUGIN_DIR", wrong}}), StartsWith("CHOUETTE_PLUGIN_DIR: "));
  }
}

TEST(FindPluginDir, NeedsNothingElseToBeRight) {
  EXPECT_EQ(find_plugin_dir({{"CHOUETTE_PLUGIN_DIR", "/opt/chouette"},
                             {"COLLECTOR_PLUGINS", "mine"},
                             {"RELEASE_INTERVAL", "0"}}),
            "/opt/chouette");
}

// Programs that plugins start

TEST(LoadConfig, GivesChildrenTheWholeEnvironmentButTheSecrets) {
  const Environment harmless{{"PATH", "/bin"},
                             {"HOME", "/root"},
                             {"EMPTY", ""},
                             {"DATADOG_URL", "http://intake/api"},
                             {"REDIS_USERNAME", "me"},
                             {"API_KEYS", "no setting"}};
  auto environment = harmless;
  for (const auto& setting : settings_table()) {
    if (!setting.is_secret()) continue;
    for (const auto& name : names_of(setting)) {
      auto mixed = name;
      mixed.front() = values::to_lower(name).front();
      for (const auto& spelling : {name, values::to_lower(name), mixed}) {
        environment[spelling] = "hidden-" + spelling;
      }
    }
  }
  EXPECT_GE(environment.size(), harmless.size() + 15);
  EXPECT_EQ(load_config(environment, known).config.child_environment, harmless);
}

TEST(LoadConfig, GivesChildrenNoSecretThatIsNotUsedOrWrong) {
  const auto loaded = load_config({{"API_KEY", "two words hidden"},
                                   {"DD_API_KEY", "hidden"},
                                   {"redis_password", "hidden"},
                                   {"REDIS_PASSWORD", "hidden"},
                                   {"LANG", "C"}},
                                  known);
  EXPECT_THAT(loaded.config.child_environment, ElementsAre(testing::Pair("LANG", "C")));
}

// Secrets

TEST(LoadConfig, ReadsSecretsFromFiles) {
  for (const auto* content : {"secret", "secret\n", "secret\r\n"}) {
    const TemporaryFile file(content);
    const auto loaded =
        load_config({{"API_KEY_FILE", file.path()}, {"redis_password_file", file.path()}}, known);
    EXPECT_THAT(loaded.faults, IsEmpty());
    EXPECT_THAT(loaded.warnings, IsEmpty());
    EXPECT_EQ(loaded.config.api_key.reveal(), "secret");
    EXPECT_EQ(loaded.config.redis.password.reveal(), "secret");
  }
}

TEST(LoadConfig, DropsNoMoreThanOneNewlineOfAFile) {
  const TemporaryFile two_lines("secret\n\n");
  EXPECT_EQ(accepted({{"REDIS_PASSWORD_FILE", two_lines.path()}}).redis.password.reveal(),
            "secret\n");
  const TemporaryFile bare_return("secret\r");
  EXPECT_EQ(accepted({{"REDIS_PASSWORD_FILE", bare_return.path()}}).redis.password.reveal(),
            "secret\r");
}

TEST(LoadConfig, ReadsTheLogLevelFromAFileToo) {
  const TemporaryFile level(" warning \n");
  const auto loaded = load({{"LOG_LEVEL_FILE", level.path()}});
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_EQ(loaded.config.log_level, "WARNING");
  EXPECT_EQ(loaded.config.log_level_file, level.path());
  EXPECT_EQ(load({{"LOG_LEVEL", "DEBUG"}}).config.log_level_file, "");

  const TemporaryFile loud("loud");
  EXPECT_THAT(load({{"LOG_LEVEL_FILE", loud.path()}}).faults,
              ElementsAre("LOG_LEVEL_FILE: \"" + loud.path() +
                          "\" is not known, expected one of: DEBUG, INFO, WARNING, ERROR, "
                          "CRITICAL"));
  EXPECT_EQ(read_log_level(level.path()).value(), "WARNING");
  EXPECT_EQ(read_log_level(loud.path()).error(), "is not known");
}

TEST(LoadConfig, PrefersTheSecretToItsFile) {
  const auto loaded = load({{"API_KEY", "direct"}, {"API_KEY_FILE", "/nonexistent"}});
  EXPECT_EQ(loaded.config.api_key.reveal(), "direct");
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_THAT(loaded.warnings, ElementsAre("API_KEY_FILE: ignored, as API_KEY is set too"));
}

TEST(LoadConfig, PrefersTheFileToTheSecondName) {
  const TemporaryFile file("filed");
  const auto loaded = load_config({{"API_KEY_FILE", file.path()}, {"DD_API_KEY", "second"}}, known);
  EXPECT_EQ(loaded.config.api_key.reveal(), "filed");
}

TEST(LoadConfig, NamesTheFileThatItCannotUseAndWhy) {
  const TemporaryFile empty("");
  const TemporaryFile newline("\n");
  const TemporaryFile huge(std::string(70000, 'a'));
  const auto faults_of = [](const std::string& path) {
    return load_config({{"API_KEY_FILE", path}}, known).faults;
  };
  EXPECT_THAT(faults_of("/nonexistent/key"),
              ElementsAre("API_KEY_FILE: \"/nonexistent/key\" cannot be read: No such file or "
                          "directory, expected a readable file with a Datadog API key: printable "
                          "ASCII without spaces"));
  EXPECT_THAT(faults_of(empty.path()), ElementsAre(HasSubstr(empty.path() + "\" is empty")));
  EXPECT_THAT(faults_of(newline.path()), ElementsAre(HasSubstr("\" is empty")));
  EXPECT_THAT(faults_of(huge.path()), ElementsAre(HasSubstr("is larger than 65536 bytes")));
  EXPECT_THAT(faults_of("/"), ElementsAre(HasSubstr("\"/\" is not a regular file")));
  EXPECT_THAT(faults_of("/dev/zero"), ElementsAre(HasSubstr("is not a regular file")));
}

TEST(LoadConfig, DoesNotWaitForAPipe) {
  const std::string path = testing::TempDir() + "chouette_config_pipe";
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(load({{"REDIS_PASSWORD_FILE", path}}).faults,
              ElementsAre(HasSubstr("is not a regular file")));
  std::filesystem::remove(path);
}

TEST(LoadConfig, NeverShowsASecret) {
  const TemporaryFile file("hidden secret");
  for (const auto& environment :
       {Environment{{"API_KEY", "hidden secret"}}, Environment{{"api_key", "hidden\n"}},
        Environment{{"DD_API_KEY", "\xffhidden"}}, Environment{{"API_KEY_FILE", file.path()}},
        Environment{{"API_KEY", "key"}, {"DATADOG_URL", "https://me:hidden@host/api"}},
        Environment{{"API_KEY", "key"}, {"DATADOG_URL", "https:/me:hidden@host"}},
        Environment{{"API_KEY", "key"}, {"DATADOG_LOGS_URL", "https://host?api_key=hidden"}},
        Environment{{"API_KEY", "key"}, {"DD_SITE", "me:hidden@datadoghq.eu"}},
        Environment{{"API_KEY", "key"}, {"REDIS_HOST", "redis://:hidden@redis"}},
        Environment{{"API_KEY", "key"}, {"REDIS_PORT", "redis://:hidden@redis:6379"}}}) {
    const auto faults = load_config(environment, known).faults;
    ASSERT_THAT(faults, SizeIs(1));
    EXPECT_THAT(faults.front(), Not(HasSubstr("hidden")));
  }
}

TEST(LoadConfig, NamesTheFileOfASecretThatIsWrong) {
  const TemporaryFile file("two words");
  const auto faults = load_config({{"API_KEY_FILE", file.path()}}, known).faults;
  EXPECT_THAT(faults, ElementsAre(StartsWith("API_KEY_FILE: \"" + file.path() + "\" has a space")));
}

// Messages

TEST(LoadConfig, KeepsEachFaultOnOneShortLineOfUtf8) {
  for (const auto& value :
       {std::string("a\nb\r\x1b"), std::string("\xff\xfe"), std::string(1000000, 'x'),
        "[\"" + std::string(100000, 'x') + "\"]", std::string(100000, '['), std::string("a\0b", 3),
        std::string("\xe2\x80\xa8")}) {
    for (const auto& setting : settings_table()) {
      for (const auto& name : names_of(setting)) {
        const auto loaded = load({{name, value}});
        for (const auto& line : loaded.faults) {
          EXPECT_TRUE(values::is_utf8(line)) << name;
          EXPECT_EQ(line.find_first_of(std::string("\n\r\0\x1b", 4)), std::string::npos) << name;
          EXPECT_LT(line.size(), 800) << name;
        }
      }
    }
  }
}

TEST(LoadConfig, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(fault_of({{"HOST", "caf\xe9"}}),
              StartsWith("HOST: \"caf\xef\xbf\xbd\" is not valid UTF-8, expected "));
  EXPECT_THAT(fault_of({{"GLOBAL_TAGS", "a:\xff"}}), HasSubstr("is not valid UTF-8"));
  EXPECT_THAT(fault_of({{"DD_TAGS", "a:\xff"}}), HasSubstr("is not valid UTF-8"));
}

// Misspellings

TEST(LoadConfig, WarnsOfUnknownVariablesWithItsPrefix) {
  EXPECT_THAT(load({{"CHOUETTE_STORAGE_TPYE", "redis"}}).warnings,
              ElementsAre("CHOUETTE_STORAGE_TPYE: not a known setting, did you mean "
                          "CHOUETTE_STORAGE_TYPE?"));
  EXPECT_THAT(load({{"chouette_api_kye", "hidden"}}).warnings,
              ElementsAre("chouette_api_kye: not a known setting, did you mean API_KEY?"));
  EXPECT_THAT(load({{"CHOUETTE_REDIS_PORT", "6380"}}).warnings,
              ElementsAre("CHOUETTE_REDIS_PORT: not a known setting, did you mean REDIS_PORT?"));
  EXPECT_THAT(load({{"CHOUETTE_SOMETHING_ELSE", "x"}}).warnings,
              ElementsAre("CHOUETTE_SOMETHING_ELSE: not a known setting"));
}

TEST(LoadConfig, KeepsWarningsOnOneShortLine) {
  const auto warnings =
      load({{"CHOUETTE_\n\xff", "x"}, {"CHOUETTE_" + std::string(100000, 'A'), "x"}}).warnings;
  ASSERT_THAT(warnings, SizeIs(2));
  for (const auto& warning : warnings) {
    EXPECT_TRUE(values::is_utf8(warning));
    EXPECT_EQ(warning.find('\n'), std::string::npos);
    EXPECT_LT(warning.size(), 200);
  }
}

TEST(LoadConfig, IsSilentAboutOtherVariables) {
  accepted({{"PATH", "/bin"}, {"path", "/usr/bin"}, {"DD_TRACE_ENABLED", "1"}, {"HOSTT", "x"}});
}

TEST(LoadConfig, IsSilentAboutServiceLinks) {
  accepted({{"CHOUETTE_SERVICE_HOST", "10.0.0.7"},
            {"CHOUETTE_SERVICE_PORT", "8127"},
            {"CHOUETTE_SERVICE_PORT_HTTP", "8127"},
            {"CHOUETTE_PORT", "tcp://10.0.0.7:8127"},
            {"CHOUETTE_PORT_8127_TCP", "tcp://10.0.0.7:8127"},
            {"CHOUETTE_PORT_8127_TCP_PROTO", "tcp"},
            {"CHOUETTE_PORT_8127_TCP_PORT", "8127"},
            {"CHOUETTE_PORT_8127_TCP_ADDR", "10.0.0.7"},
            {"CHOUETTE_IOT_SERVICE_HOST", "10.0.0.8"},
            {"CHOUETTE_IOT_SERVICE_PORT", "80"},
            {"CHOUETTE_IOT_SERVICE_PORT_METRICS", "80"},
            {"CHOUETTE_IOT_PORT", "udp://10.0.0.8:80"},
            {"CHOUETTE_IOT_PORT_80_UDP", "udp://10.0.0.8:80"},
            {"CHOUETTE_IOT_PORT_80_UDP_ADDR", "10.0.0.8"},
            {"CHOUETTE_STATSD_PORT", "tcp://10.0.0.9:80"},
            {"CHOUETTE_NAME", "/app/chouette"},
            {"CHOUETTE_ENV_LANG", "C"}});
}

TEST(ProcessEnvironment, HoldsWhatIsSet) {
  ASSERT_EQ(setenv("CHOUETTE_CONFIG_TEST", "a=b", 1), 0);
  const auto environment = process_environment();
  ASSERT_EQ(unsetenv("CHOUETTE_CONFIG_TEST"), 0);
  EXPECT_THAT(environment, Contains(testing::Pair("CHOUETTE_CONFIG_TEST", "a=b")));
}

}  // namespace
}  // namespace chouette
