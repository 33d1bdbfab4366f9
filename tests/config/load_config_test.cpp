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

namespace chouette {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

const KnownNames known{{"host", "k8s", "docker"}, {"datadog", "simple"}};

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
  EXPECT_THAT(config.host_plugin.metrics, ElementsAre("cpu", "fs", "la", "ram"));
  EXPECT_EQ(config.host_plugin.proc, "/proc");
  EXPECT_EQ(config.host_plugin.mount_prefix, "");
  EXPECT_EQ(config.redis.host, "redis");
  EXPECT_EQ(config.redis.port, 6379);
  EXPECT_EQ(config.redis.socket, "");
  EXPECT_EQ(config.redis.username, "");
  EXPECT_TRUE(config.redis.password.empty());
  EXPECT_EQ(config.redis.db, 0);
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
                                {"HOST_MOUNT_PREFIX", "/host"},
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
  EXPECT_EQ(config.metric_ttl, seconds{12});
  EXPECT_EQ(config.log_ttl, seconds{13});
  EXPECT_FALSE(config.send_self_metrics);
  EXPECT_EQ(config.metrics_wrapper, "simple");
  EXPECT_EQ(config.wrapper.interval, seconds{14});
  EXPECT_THAT(config.wrapper.histogram_aggregates, ElementsAre("min", "max"));
  EXPECT_THAT(config.wrapper.histogram_percentiles, ElementsAre(0.5, 0.999));
  EXPECT_THAT(config.collector_plugins, ElementsAre("host", "docker"));
  EXPECT_EQ(config.capture_interval, seconds{15});
  EXPECT_THAT(config.host_plugin.metrics, ElementsAre("network"));
  EXPECT_EQ(config.host_plugin.proc, "/host/proc");
  EXPECT_EQ(config.host_plugin.mount_prefix, "/host");
  EXPECT_EQ(config.redis.host, "10.0.0.2");
  EXPECT_EQ(config.redis.port, 6380);
  EXPECT_EQ(config.redis.socket, "/run/redis.sock");
  EXPECT_EQ(config.redis.username, "agent");
  EXPECT_EQ(config.redis.password.reveal(), " pass word ");
  EXPECT_EQ(config.redis.db, 3);
  EXPECT_EQ(config.log_level, "ERROR");
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
      {"HOST_SYS", {"sys"}},
      {"HOST_MOUNT_PREFIX", {"host"}},
      {"REDIS_HOST", {"redis:6379", "redis://redis", "a b"}},
      {"REDIS_PORT", {"0", "65536", "tcp://10.0.0.1", "x"}},
      {"REDIS_SOCKET", {"redis.sock", "unix:///redis.sock", "/" + std::string(107, 'a')}},
      {"REDIS_USERNAME", {"a\nb"}},
      {"REDIS_DB", {"-1", "x", "2147483648"}},
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
  EXPECT_THAT(accepted({{"HOST_COLLECT_METRICS", "la"}}).host_plugin.metrics, ElementsAre("la"));
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
            "expected a list of any of: host, k8s, docker");
}

TEST(LoadConfig, CollapsesRepeatedNamesAndTheirCase) {
  EXPECT_THAT(accepted({{"COLLECTOR_PLUGINS", "host,k8s,Host,host"}}).collector_plugins,
              ElementsAre("host", "k8s"));
  EXPECT_THAT(accepted({{"HOST_COLLECTOR_METRICS", "CPU,Ram,cpu"}}).host_plugin.metrics,
              ElementsAre("cpu", "ram"));
}

TEST(LoadConfig, TakesEmptyListsAsNone) {
  EXPECT_THAT(accepted({{"HISTOGRAM_AGGREGATES", "[]"}}).wrapper.histogram_aggregates, IsEmpty());
  EXPECT_THAT(accepted({{"HISTOGRAM_PERCENTILES", "[]"}}).wrapper.histogram_percentiles, IsEmpty());
  EXPECT_THAT(accepted({{"HOST_COLLECTOR_METRICS", "[]"}}).host_plugin.metrics, IsEmpty());
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
