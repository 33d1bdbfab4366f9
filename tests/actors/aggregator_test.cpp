#include "actors/aggregator.hpp"

#include <map>

#include "actor_test.hpp"
#include "metrics/wrappers.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"

namespace chouette::test {
namespace {

using nlohmann::json;

class Aggregator : public ActorTest {
protected:
  Aggregator() { start_aggregator(); }

  void start_aggregator(std::chrono::seconds interval = 10s) {
    const WrapperSettings settings{.interval = interval,
                                   .histogram_aggregates = {"max", "count"},
                                   .histogram_percentiles = {0.95}};
    spawn(aggregator, redis_,
          AggregatorSettings{.interval = interval,
                             .wrapper = make_wrapper("datadog", settings),
                             .wall = wall_clock()});
    run();
  }

  void stop_aggregator() {
    caf::anon_send_exit(actors_.back(), caf::exit_reason::kill);
    actors_.pop_back();
    run();
  }

  /// Sum over all points of a metric that wait.
  double sum_of(const std::string& metric) {
    double sum = 0;
    for (const auto& series : values(wrapped_metrics)) {
      if (series["metric"] == metric) {
        sum += series["points"][0][1].get<double>();
      }
    }
    return sum;
  }
};

TEST_F(Aggregator, TakesABucketOneSecondAfterItsEndAndNotBefore) {
  put_raw("a", "count", 1, start + 9.9);
  advance(10750ms);
  EXPECT_EQ(size(raw_metrics), 1U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  advance(500ms);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(values(wrapped_metrics),
            (std::vector<json>{json::parse(R"({"metric":"a","type":"count","tags":[],"interval":10,
                                               "points":[[1795416009,1]]})")}));
}

TEST_F(Aggregator, LeavesTheOpenBucketAlone) {
  put_raw("a", "count", 1, start + 5);
  put_raw("a", "count", 2, start + 10.5);
  advance(11500ms);
  EXPECT_EQ(size(raw_metrics), 1U);
  EXPECT_EQ(sum_of("a"), 1);
  advance(10s);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(sum_of("a"), 3);
}

TEST_F(Aggregator, MakesOnePointOfASeriesInABucketHoweverManyWindowsItsRecordsFill) {
  for (int i = 0; i < 3500; ++i) {
    put_raw("a", "count", 1, start + i % 10, json{{"k", i % 2 == 0 ? "even" : "odd"}});
  }
  advance(11500ms);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(size(wrapped_metrics), 2U);
  EXPECT_EQ(sum_of("a"), 3500);
}

TEST_F(Aggregator, WorksOffABacklogOfManyBucketsInOneRound) {
  for (int i = 0; i < 500; ++i) {
    put_raw("a", "count", 1, start - 10 * i - 5);
  }
  advance(1250ms);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(size(wrapped_metrics), 500U);
}

TEST_F(Aggregator, PutsALateMetricOnAFreeSecondOfItsBucket) {
  put_raw("a", "count", 1, start + 3);
  advance(11500ms);
  put_raw("a", "count", 2, start + 3.5);
  put_raw("a", "count", 4, start + 9);
  advance(10s);
  std::map<std::int64_t, double> points;
  for (const auto& series : values(wrapped_metrics)) {
    points[series["points"][0][0]] = series["points"][0][1];
  }
  EXPECT_EQ(points, (std::map<std::int64_t, double>{{1795416003, 1}, {1795416004, 6}}));
}

TEST_F(Aggregator, KnowsTakenSecondsAfterARestartToo) {
  put_raw("a", "count", 1, start + 3);
  advance(11500ms);
  stop_aggregator();
  start_aggregator();
  put_raw("a", "count", 2, start + 3.5);
  advance(10s);
  std::map<std::int64_t, double> points;
  for (const auto& series : values(wrapped_metrics)) {
    points[series["points"][0][0]] = series["points"][0][1];
  }
  EXPECT_EQ(points, (std::map<std::int64_t, double>{{1795416003, 1}, {1795416004, 2}}));
}

TEST_F(Aggregator, RemovesMalformedRecordsAndSaysSoOncePerMinuteAndReason) {
  for (int round = 0; round < 4; ++round) {
    put(raw_metrics, wall(), "not json");
    put(raw_metrics, wall(), "[]");
    put(raw_metrics, wall(), R"({"metric":"","type":"count","value":1,"timestamp":1})");
    put(raw_metrics, wall(), R"({"metric":"a","type":"count","value":"1","timestamp":1})");
    queue_->put_key(raw_metrics, "half " + std::to_string(round), wall());
    put_raw("good", "count", 1, wall());
    advance(12s);
  }
  advance(12s);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(sum_of("good"), 4);
  EXPECT_EQ(logged("each of which is not JSON; for example: not json"), 1U);
  EXPECT_EQ(logged("is not a JSON object"), 1U);
  EXPECT_EQ(logged("half a record"), 1U);
  EXPECT_EQ(logged("no usable \"value\""), 1U);
}

TEST_F(Aggregator, DropsTypesThatTheWrapperDoesNotKnowAndSaysSo) {
  put_raw("d", "distribution", 1, start);
  put_raw("a", "count", 1, start);
  advance(11500ms);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(size(wrapped_metrics), 1U);
  EXPECT_EQ(logged("for example d of type distribution"), 1U);
}

TEST_F(Aggregator, LosesAndDoublesNothingWhenRedisFailsAtAnyCall) {
  // Fails each call in turn, once; what fails is tried again at the next tick.
  int calls = 0;
  int failing = 0;
  queue_->on_call = [&](std::string_view call) {
    queue_->failure.reset();
    if (call != "store" && call != "size" && ++calls == failing) {
      queue_->failure = QueueError{QueueErrc::unreachable, "broken"};
    }
  };
  for (failing = 1; failing < 12; ++failing) {
    calls = 0;
    for (int i = 0; i < 1500; ++i) {
      put_raw("a", "count", 1, start + 10 * failing);
    }
    advance(10s);
  }
  failing = 0;
  advance(30s);
  EXPECT_EQ(size(raw_metrics), 0U);
  EXPECT_EQ(sum_of("a"), 11 * 1500);
}

TEST_F(Aggregator, UsesTheSameSecondAgainWhenRedisRefusedToStore) {
  put_raw("a", "count", 1, start + 3);
  queue_->on_call = [&](std::string_view call) {
    queue_->failure.reset();
    if (call == "replace") {
      queue_->failure = QueueError{QueueErrc::refused, "OOM"};
    }
  };
  advance(35s);
  queue_->on_call = nullptr;
  queue_->failure.reset();
  advance(10s);
  ASSERT_EQ(size(wrapped_metrics), 1U);
  EXPECT_EQ(values(wrapped_metrics)[0]["points"][0][0], 1795416003);
}

TEST_F(Aggregator, GoesOnWorkingWhenTheWallClockJumps) {
  for (const auto jump : {-3600.0, 18000.0, -94608000.0, 94608000.0}) {
    jump_wall_clock(jump);
    advance(20s);
    put_raw("a", "count", 1, wall());
    advance(25s);
    EXPECT_EQ(size(raw_metrics), 0U) << "after a jump by " << jump;
  }
  EXPECT_EQ(sum_of("a"), 4);
}

TEST_F(Aggregator, TakesWhatAFormerClockHasStampedIntoTheFuture) {
  advance(30s);
  for (const auto jump : {-94608000.0, -3600.0}) {
    put_raw("a", "count", 1, wall() - 5);
    put_raw("a", "count", 2, wall());
    jump_wall_clock(jump);
    put_raw("a", "count", 4, wall());
    advance(30s);
    EXPECT_EQ(size(raw_metrics), 0U) << "after a jump by " << jump;
  }
  EXPECT_EQ(sum_of("a"), 14);
}

TEST_F(Aggregator, SurvivesScoresThatAreNoTime) {
  put_raw("a", "count", 1, start);
  queue_->put_key(raw_metrics, "a", -1e300);
  queue_->put_value(raw_metrics, "a", R"({"metric":"a","type":"count","value":2,"timestamp":1})");
  queue_->put_key(raw_metrics, "b", 1e300);
  queue_->put_value(raw_metrics, "b", R"({"metric":"a","type":"count","value":4,"timestamp":1})");
  advance(11500ms);
  EXPECT_EQ(sum_of("a"), 3);
  EXPECT_EQ(size(raw_metrics), 1U);  // A bucket of the far future is not closed.
}

/// Over Redis, where records are set aside.
class AggregatorOverRedis : public Aggregator {
protected:
  AggregatorOverRedis() {
    stop_aggregator();
    RedisSettings settings;
    settings.socket = server_.socket();
    redis_ = spawn(redis, std::make_shared<RedisQueue>(settings, 30s, 100), board_);
    run();
  }

  /// Stores counts of 1, 2, 3, ..., `count`, so many a second from `first` on. Returns their sum.
  double store_counts(std::size_t count, std::size_t per_second, double first) {
    constexpr std::size_t at_once = 50000;
    for (std::size_t done = 0; done < count; done += at_once) {
      std::vector<std::string> keys{"ZADD", std::string(raw_metrics.keys)};
      std::vector<std::string> values{"HSET", std::string(raw_metrics.values)};
      for (auto i = done; i < std::min(done + at_once, count); ++i) {
        const auto second = i / per_second;
        const auto time = std::to_string(first + static_cast<double>(second));
        const auto key = "key-" + std::to_string(i);
        keys.insert(keys.end(), {time, key});
        values.insert(values.end(),
                      {key, R"({"metric":"a","type":"count","value":)" + std::to_string(i + 1) +
                                R"(,"timestamp":)" + time + "}"});
      }
      client_.command(keys);
      client_.command(values);
    }
    return static_cast<double>(count) * static_cast<double>(count + 1) / 2;
  }

  /// The points of the one series that wait; no two are of one second, for Datadog keeps the last.
  std::map<std::int64_t, double> points() {
    std::map<std::int64_t, double> points;
    for (const auto& record : client_.dump(wrapped_metrics)) {
      const auto point = json::parse(record.value.value())["points"][0];
      EXPECT_TRUE(points.emplace(point[0], point[1]).second) << point;
    }
    return points;
  }

  double sum() {
    double sum = 0;
    for (const auto& [second, value] : points()) {
      sum += value;
    }
    return sum;
  }

  RedisServer server_;
  RedisClient client_ = server_.client();
};

TEST_F(AggregatorOverRedis, AggregatesABucketInPartsThatIsTooBigToBeListedAtOnce) {
  const auto all = store_counts(250'000, 50'000, start - 10);
  start_aggregator();
  advance(1250ms);
  EXPECT_EQ(client_.size(raw_metrics), 0U);
  EXPECT_EQ(logged("[Aggregator] 200000 raw records became 1 points"), 1U);
  EXPECT_EQ(logged("[Aggregator] 50000 raw records became 1 points"), 1U);
  EXPECT_EQ(points().size(), 2U);
  EXPECT_EQ(sum(), all);
  EXPECT_EQ(client_.command({"EXISTS", std::string(raw_taken.keys)}), 0);
}

/// The lengths of buckets before and after a restart.
using Intervals = std::pair<std::chrono::seconds, std::chrono::seconds>;

class AggregatorWithAnotherInterval : public AggregatorOverRedis,
                                      public ::testing::WithParamInterface<Intervals> {};

TEST_P(AggregatorWithAnotherInterval, GoesOnWithWhatIsSetAside) {
  constexpr std::size_t count = 6000;
  const auto all = store_counts(count, 10, start - 600);
  start_aggregator(GetParam().first);
  scheduler_.advance_time(GetParam().first + 1s);
  while (client_.command({"EXISTS", std::string(taken_until_key)}) == 0 &&
         scheduler_.try_run_once()) {
  }
  stop_aggregator();
  const auto left = client_.size(raw_metrics);
  ASSERT_GT(left, 0U);
  ASSERT_LT(left, count);
  start_aggregator(GetParam().second);
  advance(GetParam().second + 2s);
  EXPECT_EQ(client_.size(raw_metrics), 0U);
  EXPECT_EQ(sum(), all);
}

INSTANTIATE_TEST_SUITE_P(Seconds, AggregatorWithAnotherInterval,
                         ::testing::Values(Intervals{10s, 60s}, Intervals{60s, 10s},
                                           Intervals{10s, 7s}, Intervals{7s, 60s}),
                         [](const auto& info) {
                           return std::to_string(info.param.first.count()) + "Then" +
                                  std::to_string(info.param.second.count());
                         });

}  // namespace
}  // namespace chouette::test
