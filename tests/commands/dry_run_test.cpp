#include "commands/dry_run.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "commands/series_lines.hpp"
#include "metrics/taken_seconds.hpp"
#include "metrics/wrappers.hpp"
#include "queue/memory_queue.hpp"

namespace chouette {
namespace {

using nlohmann::json;

constexpr double now = 1795416005.5;
constexpr std::int64_t closed_bucket = 1795415990;

std::string raw(double timestamp, double value) {
  return json{{"metric", "hits"}, {"type", "count"}, {"value", value}, {"timestamp", timestamp}}
      .dump();
}

std::string point(const std::string& name, std::int64_t timestamp) {
  return json{{"metric", name}, {"type", "gauge"}, {"points", {{timestamp, 1}}}}.dump();
}

class DryRunOfQueues : public ::testing::Test {
protected:
  DryRunOfQueues() {
    config_.metrics_bulk_size = 100;
    config_.metric_ttl = std::chrono::seconds{3600};
    config_.wrapper.interval = std::chrono::seconds{10};
    config_.global_tags = {"site:shed"};
    config_.host = "pi";
    wrapper_ = make_wrapper("datadog", config_.wrapper);
  }

  void store(QueueName queue, double timestamp, const std::string& value) {
    ASSERT_TRUE(queue_.store(queue, {{"k" + std::to_string(++records_), timestamp, value}}));
  }

  DryRun make_run() { return {queue_, config_, *wrapper_, now, notes_}; }

  static json printed(DryRun& run) {
    std::ostringstream out;
    run.print(out);
    return json::parse(out.str()).at("series");
  }

