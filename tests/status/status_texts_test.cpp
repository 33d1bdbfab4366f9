#include "status/status_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace chouette {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr double told_at = 1795416000;

/// An agent at work with whom all is well.
Status good() {
  Status status;
  status.version = "1.2.3";
  status.time = told_at;
  status.uptime = 12600;
  status.actors = {{"Redis actor", 2, 120}, {"aggregator", 2, 120}};
  status.redis = {true, ""};
  status.queues = {{"raw metrics", 1234, told_at - 4},
                   {"points", 0, std::nullopt},
                   {"logs", 12, told_at - 30},
                   {"refused metrics", 0, std::nullopt},
                   {"refused logs", 0, std::nullopt}};
  status.deliveries = {{.kind = "metrics",
                        .last_release = told_at - 12,
                        .next_release = told_at + 48,
                        .last_success = told_at - 12,
                        .last_answer = "HTTP 202",
                        .delivered = 1234567,
                        .bytes = 61728},
                       {.kind = "logs", .next_release = told_at + 48}};
  status.key = KeyStatus::accepted;
  status.clock_offset = 0.2;
  status.plugins = {
      {.name = "host", .last_success = told_at - 5, .duration = 0.0021, .captures = 420}};
  return status;
}

/// The same when nothing goes well.
Status bad() {
  auto status = good();
  status.actors[1].silent = 300;
  status.redis = {false, "cannot connect to redis:6379: Connection refused"};
  status.queues[0] = {"raw metrics", std::nullopt, std::nullopt};
  status.queues[1] = {"points", 1000000, told_at - 7200};
  status.queues[3] = {"refused metrics", 3, told_at - 86400};
  status.deliveries[0].failing = true;
  status.deliveries[0].last_answer = "HTTP 403: {\"errors\":[\"Forbidden\"]}";
  status.key = KeyStatus::refused;
  status.clock_offset = -4000;
  status.plugins[0].faults = {
      "fs: /mnt/" + std::string(100, 'x') + "\xc3\xa4: Input/output error",
      "k8s: answered 403: the account lacks the right to get nodes/stats; see "
      "the README of the plugin"};
  status.plugins[0].last_failure = told_at - 5;
  status.plugins[0].failures = 7;
  status.lost_metrics = {12, 3, 0, 0, 0};
  return status;
}

TEST(StatusJson, HoldsWhatIsKnownAndNullForWhatIsNot) {
  const auto json = nlohmann::json::parse(to_json(good()));
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["time"], told_at);
  EXPECT_EQ(json["alive"], true);
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["redis"]["error"], nullptr);
  EXPECT_EQ(json["queues"][0]["name"], "raw metrics");
  EXPECT_EQ(json["queues"][0]["records"], 1234);
  EXPECT_EQ(json["queues"][1]["oldest"], nullptr);
  EXPECT_EQ(json["deliveries"][0]["delivered"], 1234567);
  EXPECT_EQ(json["deliveries"][1]["last_success"], nullptr);
  EXPECT_EQ(json["api_key"], "accepted");
  EXPECT_EQ(json["plugins"][0]["duration_seconds"], 0.0021);
  EXPECT_EQ(json["plugins"][0]["faults"], nlohmann::json::array());
  EXPECT_EQ(json["lost"]["metrics"]["expired"], 0);
}

TEST(StatusJson, SaysWhatIsNotWell) {
  const auto json = nlohmann::json::parse(to_json(bad()));
  EXPECT_EQ(json["alive"], false);
  EXPECT_EQ(json["ready"], false);
  EXPECT_EQ(json["actors"][1]["alive"], false);
  EXPECT_EQ(json["api_key"], "refused");
  EXPECT_EQ(json["lost"]["metrics"]["malformed"], 3);
}

TEST(StatusJson, IsReadBackAsItWas) {
  for (const auto& status : {good(), bad(), Status{}}) {
    const auto json = to_json(status);
    const auto read = status_from_json(json);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(to_json(*read), json);
    EXPECT_EQ(to_text(*read), to_text(status));
  }
}

