#include "config/settings_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "config/plugin_settings.hpp"
#include "config/rules.hpp"
#include "config/values.hpp"
#include "queue/redis_tls.hpp"

namespace chouette {
namespace {

using namespace rules;

values::Parsed<Secret> api_key(std::string_view text) {
  return values::token(text).map([](std::string key) { return Secret(std::move(key)); });
}

values::Parsed<Secret> password(std::string_view text) {
  return Secret(std::string(text));
}

values::Parsed<std::vector<double>> percentiles(std::string_view text) {
  auto numbers = values::numbers(text);
  if (numbers && !std::all_of(numbers->begin(), numbers->end(),
                              [](double number) { return number > 0 && number < 1; })) {
    return tl::unexpected<std::string>("has a number out of range");
  }
  return numbers;
}

std::optional<Problem> put_site(std::string_view text, const KnownNames& /*known*/,
                                Config& config) {
  const auto site = values::to_lower(values::trimmed(text));
  const bool has_domain = site.find('.') != std::string::npos && !site.ends_with('.');
  if (!values::is_host_name(site) || !has_domain) return Problem{"is not a site", {}};
  config.datadog_url = "https://api." + site + "/api";
  config.datadog_logs_url = "https://http-intake.logs." + site;
  return std::nullopt;
}

std::optional<Problem> put_redis_tls(std::string_view text, const KnownNames& /*known*/,
                                     Config& config) {
  const auto wanted = values::boolean(text);
  if (!wanted) return Problem{wanted.error(), {}};
  if (*wanted && !redis_has_tls()) {
    return Problem{
        "is not possible: this build has no TLS for Redis, as it needs hiredis 1.0 or later",
        "false"};
  }
  config.redis.tls = *wanted;
  return std::nullopt;
}

std::string from_datadog_tags(std::string_view text) {
  std::string out(values::trimmed(text));
  if (out.starts_with('[') || out.starts_with('{')) return out;
  for (char& c : out) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') c = ',';
  }
  return out;
}

std::string from_datadog_log_level(std::string_view text) {
  auto level = values::to_lower(values::trimmed(text));
  if (level == "trace") return "DEBUG";
  if (level == "warn") return "WARNING";
  if (level == "off") return "CRITICAL";
  return level;
}

values::Parsed<std::vector<ListenAddress>> listen_addresses(std::string_view text) {
  const auto items = values::list(text);
  if (!items) return tl::unexpected(items.error());
  std::vector<ListenAddress> addresses;
  for (const auto& item : *items) {
    const auto address = values::listen_address(item);
    if (!address)
      return tl::unexpected("has \"" + values::shown(item) + "\", which " + address.error());
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
      addresses.push_back(*address);
    }
  }
  return addresses;
}

