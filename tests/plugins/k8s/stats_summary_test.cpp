#include "k8s/stats_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/child_process.hpp"

namespace chouette {
namespace {

using ::testing::Optional;
using ::testing::SizeIs;

std::string recorded_summary() {
  return test::read_file(std::filesystem::path(CHOUETTE_FIXTURES) / "k8s/kubelet_summary.json");
}

/// What the node's usageNanoCores is read as when it stands as `json`.
std::optional<double> read_number(const std::string& json) {
  return parse_stats_summary(R"({"node":{"cpu":{"usageNanoCores":)" + json + "}}}")
      .node.cpu_nano_cores;
}

TEST(StatsSummary, ReadsARecordedAnswer) {
  const auto summary = parse_stats_summary(recorded_summary());
  EXPECT_EQ(summary.node_name, "node1");
  const KubeletUsage node{.cpu_nano_cores = 1827672457,
                          .cpu_core_nano_seconds = 3698158509005,
                          .memory_rss = 997883904,
                          .memory_usage = 4354875392,
                          .memory_available = 22663753728,
                          .memory_working_set = 2612756480,
                          .network_received = 1397518757,
                          .network_sent = 1472485,
                          .fs_available = 69753434112,
                          .fs_used = 32991846400,
                          .fs_inodes_free = 16049419};
  EXPECT_EQ(summary.node, node);
  ASSERT_THAT(summary.pods, Optional(SizeIs(1)));
  const auto& pod = summary.pods->front();
  EXPECT_EQ(pod.space, "default");
  EXPECT_EQ(pod.name, "hellocafd-node1");
  const KubeletUsage usage{.network_received = 1397518757, .network_sent = 1472485};
  EXPECT_EQ(pod.usage, usage);
}

TEST(StatsSummary, TakesNothingForJsonThatEndsTooEarly) {
  auto text = recorded_summary();
  text.erase(text.find_last_of('}') + 1);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_THROW(parse_stats_summary(text.substr(0, size)), ParseError) << size;
  }
}

TEST(StatsSummary, RefusesWhatIsNoJsonObject) {
  for (const std::string text : {"",
                                 " ",
                                 "null",
                                 "true",
                                 "1",
                                 "\"node\"",
                                 "[]",
                                 "[{}]",
                                 "{",
                                 "}",
                                 "{}x",
                                 "{}{}",
                                 "{\"node\":}",
                                 "{'node':1}",
                                 "<html></html>",
                                 "Unauthorized",
                                 "\xef\xbb\xbf{",
                                 "\x16\x03\x01",
                                 "{\"node\":\"\xff\"}",
                                 "{\"node\":\"a\nb\"}"}) {
    EXPECT_THROW(parse_stats_summary(text), ParseError) << text;
  }
  EXPECT_THROW(parse_stats_summary(std::string("{}\0", 3)), ParseError);
  EXPECT_THROW(parse_stats_summary(std::string(1'000'000, '[')), ParseError);
  EXPECT_THROW(parse_stats_summary(std::string(5000, '[') + std::string(5000, ']')), ParseError);
}

TEST(StatsSummary, QuotesNothingOfWhatItRefuses) {
  try {
    parse_stats_summary("s3cret");
    FAIL();
  } catch (const ParseError& error) {
    EXPECT_STREQ(error.what(), "not JSON");
  }
}

TEST(StatsSummary, ReadsIntegersAndFloats) {
  EXPECT_EQ(read_number("0"), 0);
  EXPECT_EQ(read_number("-0"), 0);
  EXPECT_EQ(read_number("0.0"), 0);
  EXPECT_EQ(read_number("7"), 7);
  EXPECT_EQ(read_number("1e9"), 1e9);
  EXPECT_EQ(read_number("1.5E+3"), 1500);
  EXPECT_EQ(read_number("9223372036854775807"), 9223372036854775807.0);
  EXPECT_EQ(read_number("18446744073709551615"), 18446744073709551615.0);
}

TEST(StatsSummary, LeavesOutWhatIsNoNumberOrNegative) {
  for (const auto* json : {"-1", "-1.5", "-9223372036854775808", "null", "true", "\"7\"", "[7]",
                           "{\"value\":7}", "\"NaN\""}) {
    EXPECT_EQ(read_number(json), std::nullopt) << json;
  }
}

TEST(StatsSummary, RefusesNumbersThatNoJsonHas) {
  for (const auto* json :
       {"NaN", "Infinity", "-Infinity", "1e999", "01", "+1", ".5", "1.", "0x10", "1_000"}) {
    EXPECT_THROW(read_number(json), ParseError) << json;
  }
}

TEST(StatsSummary, ReadsWhatIsThereWhereTheRestIsMissing) {
  const auto summary = parse_stats_summary(R"({"node":{"fs":{"inodesFree":5}}})");
  EXPECT_EQ(summary.node_name, "");
  EXPECT_EQ(summary.node, KubeletUsage{.fs_inodes_free = 5});
  EXPECT_EQ(summary.pods, std::nullopt);
  EXPECT_EQ(parse_stats_summary("{}").node, KubeletUsage{});
}

TEST(StatsSummary, LeavesOutPartsOfAnotherType) {
  for (const auto* part : {"null", "1", "true", "\"text\"", "[]", "[{\"inodesFree\":5}]"}) {
    const auto summary =
        parse_stats_summary(std::string(R"({"node":{"nodeName":"n","fs":)") + part + "}}");
    EXPECT_EQ(summary.node_name, "n") << part;
    EXPECT_EQ(summary.node, KubeletUsage{}) << part;
    EXPECT_EQ(parse_stats_summary(std::string(R"({"node":)") + part + "}").node_name, "") << part;
  }
}

TEST(StatsSummary, TellsNoListOfPodsFromAnEmptyOne) {
  for (const auto* text :
       {"{}", R"({"pods":{}})", R"({"pods":""})", R"({"pods":0})", R"({"pods":false})"}) {
    EXPECT_EQ(parse_stats_summary(text).pods, std::nullopt) << text;
  }
  EXPECT_THAT(parse_stats_summary(R"({"pods":[]})").pods, Optional(SizeIs(0)));
  EXPECT_THAT(parse_stats_summary(R"({"pods":null})").pods, Optional(SizeIs(0)));
}

TEST(StatsSummary, ListsPodsThatItCannotName) {
  const auto summary = parse_stats_summary(
      R"({"pods":[null,1,"x",[],{},{"podRef":null},{"podRef":{"name":7,"namespace":[]}},
                  {"podRef":{"name":"a"}},{"podRef":{"namespace":"b"}}]})");
  ASSERT_THAT(summary.pods, Optional(SizeIs(9)));
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ((*summary.pods)[i].name + (*summary.pods)[i].space, "") << i;
  }
  EXPECT_EQ((*summary.pods)[7].name, "a");
  EXPECT_EQ((*summary.pods)[8].space, "b");
}

