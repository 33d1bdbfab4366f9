#include "commands/check_redis.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace chouette {
namespace {

/// What a good server answers, with other values for some names.
RedisFacts facts(const std::map<std::string, std::string>& others = {},
                 std::optional<std::string> save = "") {
  std::map<std::string, std::string> fields{{"redis_version", "7.0.15"},
                                            {"role", "master"},
                                            {"used_memory", "1048576"},
                                            {"total_system_memory", "1073741824"},
                                            {"maxmemory", "67108864"},
                                            {"maxmemory_policy", "noeviction"},
                                            {"aof_enabled", "1"},
                                            {"aof_last_write_status", "ok"},
                                            {"rdb_last_bgsave_status", "ok"},
                                            {"cluster_enabled", "0"}};
  for (const auto& [name, value] : others) fields[name] = value;
  std::string info = "# Server\r\n";
  for (const auto& [name, value] : fields) {
    if (!value.empty()) info.append(name).append(":").append(value).append("\r\n");
  }
  return {info, std::move(save), {}};
}

Findings judged(const RedisFacts& facts) {
  return judge_server(facts, "redis:6379");
}

/// The finding with `part` in its text; a failed one without text if there is none.
Finding with(const Findings& findings, std::string_view part) {
  const auto found = std::find_if(findings.begin(), findings.end(), [part](const Finding& finding) {
    return finding.text.find(part) != std::string::npos;
  });
  return found == findings.end() ? Finding{Level::failed, "none", ""} : *found;
}

Level worst(const Findings& findings) {
  Level level = Level::ok;
  for (const auto& finding : findings) level = std::max(level, finding.level);
  return level;
}

TEST(RedisInfo, IsReadLineByLine) {
  const auto info =
      read_info("# Server\r\nredis_version:7.0.15\r\n\r\nos:Linux 6:1\nempty:\r\nodd");
  EXPECT_EQ(info.size(), 3U);
  EXPECT_EQ(info.at("redis_version"), "7.0.15");
  EXPECT_EQ(info.at("os"), "Linux 6:1");
  EXPECT_EQ(info.at("empty"), "");
  EXPECT_TRUE(read_info("").empty());
  EXPECT_TRUE(read_info("\r\n\n:\n:x\n#a:b").empty());
}

TEST(RedisCheck, TakesAnyTextForAnAnswer) {
  const auto good = *facts().info;
  for (std::size_t length = 0; length <= good.size(); ++length) {
    auto shorter = facts();
    shorter.info = good.substr(0, length);
    EXPECT_GE(judged(shorter).size(), 4U);
  }
}

TEST(RedisCheck, IsContentWithAGoodServer) {
  const auto findings = judged(facts());
  EXPECT_EQ(worst(findings), Level::ok);
  EXPECT_EQ(findings.front().text, "Redis 7.0.15 answers at redis:6379");
  EXPECT_EQ(with(findings, "memory: ").text, "memory: 1.0 MiB of 64.0 MiB in use");
}

TEST(RedisCheck, RefusesVersionsBeforeFour) {
  EXPECT_EQ(with(judged(facts({{"redis_version", "3.2.12"}})), "Redis 3.2.12").level,
            Level::failed);
  EXPECT_EQ(with(judged(facts({{"redis_version", "4.0.0"}})), "Redis 4.0.0").level, Level::ok);
  EXPECT_EQ(with(judged(facts({{"redis_version", "10.0"}})), "Redis 10.0").level, Level::ok);
  EXPECT_EQ(with(judged(facts({{"redis_version", "new"}})), "version is not known").level,
            Level::ok);
}

TEST(RedisCheck, NamesValkeyByItsOwnVersion) {
  EXPECT_EQ(judged(facts({{"valkey_version", "8.0.1"}, {"redis_version", "7.2.4"}})).front().text,
            "Valkey 8.0.1 answers at redis:6379");
}

TEST(RedisCheck, WarnsOfPoliciesThatThrowAway) {
  const auto volatile_policy =
      with(judged(facts({{"maxmemory_policy", "volatile-lru"}})), "volatile-lru");
  EXPECT_EQ(volatile_policy.level, Level::warning);
  EXPECT_NE(volatile_policy.advice.find("noeviction"), std::string::npos);
  const auto all = with(judged(facts({{"maxmemory_policy", "allkeys-lru"}})), "allkeys-lru");
  EXPECT_EQ(all.level, Level::warning);
  EXPECT_NE(all.advice.find("whole queues"), std::string::npos);
}

TEST(RedisCheck, WarnsOfNoLimitOnSmallDevicesOnly) {
  EXPECT_EQ(with(judged(facts({{"maxmemory", "0"}})), "no limit").level, Level::warning);
  EXPECT_EQ(
      with(judged(facts({{"maxmemory", "0"}, {"total_system_memory", "17179869184"}})), "no limit")
          .level,
      Level::ok);
  EXPECT_EQ(
      with(judged(facts({{"maxmemory", "0"}, {"total_system_memory", ""}})), "no limit").level,
      Level::ok);
}

TEST(RedisCheck, WarnsWhenMemoryIsNearlyFull) {
  EXPECT_EQ(with(judged(facts({{"used_memory", "67000000"}})), "memory: ").level, Level::warning);
  EXPECT_EQ(with(judged(facts({{"used_memory", "99999999999999999999999"}})), "memory: ").text,
            "memory: not known");
}

TEST(RedisCheck, WarnsWhenNothingIsKeptOnDisk) {
  EXPECT_EQ(with(judged(facts({{"aof_enabled", "0"}})), "nothing").level, Level::warning);
  EXPECT_EQ(with(judged(facts({{"aof_enabled", "0"}}, "3600 1 300 100")), "snapshots only").level,
            Level::ok);
  EXPECT_EQ(with(judged(facts({{"aof_enabled", "1"}}, std::nullopt)), "append-only").level,
            Level::ok);
}

TEST(RedisCheck, SaysNotKnownWhereAManagedServerDoesNotTell) {
  EXPECT_EQ(with(judged(facts({{"aof_enabled", "0"}}, std::nullopt)), "kept on disk").text,
            "kept on disk: not known");
  const auto silent = judged({std::nullopt, std::nullopt, {}});
  EXPECT_EQ(worst(silent), Level::ok);
  EXPECT_EQ(with(silent, "maxmemory-policy").text, "maxmemory-policy: not known");
  EXPECT_EQ(with(silent, "kept on disk").text, "kept on disk: not known");
}

TEST(RedisCheck, SaysWhatMakesRedisRefuseRecords) {
  const auto replica =
      with(judged(facts({{"role", "slave"}, {"master_host", "10.0.0.1"}, {"master_port", "6379"}})),
           "replica");
  EXPECT_EQ(replica.level, Level::failed);
  EXPECT_NE(replica.advice.find("10.0.0.1:6379"), std::string::npos);
  EXPECT_EQ(with(judged(facts({{"cluster_enabled", "1"}})), "cluster").level, Level::failed);
  EXPECT_EQ(with(judged(facts({{"aof_last_write_status", "err"}})), "append-only file, and").level,
            Level::failed);
  EXPECT_EQ(with(judged(facts({{"rdb_last_bgsave_status", "err"}})), "last snapshot failed").level,
            Level::warning);
}

TEST(RedisCheck, NamesKeysOfAnotherType) {
  EXPECT_TRUE(judge_types({{},
                           {},
                           {{"chouette:metrics:raw.keys", "zset"},
                            {"chouette:metrics:raw.values", "none"},
                            {"chouette:logs:wrapped.values", "hash"}}})
                  .empty());
  const auto findings = judge_types({{},
                                     {},
                                     {{"chouette:metrics:raw.keys", "string"},
                                      {"chouette:logs:rejected.values", "zset"},
                                      {"chouette:metrics:raw.taken.keys", "hash"},
                                      {"chouette:metrics:raw.taken.values", "list"},
                                      {"chouette:metrics:raw.taken.until", "set"}}});
  ASSERT_EQ(findings.size(), 5U);
  EXPECT_EQ(findings[0].text, "chouette:metrics:raw.keys holds a string instead of a zset");
  EXPECT_EQ(findings[1].text, "chouette:logs:rejected.values holds a zset instead of a hash");
  EXPECT_EQ(findings[2].text, "chouette:metrics:raw.taken.keys holds a hash instead of a zset");
  EXPECT_EQ(findings[3].text, "chouette:metrics:raw.taken.values holds a list instead of a hash");
  EXPECT_EQ(findings[4].text, "chouette:metrics:raw.taken.until holds a set instead of a string");
  EXPECT_EQ(worst(findings), Level::failed);
}

TEST(RedisCheck, AdvisesByWhatRedisAnswers) {
  const auto advice = [](QueueErrc code, const std::string& text) {
    const auto finding = judge_error({code, text});
    EXPECT_EQ(finding.level, Level::failed);
    EXPECT_EQ(finding.text, text);
    return finding.advice;
  };
  using enum QueueErrc;
  EXPECT_NE(advice(unreachable, "no connection").find("REDIS_HOST"), std::string::npos);
  for (const auto* text :
       {"Redis answers: WRONGPASS invalid username-password pair",
        "Redis answers: NOAUTH Authentication required.", "Redis answers: ERR invalid password"}) {
    EXPECT_NE(advice(refused, text).find("REDIS_PASSWORD"), std::string::npos) << text;
  }
  EXPECT_NE(advice(refused, "Redis answers: NOPERM this user").find("ACL"), std::string::npos);
  EXPECT_NE(advice(refused, "Redis answers: ERR DB index is out of range").find("REDIS_DB"),
            std::string::npos);
  EXPECT_NE(advice(refused, "Redis answers: LOADING Redis is").find("try again"),
            std::string::npos);
  EXPECT_NE(advice(refused, "Redis answers: DENIED Redis is").find("protected-mode"),
            std::string::npos);
  EXPECT_NE(advice(refused, "Redis answers: ERR odd").find("log"), std::string::npos);
}

TEST(RedisCheck, AdvisesWhatToDoAboutTls) {
  const std::map<std::string, std::string> advices{
      {"REDIS_TLS_CA /ca.pem cannot be read: Permission denied", "may read"},
      {"its certificate is not trusted: self-signed certificate", "REDIS_TLS_CA"},
      {"its certificate is not for redis", "REDIS_HOST"},
      {"its certificate has expired", "tls-cert-file"},
      {"its certificate is not valid yet by this device's clock", "clock"},
      {"no answer to the TLS handshake in time", "tls-port"},
      {"its answer is not TLS", "tls-port"}};
  for (const auto& [reason, part] : advices) {
    const auto text = "no connection to Redis at redis:6380 over TLS: " + reason;
    EXPECT_NE(judge_error({QueueErrc::unreachable, text}).advice.find(part), std::string::npos)
        << reason;
  }
  for (const auto& [reason, part] : std::map<std::string, std::string>{
           {"it asks for a client's certificate", "tls-auth-clients no"},
           {"Server closed the connection", "REDIS_TLS"}}) {
    const auto text = "the connection to Redis broke: " + reason;
    EXPECT_NE(judge_error({QueueErrc::unreachable, text}).advice.find(part), std::string::npos)
        << reason;
  }
}

TEST(RedisCheck, SaysHowMuchWaitsAndSinceWhen) {
  constexpr double now = 1795416000;
  EXPECT_EQ(judge_queue("points", {}, now).text, "points: 0");
  EXPECT_EQ(judge_queue("points", {1234, now - 45}, now).text,
            "points: 1,234, the oldest from 45 s ago");
  EXPECT_EQ(
      judge_queue("raw metrics", {1234, now - 45, 1000}, now).text,
      "raw metrics: 1,234, 1,000 of them set aside to be aggregated, the oldest from 45 s ago");
  EXPECT_EQ(judge_queue("points", {1, now + 99}, now).level, Level::ok);
  EXPECT_EQ(judge_queue("points", {1, now - 3700}, now).level, Level::warning);
  EXPECT_EQ(judge_queue("logs", {1, now - 3700}, now).level, Level::ok);
  EXPECT_EQ(judge_queue("logs", {1, now - 70000}, now).level, Level::warning);
  EXPECT_EQ(judge_queue("points", {1, -1e300}, now).text, "points: 1");
  EXPECT_EQ(judge_queue("refused logs", {0, {}}, now).level, Level::ok);
  const auto refused = judge_queue("refused logs", {3, now}, now);
  EXPECT_EQ(refused.level, Level::warning);
  EXPECT_NE(refused.advice.find("chouette-iot rejected"), std::string::npos);
}

}  // namespace
}  // namespace chouette