TEST(StatusJson, OfAnotherVersionIsReadAsFarAsItIsKnown) {
  const auto read =
      status_from_json(R"({"version":"9","new":{},"queues":[{"name":"points","records":"many"},7],)"
                       R"("redis":[],"plugins":"none","uptime_seconds":null})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, "9");
  ASSERT_EQ(read->queues.size(), 2U);
  EXPECT_EQ(read->queues[0].name, "points");
  EXPECT_FALSE(read->queues[0].depth);
  EXPECT_FALSE(read->redis.reachable);
}

TEST(StatusJson, IsNotReadFromAnythingElse) {
  for (const auto* const text : {"", "[]", "null", "{", "<html>", "7"}) {
    EXPECT_FALSE(status_from_json(text)) << text;
  }
}

TEST(StatusText, SaysThatAClockThatIsNotSetHoldsUpAll) {
  auto status = good();
  status.time = 100;
  const auto text = to_text(status);
  EXPECT_THAT(text, HasSubstr("see the lines marked !"));
  EXPECT_THAT(text, HasSubstr("! Clock    is not set: nothing is sent until it is"));
}

TEST(StatusText, FitsATerminalOf80Columns) {
  for (const auto& status : {good(), bad(), Status{}}) {
    std::istringstream lines(to_text(status));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80U) << line;
    }
  }
}

TEST(StatusText, SaysAtTheTopWhetherAllIsWell) {
  EXPECT_THAT(to_text(good()), StartsWith("chouette-iot 1.2.3, up 3.5 h: all is well\n"));
  EXPECT_THAT(to_text(good()), Not(HasSubstr("!")));
  EXPECT_THAT(to_text(bad()), StartsWith("chouette-iot 1.2.3, up 3.5 h: see the lines marked !\n"));
}

TEST(StatusText, MarksWhatIsNotWell) {
  const auto text = to_text(bad());
  EXPECT_THAT(text, AllOf(HasSubstr("! Actors   the aggregator has not answered for 5 min"),
                          HasSubstr("! Redis    cannot connect to redis:6379: Connection refused"),
                          HasSubstr("! Queues   raw metrics      not known"),
                          HasSubstr("points           1,000,000   oldest: 2.0 h"),
                          HasSubstr("refused metrics          3   see: chouette-iot rejected"),
                          HasSubstr("the intake says: HTTP 403"), HasSubstr("! API key  refused"),
                          HasSubstr("66 min ahead of the intake's"),
                          HasSubstr("  Lost     metrics: 12 expired, 3 malformed")));
}

TEST(StatusText, ShowsTheWholeOfAFault) {
  const auto text = to_text(bad());
  EXPECT_THAT(text, HasSubstr("lacks the right to get nodes/stats;\n"));
  EXPECT_THAT(text, HasSubstr("!            see the README of the plugin\n"));
  EXPECT_THAT(text, HasSubstr("Input/output error\n"));
}

TEST(StatusText, MarksLogsAsOldLaterThanPoints) {
  auto status = good();
  status.queues[2].oldest = told_at - 7200;
  EXPECT_THAT(to_text(status), HasSubstr("all is well"));
  status.queues[2].oldest = told_at - 70000;
  EXPECT_THAT(to_text(status), Not(HasSubstr("all is well")));
}

TEST(StatusText, SaysOfAnAgentThatHasJustBegunThatNothingIsKnownYet) {
  Status status;
  status.version = "1";
  status.time = told_at;
  status.redis.reachable = true;
  status.deliveries = {{.kind = "metrics", .next_release = told_at + 60}};
  status.plugins = {{.name = "host"}};
  const auto text = to_text(status);
  EXPECT_THAT(text, AllOf(HasSubstr("nothing sent yet, next release in 60 s"),
                          HasSubstr("host        not asked yet"), HasSubstr("all is well")));
}

TEST(StatusPrometheus, HasOneTypeForEachNameAndItsSamplesBelowIt) {
  for (const auto& status : {good(), bad()}) {
    std::istringstream lines(to_prometheus(status));
    std::set<std::string> seen;
    std::string family;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) {
        family = line.substr(7, line.find(' ', 7) - 7);
        EXPECT_TRUE(seen.insert(family).second) << family;
      } else if (!line.starts_with('#')) {
        EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family);
      }
    }
    EXPECT_GE(seen.size(), 15U);
  }
}

TEST(StatusPrometheus, EscapesLabels) {
  Status status;
  status.plugins = {{.name = "a\"b\\c\nd", .captures = 1}};
  EXPECT_THAT(to_prometheus(status),
              HasSubstr(R"(chouette_plugin_captures_total{plugin="a\"b\\c\nd"} 1)"));
}

TEST(StatusPrometheus, LeavesOutWhatIsNotKnown) {
  Status status;
  status.queues = {{"points", std::nullopt, std::nullopt}};
  EXPECT_THAT(to_prometheus(status), Not(HasSubstr("chouette_queue_records{")));
  EXPECT_THAT(to_prometheus(status), Not(HasSubstr("\nchouette_clock_offset_seconds ")));
  EXPECT_THAT(to_prometheus(good()),
              HasSubstr("chouette_queue_records{queue=\"raw metrics\"} 1234"));
}

}  // namespace
}  // namespace chouette