TEST(StatsSummary, TakesTheFirstOfFieldsOfOneName) {
  EXPECT_EQ(parse_stats_summary(R"({"node":{"nodeName":"a","nodeName":"b"}})").node_name, "a");
}

TEST(StatsSummary, ReadsEscapesInNames) {
  EXPECT_EQ(parse_stats_summary(R"({"node":{"nodeName":"\u00e9\n\"\\"}})").node_name,
            "\xc3\xa9\n\"\\");
}

TEST(StatsSummary, ReadsManyPods) {
  std::string text = R"({"pods":[)";
  for (int i = 0; i < 20'000; ++i) {
    text += (i == 0 ? "" : ",");
    text += R"({"podRef":{"name":"p)" + std::to_string(i) +
            R"(","namespace":"n"},"containers":[{"name":"c","cpu":{"usageNanoCores":1}}],)" +
            R"("cpu":{"usageNanoCores":)" + std::to_string(i) + "}}";
  }
  const auto summary = parse_stats_summary(text + "]}");
  ASSERT_THAT(summary.pods, Optional(SizeIs(20'000)));
  EXPECT_EQ(summary.pods->back().name, "p19999");
  EXPECT_EQ(summary.pods->back().usage.cpu_nano_cores, 19'999);
}

}  // namespace
}  // namespace chouette