std::vector<Setting> make_table() {
  constexpr std::string_view delivery = "Delivery";
  constexpr std::string_view aggregation = "Aggregation";
  constexpr std::string_view collecting = "Collecting";
  constexpr std::string_view redis = "Redis";
  constexpr std::string_view process = "The process";

  std::vector<Setting> table{
      {.group = delivery,
       .name = "API_KEY",
       .default_text = "",
       .meaning = "The API key of your Datadog organisation. It must be set.",
       .rule = parsed(
           "a Datadog API key: printable ASCII without spaces", api_key,
           [](Config & c) -> auto& { return c.api_key; }),
       .second_names = {{"DD_API_KEY"}},
       .shown = Shown::never,
       .needed = true},
      {.group = delivery,
       .name = "DD_SITE",
       .default_text = "",
       .meaning = "Your Datadog site. Gives DATADOG_URL (https://api.SITE/api) and "
                  "DATADOG_LOGS_URL (https://http-intake.logs.SITE) where they are not set.",
       .rule = {"a Datadog site such as datadoghq.eu", put_site},
       .shown = Shown::as_address},
      {.group = delivery,
       .name = "DATADOG_URL",
       .default_text = "https://api.datadoghq.com/api",
       .meaning = "Where metrics are sent.",
       .rule = parsed(
           "an http or https URL without user, query and fragment", values::url,
           [](Config & c) -> auto& { return c.datadog_url; }),
       .shown = Shown::as_address},
      {.group = delivery,
       .name = "DATADOG_LOGS_URL",
       .default_text = "https://http-intake.logs.datadoghq.com",
       .meaning = "Where logs are sent.",
       .rule = parsed(
           "an http or https URL without user, query and fragment", values::url,
           [](Config & c) -> auto& { return c.datadog_logs_url; }),
       .shown = Shown::as_address},
      {.group = delivery,
       .name = "HOST",
       .default_text = "",
       .meaning = "The host that metrics and logs are sent for. Not set: they name none.",
       .rule = parsed(
           "one line of at most " + std::to_string(longest_name) + " bytes",
           [](std::string_view text) { return values::line(text, longest_name); },
           [](Config & c) -> auto& { return c.host; }),
       .second_names = {{"DD_HOSTNAME"}}},
      {.group = delivery,
       .name = "GLOBAL_TAGS",
       .default_text = "[]",
       .meaning = "Tags added to every metric and log. A JSON object of keys and values is taken "
                  "too. DD_TAGS may be separated by spaces.",
       .rule = parsed(
           "a list of tags such as [\"env:prod\"]", values::tags,
           [](Config & c) -> auto& { return c.global_tags; }),
       .second_names = {{"DD_TAGS", from_datadog_tags}}},
      {.group = delivery,
       .name = "RELEASE_INTERVAL",
       .default_text = "60",
       .meaning = "How often metrics and logs are sent.",
       .rule = whole_seconds(
           day, [](Config & c) -> auto& { return c.release_interval; })},
      {.group = delivery,
       .name = "METRICS_BULK_SIZE",
       .default_text = "10000",
       .meaning = "How many metrics are read from Redis and sent at a time.",
       .rule = whole_number<std::size_t>(
           "a whole number", 1, 1000000, [](Config & c) -> auto& { return c.metrics_bulk_size; })},
      {.group = delivery,
       .name = "QUEUE_MAX_RECORDS",
       .default_text = "1000000",
       .meaning =
           "How many records each queue in Redis may hold; the oldest make room. 0: any number.",
       .rule = whole_number<std::size_t>(
           "a whole number", 0, 1000000000,
           [](Config & c) -> auto& { return c.queue_max_records; })},
      {.group = delivery,
       .name = "METRIC_TTL",
       .default_text = "14400",
       .meaning = "How old metrics may become in Redis before they are dropped.",
       .rule = whole_seconds(
           ten_years, [](Config & c) -> auto& { return c.metric_ttl; })},
      {.group = delivery,
       .name = "LOG_TTL",
       .default_text = "64800",
       .meaning = "How old logs may become in Redis before they are dropped.",
       .rule = whole_seconds(
           ten_years, [](Config & c) -> auto& { return c.log_ttl; })},
      {.group = delivery,
       .name = "SEND_SELF_METRICS",
       .default_text = "true",
       .meaning = "Whether the agent also sends metrics about itself: chouette.*",
       .rule = boolean([](Config & c) -> auto& { return c.send_self_metrics; })},

      {.group = aggregation,
       .name = "AGGREGATE_INTERVAL",
       .default_text = "10",
       .meaning = "The time over which raw metrics are merged into one point.",
       .rule = whole_seconds(
           day, [](Config & c) -> auto& { return c.wrapper.interval; })},
      {.group = aggregation,
       .name = "METRICS_WRAPPER",
       .default_text = "datadog",
       .meaning = "What turns merged metrics into points.",
       .rule = one_of(
           "the name of a wrapper: datadog, simple or one of your own",
           [](const KnownNames& known) { return known.wrappers; },
           [](Config & c) -> auto& { return c.metrics_wrapper; })},
      {.group = aggregation,
       .name = "HISTOGRAM_AGGREGATES",
       .default_text = R"(["max","median","avg","count"])",
       .meaning = "What the wrapper datadog makes of a histogram.",
       .rule = some_of(
           Names{"avg", "count", "sum", "min", "max", "median"},
           [](Config & c) -> auto& { return c.wrapper.histogram_aggregates; })},
      {.group = aggregation,
       .name = "HISTOGRAM_PERCENTILES",
       .default_text = "[0.95]",
       .meaning = "The percentiles that the wrapper datadog makes of a histogram.",
       .rule = parsed(
           "a list of numbers greater than 0 and less than 1", percentiles,
           [](Config & c) -> auto& { return c.wrapper.histogram_percentiles; })},

      {.group = collecting,
       .name = "COLLECTOR_PLUGINS",
       .default_text = "[]",
       .meaning = "The plugins that collect metrics.",
       .rule = some_of(
           "a list of plugins' names such as [\"host\"]",
           [](const KnownNames& known) { return known.plugins; },
           [](Config & c) -> auto& { return c.collector_plugins; }),
       .second_names = {{"COLLECT_PLUGINS"}}},
      {.group = collecting,
       .name = "CAPTURE_INTERVAL",
       .default_text = "30",
       .meaning = "How often the plugins are asked.",
       .rule = whole_seconds(
           day, [](Config & c) -> auto& { return c.capture_interval; })},
      {.group = collecting,
       .name = "CHOUETTE_PLUGIN_DIR",
       .default_text = "",
       .meaning = "A folder of plugins and wrappers of your own: all its *.so files are loaded.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.plugin_dir; })},
      {.group = collecting,
       .name = "SEND_PLUGIN_METRICS",
       .default_text = "false",
       .meaning = "Whether the agent also sends how long each plugin's captures take and how many "
                  "fail: chouette.plugin.*",
       .rule = boolean([](Config & c) -> auto& { return c.send_plugin_metrics; })},
      {.group = collecting,
       .name = "HOST_PROC",
       .default_text = "/proc",
       .meaning = "Where the host's /proc is mounted in the agent's container.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.machine.proc; })},
      {.group = collecting,
       .name = "HOST_SYS",
       .default_text = "/sys",
       .meaning = "Where the host's /sys is mounted in the agent's container.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.machine.sys; })},
      {.group = collecting,
       .name = "HOST_MOUNT_PREFIX",
       .default_text = "",
       .meaning = "Where the host's / is mounted in the agent's container.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.machine.mount_prefix; })},

      {.group = redis,
       .name = "REDIS_HOST",
       .default_text = "redis",
       .meaning = "The host of Redis or Valkey.",
       .rule = parsed(
           "a host name or an IP address", values::host,
           [](Config & c) -> auto& { return c.redis.host; }),
       .shown = Shown::as_address},
      {.group = redis,
       .name = "REDIS_PORT",
       .default_text = "6379",
       .meaning = "Its port; also tcp://ADDRESS:PORT, as Kubernetes and Docker set it for a "
                  "service named redis.",
       .rule = parsed(
           "a port, 1 to 65535", values::port, [](Config & c) -> auto& { return c.redis.port; }),
       .shown = Shown::as_address},
      {.group = redis,
       .name = "REDIS_SOCKET",
       .default_text = "",
       .meaning = "The path of its unix socket; takes the place of host and port.",
       .rule = path(
           longest_socket_path, [](Config & c) -> auto& { return c.redis.socket; })},
      {.group = redis,
       .name = "REDIS_USERNAME",
       .default_text = "",
       .meaning = "The user to sign in as, together with REDIS_PASSWORD.",
       .rule = parsed(
           "one line of at most " + std::to_string(longest_name) + " bytes",
           [](std::string_view text) { return values::line(text, longest_name); },
           [](Config & c) -> auto& { return c.redis.username; })},
      {.group = redis,
       .name = "REDIS_PASSWORD",
       .default_text = "",
       .meaning = "The password to sign in with. Not set: no sign-in.",
       .rule = parsed(
           "a password", password, [](Config & c) -> auto& { return c.redis.password; }),
       .shown = Shown::never},
      {.group = redis,
       .name = "REDIS_DB",
       .default_text = "0",
       .meaning = "The number of the database.",
       .rule = whole_number<int>(
           "a whole number", 0, std::numeric_limits<int>::max(),
           [](Config & c) -> auto& { return c.redis.db; })},
      {.group = redis,
       .name = "REDIS_TLS",
       .default_text = "false",
       .meaning = "Whether to speak TLS with it, at REDIS_PORT. Needs a build with hiredis 1.0 or "
                  "later.",
       .rule = {"true or false, 1 or 0, yes or no, on or off", put_redis_tls}},
      {.group = redis,
       .name = "REDIS_TLS_CA",
       .default_text = "",
       .meaning =
           "A PEM file of the CAs that may vouch for its certificate. Not set: the system's.",
       .rule = path(
           longest_path, [](Config & c) -> auto& { return c.redis.tls_ca; })},

      {.group = process,
       .name = "LOG_LEVEL",
       .default_text = "INFO",
       .meaning = "The least severe messages that are logged. DD_LOG_LEVEL may also be trace, warn "
                  "or off: DEBUG, WARNING, CRITICAL.",
       .rule = one_of(
           Names{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"},
           [](Config & c) -> auto& { return c.log_level; }),
       .second_names = {{"DD_LOG_LEVEL", from_datadog_log_level}},
       .may_change = true},
      {.group = process,
       .name = "HTTP_LISTEN",
       .default_text = "[]",
       .meaning = "Where the agent tells how it is: /live, /ready, /status and /metrics by HTTP. "
                  "Under systemd also on the socket http.sock in its runtime directory.",
       .rule = parsed(
           "a list of addresses such as 127.0.0.1:8127, [::1]:8127, :8127 or unix:/run/a.sock",
           listen_addresses, [](Config & c) -> auto& { return c.http_listen; })},
      {.group = process,
       .name = "CHOUETTE_STORAGE_TYPE",
       .default_text = "redis",
       .meaning = "Where metrics and logs are queued.",
       .rule = {"redis",
                [](std::string_view text, const KnownNames&, Config&) -> std::optional<Problem> {
                  if (find_name({"redis"}, values::trimmed(text))) return std::nullopt;
                  return Problem{"is not known", {}};
                }}},
  };
  const auto of_plugins = plugin_settings();
  const auto first_of_redis =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.group == redis; });
  table.insert(first_of_redis, of_plugins.begin(), of_plugins.end());
  return table;
}

}  // namespace

const std::vector<Setting>& settings_table() {
  static const std::vector<Setting> table = make_table();
  return table;
}

std::vector<std::string> names_of(const Setting& setting) {
  std::vector<std::string> names{std::string(setting.name)};
  if (setting.takes_file()) names.push_back(names.front() + "_FILE");
  for (const auto& second : setting.second_names) names.emplace_back(second.name);
  return names;
}

}  // namespace chouette
