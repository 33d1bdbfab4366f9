#include "commands/check_redis.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "logging/fault.hpp"
#include "queue/named_queues.hpp"
#include "queue/oldest_waiting.hpp"
#include "queue/redis_queue.hpp"
#include "queue/redis_transaction.hpp"

namespace chouette {
namespace {

using Info = std::map<std::string, std::string, std::less<>>;

constexpr auto subject = "Redis";
constexpr std::chrono::milliseconds timeout{2000};
constexpr std::uint64_t oldest_version = 4;
/// With less memory than this, a Redis without a bound of its own may take all of it.
constexpr std::uint64_t small_device = 4ULL * 1024 * 1024 * 1024;
constexpr double nearly_full = 0.9;
/// Datadog drops older points and logs without a word.
constexpr double oldest_metric = 3600;
constexpr double oldest_log = 18.0 * 3600;

bool is_refused(std::string_view what) {
  return what.starts_with("refused");
}

std::string value_of(const Info& info, std::string_view name) {
  const auto found = info.find(name);
  return found == info.end() ? "" : found->second;
}

std::optional<std::uint64_t> number_of(const Info& info, std::string_view name) {
  const auto text = value_of(info, name);
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

Finding judge_version(const Info& info, const std::string& place) {
  const auto version = value_of(info, "redis_version");
  const auto valkey = value_of(info, "valkey_version");
  const auto shown = valkey.empty() ? "Redis " + version : "Valkey " + valkey;
  std::uint64_t major = 0;
  const auto read = std::from_chars(version.data(), version.data() + version.size(), major);
  if (read.ec != std::errc()) {
    return {Level::ok, subject, "answers at " + place + ", its version is not known"};
  }
  if (major < oldest_version) {
    return {Level::failed, subject, shown + " at " + place + " is too old",
            "The agent needs Redis 4.0 or newer, or Valkey."};
  }
  return {Level::ok, subject, shown + " answers at " + place};
}

/// What makes Redis refuse to write, or its cluster to take the agent's transactions.
void add_refusals(const Info& info, Findings& findings) {
  const auto fail = [&](std::string text, std::string advice) {
    findings.push_back({Level::failed, subject, std::move(text), std::move(advice)});
  };
  if (value_of(info, "role") == "slave") {
    fail("it is a replica, which takes no records",
         "Set REDIS_HOST and REDIS_PORT to its master: " + value_of(info, "master_host") + ':' +
             value_of(info, "master_port") + '.');
  }
  if (value_of(info, "cluster_enabled") == "1") {
    fail("it is part of a cluster, which refuses transactions over several keys",
         "Use a Redis of its own, without cluster-enabled.");
  }
  if (value_of(info, "aof_last_write_status") == "err") {
    fail("it cannot write its append-only file, and so refuses all records",
         "See Redis's log: most often the disk is full or read-only.");
  }
  if (value_of(info, "rdb_last_bgsave_status") == "err") {
    findings.push_back({Level::warning, subject,
                        "its last snapshot failed; by default it then refuses all records",
                        "See Redis's log: the disk may be full or read-only, or memory short."});
  }
}

Finding judge_memory(const Info& info) {
  const auto limit = number_of(info, "maxmemory");
  const auto used = number_of(info, "used_memory");
  if (!limit || !used) return {Level::ok, subject, "memory: not known"};
  const auto total = number_of(info, "total_system_memory");
  if (*limit == 0) {
    auto text = "memory: " + mebibytes(*used) + " in use, no limit";
    if (!total || *total > small_device) return {Level::ok, subject, std::move(text)};
    return {Level::warning, subject, text + " on a device of " + mebibytes(*total),
            "While the link is down Redis may grow until the kernel ends it or others. Set "
            "maxmemory in redis.conf, e.g. 64mb; then it refuses what does not fit."};
  }
  const auto text = "memory: " + mebibytes(*used) + " of " + mebibytes(*limit) + " in use";
  if (static_cast<double>(*used) < nearly_full * static_cast<double>(*limit)) {
    return {Level::ok, subject, text};
  }
  return {Level::warning, subject, text,
          "Redis will soon refuse new records. Set a larger maxmemory, or a smaller "
          "QUEUE_MAX_RECORDS or METRIC_TTL."};
}

Finding judge_policy(const Info& info) {
  const auto policy = value_of(info, "maxmemory_policy");
  if (policy.empty()) return {Level::ok, subject, "maxmemory-policy: not known"};
  auto text = "maxmemory-policy: " + policy;
  if (policy == "noeviction") return {Level::ok, subject, std::move(text)};
  const std::string repair = "Set maxmemory-policy noeviction in redis.conf.";
  if (policy.starts_with("volatile")) {
    return {Level::warning, subject, std::move(text),
            "When memory is short, Redis forgets which seconds are taken, and late points replace "
            "others. " +
                repair};
  }
  return {Level::warning, subject, std::move(text),
          "When memory is short, Redis throws away whole queues, for each is one key. " + repair};
}

Finding judge_persistence(const RedisFacts& facts, const Info& info) {
  const auto append_only = value_of(info, "aof_enabled");
  if (append_only == "1") {
    return {Level::ok, subject, "kept on disk: append-only file"};
  }
  if (facts.save && !facts.save->empty()) {
    return {Level::ok, subject,
            "kept on disk: snapshots only (save " + *facts.save +
                "); a power cut loses what came since the last"};
  }
  if (!facts.save || append_only.empty()) {
    return {Level::ok, subject, "kept on disk: not known"};
  }
  return {Level::warning, subject, "kept on disk: nothing",
          "What waits is lost when Redis restarts. Set appendonly yes and appendfsync everysec in "
          "redis.conf."};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Where it matters whether one of both sides speaks TLS; else empty.
std::string tls_advice_for(std::string_view text) {
  if (contains(text, "REDIS_TLS_CA"))
    return "Set REDIS_TLS_CA to a PEM file that the agent may read.";
  if (contains(text, "client's certificate")) {
    return "The agent has none to show: set tls-auth-clients no in redis.conf.";
  }
  if (contains(text, "certificate is not for")) {
    return "Set REDIS_HOST to a name or an address that is in Redis's certificate.";
  }
  if (contains(text, "not valid yet")) return "Wait until the clock is set, or see to it.";
  if (contains(text, "has expired")) return "Give Redis a new certificate (tls-cert-file).";
  if (contains(text, "not trusted")) {
    return "Set REDIS_TLS_CA to a PEM file with the CA of Redis's certificate.";
  }
  if (contains(text, "over TLS: no answer") || contains(text, "not TLS")) {
    return "Is REDIS_PORT Redis's tls-port? A port without TLS does not answer a handshake.";
  }
  if (contains(text, "the connection to Redis broke")) {
    return "Set REDIS_TLS to true if Redis wants TLS at this port, to false if not; else see "
           "Redis's log.";
  }
  return "";
}

std::string advice_for(const QueueError& error) {
  const auto& text = error.message;
  if (error.code == QueueErrc::unreachable) {
    if (auto advice = tls_advice_for(text); !advice.empty()) return advice;
    return "Is Redis running, and are REDIS_HOST and REDIS_PORT, or REDIS_SOCKET, right? "
           "Applications cannot store anything meanwhile.";
  }
  if (contains(text, "NOPERM")) {
    return "Allow this user's ACL the keys chouette:* and the commands that read and write sorted "
           "sets, hashes and sets, and MULTI, EXEC and WATCH.";
  }
  if (contains(text, "AUTH") || contains(text, "PASS") || contains(text, "invalid password")) {
    return "Set REDIS_PASSWORD, or REDIS_PASSWORD_FILE, and REDIS_USERNAME to what Redis expects: "
           "its requirepass, or a user of its ACL.";
  }
  if (contains(text, "DENIED")) {
    return "Redis takes only local connections (protected-mode): set a password in it, or bind "
           "it to this address.";
  }
  if (contains(text, "DB index")) return "REDIS_DB must be below Redis's setting databases.";
  if (contains(text, "LOADING")) return "It has just started: try again when it has read its file.";
  return "See Redis's log, and what REDIS_HOST and REDIS_PORT lead to.";
}

std::string place_of(const RedisSettings& settings) {
  const bool tls = settings.tls && settings.socket.empty();
  return address_of(settings) + (tls ? " over TLS" : "");
}

std::vector<TypedKey> keys_of_queues() {
  std::vector<TypedKey> keys;
  const auto add = [&](QueueName queue) {
    const auto both = typed_keys({queue});
    keys.insert(keys.end(), both.begin(), both.end());
  };
  for (const auto& [what, queue] : named_queues) {
    add(queue);
  }
  add(raw_taken);
  keys.push_back({std::string(taken_until_key), "string"});
  return keys;
}

QueueResult<Waiting> ask_what_waits(Queue& redis, QueueName queue) {
  const auto size = redis.size(queue);
  if (!size) return tl::unexpected(size.error());
  const auto oldest = oldest_waiting(redis, queue);
  if (!oldest) return tl::unexpected(oldest.error());
  if (queue != raw_metrics) return Waiting{*size, *oldest};
  return redis.size(raw_taken).map([&](std::size_t set_aside) {
    return Waiting{*size, *oldest, std::min(*size, set_aside)};
  });
}

/// The first failure ends it.
Findings check_queues(const RedisSettings& settings, double now) {
  Findings findings;
  RedisQueue redis(settings, timeout);
  for (const auto& [what, queue] : named_queues) {
    const auto waiting = ask_what_waits(redis, queue);
    if (!waiting) {
      findings.push_back(judge_error(waiting.error()));
      break;
    }
    if (waiting->records == 0 && is_refused(what)) continue;
    findings.push_back(judge_queue(what, *waiting, now));
  }
  return findings;
}

}  // namespace

std::map<std::string, std::string, std::less<>> read_info(std::string_view info) {
  Info fields;
  while (!info.empty()) {
    auto line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(line.size() + 1, info.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto colon = line.find(':');
    if (line.starts_with('#') || colon == 0 || colon == std::string_view::npos) continue;
    fields.insert_or_assign(std::string(line.substr(0, colon)),
                            std::string(line.substr(colon + 1)));
  }
  return fields;
}

Findings judge_server(const RedisFacts& facts, const std::string& place) {
  const auto info = read_info(facts.info.value_or(""));
  Findings findings{judge_version(info, place)};
  add_refusals(info, findings);
  findings.push_back(judge_memory(info));
  findings.push_back(judge_policy(info));
  findings.push_back(judge_persistence(facts, info));
  return findings;
}

Findings judge_types(const RedisFacts& facts) {
  Findings findings;
  for (const auto& [key, type] : keys_of_queues()) {
    const auto found = facts.types.find(key);
    if (found == facts.types.end() || found->second == type || found->second == "none") continue;
    findings.push_back(
        {Level::failed, "Queues",
         fmt::format("{} holds a {} instead of a {}", key, found->second, type),
         "Another program uses this key: rename it there, or set REDIS_DB to a database of the "
         "agent's and its applications' own."});
  }
  return findings;
}

Finding judge_error(const QueueError& error) {
  return {Level::failed, subject, error.message, advice_for(error)};
}

Finding judge_queue(std::string_view what, const Waiting& waiting, double now) {
  Finding finding{Level::ok, "Queues", fmt::format("{}: {}", what, grouped(waiting.records))};
  if (waiting.set_aside > 0) {
    finding.text += ", " + grouped(waiting.set_aside) + " of them set aside to be aggregated";
  }
  if (is_refused(what)) {
    if (waiting.records > 0) {
      finding.level = Level::warning;
      finding.advice = "The intake has refused these: chouette-iot rejected lists them and why.";
    }
    return finding;
  }
  if (!waiting.oldest || waiting.records == 0) return finding;
  const auto age = std::max(now - *waiting.oldest, 0.0);
  // Before 1970 and the like: not even a duration.
  constexpr double century = 100.0 * 365 * 86400;
  if (!(age < century)) return finding;
  finding.text += ", the oldest from " + to_text(std::chrono::seconds{std::llround(age)}) + " ago";
  if (age > (what == "logs" ? oldest_log : oldest_metric)) {
    finding.level = Level::warning;
    finding.advice =
        what == "logs"
            ? "Datadog drops logs older than 18 h without a word. Does the agent run, and reach "
              "the intake?"
            : "Datadog drops points older than 1 h unless Historical Metrics Ingestion is on. Does "
              "the agent run, and reach the intake?";
  }
  return finding;
}

Findings check_redis(const RedisSettings& settings, double now) {
  std::vector<std::string> keys;
  for (auto& [key, type] : keys_of_queues()) {
    keys.push_back(std::move(key));
  }
  const auto facts = read_redis_facts(settings, keys, timeout);
  if (!facts) return {judge_error(facts.error())};
  auto findings = judge_server(*facts, place_of(settings));
  const auto wrong_types = judge_types(*facts);
  const auto waiting = wrong_types.empty() ? check_queues(settings, now) : wrong_types;
  findings.insert(findings.end(), waiting.begin(), waiting.end());
  return findings;
}

}  // namespace chouette