  Config config_;
  std::unique_ptr<Wrapper> wrapper_;
  MemoryQueue queue_;
  std::ostringstream notes_;
  int records_ = 0;
};

TEST_F(DryRunOfQueues, PrintsWhatWaitsWithGlobalTagsAndHost) {
  store(wrapped_metrics, now - 20, point("load", 1795415985));
  auto run = make_run();
  EXPECT_TRUE(run.add_wrapped());
  const auto series = printed(run);
  ASSERT_EQ(series.size(), 1U);
  EXPECT_EQ(series[0]["metric"], "load");
  EXPECT_EQ(series[0]["tags"], json({"site:shed"}));
  EXPECT_EQ(series[0]["host"], "pi");
  EXPECT_EQ(series[0]["points"], json::parse("[[1795415985,1]]"));
}

TEST_F(DryRunOfQueues, AggregatesClosedBucketsAndLeavesOpenOnes) {
  store(raw_metrics, closed_bucket + 1, raw(closed_bucket + 1, 2));
  store(raw_metrics, closed_bucket + 3, raw(closed_bucket + 3, 3));
  store(raw_metrics, closed_bucket - 8, raw(closed_bucket - 8, 7));
  store(raw_metrics, now - 1, raw(now - 1, 100));
  store(raw_metrics, closed_bucket, "not JSON");
  auto run = make_run();
  EXPECT_TRUE(run.add_raw());
  const auto series = printed(run);
  ASSERT_EQ(series.size(), 1U);
  EXPECT_EQ(series[0]["points"], json({{closed_bucket - 8, 7}, {closed_bucket + 1, 5}}));
  EXPECT_NE(notes_.str().find("4 records of 5 in 2 closed buckets gave 2 points, 1 cannot be used; "
                              "left out: 1,"),
            std::string::npos)
      << notes_.str();
}

TEST_F(DryRunOfQueues, AggregatesWhatIsSetAsideToo) {
  store(raw_taken, closed_bucket + 1, raw(closed_bucket + 1, 2));
  store(raw_taken, closed_bucket - 8, raw(closed_bucket - 8, 7));
  store(raw_taken, now - 1, raw(now - 1, 100));
  store(raw_metrics, closed_bucket + 1, raw(closed_bucket + 1, 3));
  auto run = make_run();
  EXPECT_TRUE(run.add_raw());
  EXPECT_EQ(printed(run)[0]["points"],
            json({{closed_bucket - 8, 7}, {closed_bucket + 1, 2}, {closed_bucket + 2, 3}}));
  EXPECT_NE(notes_.str().find("3 records of 4 in 2 closed buckets gave 3 points; set aside to be "
                              "aggregated: 2; left out: 1,"),
            std::string::npos)
      << notes_.str();
}

TEST_F(DryRunOfQueues, GivesLatePointsASecondOfTheirOwn) {
  store(raw_metrics, closed_bucket, raw(closed_bucket, 2));
  auto first = make_run();
  EXPECT_TRUE(first.add_raw());
  TakenSeconds taken({closed_bucket, closed_bucket + 10}, config_.wrapper.interval);
  taken.load(closed_bucket, {});
  std::vector<WrappedMetric> sent{
      {.name = "hits", .type = SeriesType::count, .timestamp = closed_bucket, .value = 9}};
  ASSERT_FALSE(taken.place(sent));
  ASSERT_TRUE(queue_.replace(raw_metrics, {}, wrapped_metrics, {{}, taken.taken()}));
  auto second = make_run();
  EXPECT_TRUE(second.add_raw());
  EXPECT_EQ(printed(first)[0]["points"][0][0], closed_bucket);
  EXPECT_EQ(printed(second)[0]["points"][0][0], closed_bucket + 1);
}

TEST_F(DryRunOfQueues, ReadsNoMoreThanItsBounds) {
  config_.metrics_bulk_size = 3;
  for (int i = 0; i < 10; ++i) {
    store(wrapped_metrics, now - 100 + i, point("load", 1795415905 + i));
    store(raw_metrics, now - 200 + i * 10, raw(now - 200 + i * 10, 1));
  }
  std::size_t fetched = 0;
  queue_.on_call = [&](std::string_view call) { fetched += call == "fetch" ? 1 : 0; };
  auto run = make_run();
  EXPECT_TRUE(run.add_wrapped());
  EXPECT_TRUE(run.add_raw(4));
  EXPECT_EQ(fetched, 5U);
  const auto series = printed(run);
  EXPECT_EQ(series[0]["points"].size(), 3U);
  EXPECT_EQ(series[0]["points"][0][0], 1795415905) << "the oldest come first";
  EXPECT_EQ(series[1]["points"].size(), 4U);
  EXPECT_NE(notes_.str().find("left out: 7, expired or beyond METRICS_BULK_SIZE"),
            std::string::npos)
      << notes_.str();
  EXPECT_NE(notes_.str().find("beyond 4"), std::string::npos) << notes_.str();
}

TEST_F(DryRunOfQueues, LeavesOutWhatExpires) {
  store(wrapped_metrics, now - 3601, point("old", 1795412400));
  store(raw_metrics, now - 3601, raw(now - 3601, 1));
  auto run = make_run();
  EXPECT_TRUE(run.add_wrapped());
  EXPECT_TRUE(run.add_raw());
  EXPECT_TRUE(printed(run).empty());
}

TEST_F(DryRunOfQueues, AddsWhatPluginsGave) {
  PluginAnswer good{"host"};
  good.capture.metrics = {{.name = "load", .timestamp = 1795416005, .value = 2},
                          {.name = "", .value = 1},
                          {.name = "odd", .value = 0.0 / 0.0}};
  good.capture.faults = {"no /proc/stat"};
  PluginAnswer bad{"docker"};
  bad.failure = "no answer within 30 s";
  auto run = make_run();
  run.add({good, bad});
  const auto series = printed(run);
  ASSERT_EQ(series.size(), 1U);
  EXPECT_EQ(series[0]["metric"], "load");
  EXPECT_NE(notes_.str().find("Plugin host: 1 point\nPlugin host: fault: no /proc/stat\n"
                              "Plugin docker: no answer within 30 s\n"),
            std::string::npos)
      << notes_.str();
}

TEST_F(DryRunOfQueues, ChangesNothingAndFailsAtEachCallThatFails) {
  store(wrapped_metrics, now - 20, point("load", 1795415985));
  store(raw_metrics, closed_bucket, raw(closed_bucket, 2));
  std::vector<std::string> calls;
  queue_.on_call = [&](std::string_view call) { calls.emplace_back(call); };
  auto good = make_run();
  EXPECT_TRUE(good.add_wrapped() && good.add_raw());
  for (const auto& call : calls) {
    EXPECT_TRUE(call == "size" || call == "list" || call == "fetch" || call == "oldest" ||
                call == "seconds_taken")
        << call;
  }
  for (std::size_t fails = 0; fails < calls.size(); ++fails) {
    std::size_t n = 0;
    queue_.on_call = [&](std::string_view) {
      queue_.failure = n++ == fails
                           ? std::optional(QueueError{QueueErrc::unreachable, "Redis is away"})
                           : std::nullopt;
    };
    notes_.str("");
    auto run = make_run();
    EXPECT_FALSE(run.add_wrapped() && run.add_raw()) << fails;
    EXPECT_NE(notes_.str().find("Redis is away"), std::string::npos);
  }
}

TEST_F(DryRunOfQueues, PrintsAnEmptyPayload) {
  auto run = make_run();
  std::ostringstream out;
  run.print(out);
  EXPECT_EQ(out.str(), "{\"series\":[\n]}\n");
}

TEST(SeriesLines, BreaksBetweenSeries) {
  const std::string payload =
      R"({"series":[{"metric":"a","tags":["x:]}{","\"[{\\"],"points":[[1,2],[3,4]]},{"metric":"b"}]})";
  const std::string lines =
      "{\"series\":[\n"
      "  {\"metric\":\"a\",\"tags\":[\"x:]}{\",\"\\\"[{\\\\\"],\"points\":[[1,2],[3,4]]},\n"
      "  {\"metric\":\"b\"}\n"
      "]}\n";
  EXPECT_EQ(with_line_breaks(payload), lines);
}

}  // namespace
}  // namespace chouette
