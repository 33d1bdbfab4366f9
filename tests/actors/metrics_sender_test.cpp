#include "actors/metrics_sender.hpp"

#include <zlib.h>

#include <algorithm>
#include <deque>

#include "actor_test.hpp"
#include "actors/cleaner.hpp"

namespace chouette::test {
namespace {

using nlohmann::json;

json inflate(const std::string& compressed) {
  std::string text(10UL * 1024 * 1024, '\0');
  auto length = static_cast<uLongf>(text.size());
  EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(text.data()), &length,
                       reinterpret_cast<const Bytef*>(compressed.data()), compressed.size()),
            Z_OK);
  text.resize(length);
  return json::parse(text);
}

/// Gives the answers it is told, then accepts; keeps what it accepted.
class ScriptedIntake : public MetricsIntake {
public:
  Answer post(const std::string& deflated) override {
    ++requests;
    const auto verdict = answers.empty() ? Verdict::accepted : answers.front();
    if (!answers.empty()) {
      answers.pop_front();
    }
    if (verdict == Verdict::accepted) {
      accepted.push_back(inflate(deflated));
    }
    return {verdict, "HTTP something"};
  }

  std::size_t points() const {
    std::size_t count = 0;
    for (const auto& payload : accepted) {
      for (const auto& series : payload["series"]) {
        count += series["points"].size();
      }
    }
    return count;
  }

  std::deque<Verdict> answers;
  std::vector<json> accepted;
  int requests = 0;
};

class MetricsSender : public ActorTest {
protected:
  MetricsSender() {
    const cleaner_actor cleaner_handle =
        spawn(cleaner, redis_,
              CleanerSettings{.metric_ttl = 14400s, .log_ttl = 64800s, .wall = wall_clock()});
    spawn(metrics_sender, redis_, cleaner_handle, std::shared_ptr<MetricsIntake>(intake_),
          MetricsSenderSettings{.interval = 60s,
                                .offset = 7,
                                .bulk_size = 2000,
                                .extras = {{"env:test"}, "shed"},
                                .wall = wall_clock()});
    run();
  }

  void put_points(int count, const std::string& metric = "m") {
    for (int i = 0; i < count; ++i) {
      const auto time = static_cast<std::int64_t>(start) - i;
      put(wrapped_metrics, static_cast<double>(time),
          json{{"metric", metric},
               {"type", "count"},
               {"tags", {"k:v"}},
               {"interval", 10},
               {"points", {{time, i}}}}
              .dump());
    }
  }

  std::shared_ptr<ScriptedIntake> intake_ = std::make_shared<ScriptedIntake>();
};

TEST_F(MetricsSender, ReleasesAtItsOffsetWithinTheInterval) {
  put_points(1);
  advance(6750ms);
  EXPECT_EQ(intake_->requests, 0);
  advance(500ms);
  EXPECT_EQ(intake_->requests, 1);
  put_points(1);
  advance(59s);
  EXPECT_EQ(intake_->requests, 1);
  advance(1s);
  EXPECT_EQ(intake_->requests, 2);
}

TEST_F(MetricsSender, SendsOneObjectPerSeriesWithGlobalTagsAndHost) {
  put_points(3);
  advance(8s);
  ASSERT_EQ(intake_->accepted.size(), 1U);
  EXPECT_EQ(intake_->accepted[0], json::parse(R"({"series":[
    {"metric":"m","type":"count","interval":10,"tags":["env:test","k:v"],"host":"shed",
     "points":[[1795415998,2],[1795415999,1],[1795416000,0]]}]})"));
  EXPECT_EQ(size(wrapped_metrics), 0U);
}

TEST_F(MetricsSender, SendsBulkAfterBulkUntilTheQueueIsEmpty) {
  put_points(7001);
  advance(8s);
  EXPECT_EQ(intake_->requests, 4);
  EXPECT_EQ(intake_->points(), 7001U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(logged("delivered 7001 points in 4 requests"), 1U);
}

TEST_F(MetricsSender, DeletesNothingThatWasNotAccepted) {
  for (const auto verdict : {Verdict::records_refused, Verdict::too_large, Verdict::key_refused,
                             Verdict::try_later, Verdict::stopping}) {
    put_points(10);
    intake_->answers = {verdict};
    const auto before = size(wrapped_metrics);
    advance(60s);
    EXPECT_EQ(size(wrapped_metrics), before) << static_cast<int>(verdict);
    EXPECT_TRUE(intake_->accepted.empty());
  }
}

TEST_F(MetricsSender, DeletesWhatWasAcceptedBeforeARefusal) {
  put_points(5000);
  intake_->answers = {Verdict::accepted, Verdict::try_later};
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 3000U);
  EXPECT_EQ(intake_->points(), 2000U);
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 5000U);
}

TEST_F(MetricsSender, SaysOnceThatTheIntakeDoesNotTakeMetricsAndOnceThatItDoesAgain) {
  put_points(1);
  intake_->answers = std::deque<Verdict>(5, Verdict::try_later);
  advance(360s);
  EXPECT_EQ(logged("the intake does not take the metrics"), 1U);
  EXPECT_EQ(logged("takes metrics again after 5 min"), 1U);
}

TEST_F(MetricsSender, SaysClearlyThatTheKeyIsRefused) {
  put_points(1);
  intake_->answers = {Verdict::key_refused};
  advance(8s);
  EXPECT_EQ(logged("refuses the API key"), 1U);
}

TEST_F(MetricsSender, RemovesWhatIsNoSeriesAndDeliversTheRest) {
  put_points(2);
  put(wrapped_metrics, start, "garbage");
  put(wrapped_metrics, start, R"({"metric":"m","points":[["x",1]],"type":"gauge"})");
  queue_->put_key(wrapped_metrics, "half", start);
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 2U);
  EXPECT_EQ(logged("dropped 3 records that are no series of the API"), 1U);
}

TEST_F(MetricsSender, RemovesGarbageEvenIfThereIsNothingToSend) {
  put(wrapped_metrics, start, "garbage");
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->requests, 0);
}

TEST_F(MetricsSender, HasTheCleanerRemoveWhatIsTooOldBeforeEachRelease) {
  advance(68s);
  put_points(1);
  put(wrapped_metrics, wall() - 14500, R"({"metric":"old","points":[[1,1]],"type":"gauge"})");
  advance(60s);
  EXPECT_EQ(intake_->points(), 1U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
}

TEST_F(MetricsSender, SendsAgainWhatItCouldNotRemove) {
  put_points(3);
  queue_->on_call = [this](std::string_view call) {
    queue_->failure.reset();
    if (call == "replace") {
      queue_->failure = QueueError{QueueErrc::unreachable, "away"};
    }
  };
  advance(8s);
  EXPECT_EQ(intake_->points(), 3U);
  queue_->on_call = nullptr;
  queue_->failure.reset();
  EXPECT_EQ(size(wrapped_metrics), 3U);
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->accepted[0], intake_->accepted[1]);  // A point sent twice does no harm.
}

TEST_F(MetricsSender, WaitsUntilTheClockIsSet) {
  jump_wall_clock(-start);
  put_points(1);
  advance(300s);
  EXPECT_EQ(intake_->requests, 0);
  EXPECT_EQ(logged("the clock is not set"), 1U);
  jump_wall_clock(start);
  advance(120s);
  EXPECT_EQ(intake_->points(), 1U);
}

TEST_F(MetricsSender, AsksNobodyWhenTheQueueIsEmpty) {
  advance(300s);
  EXPECT_EQ(intake_->requests, 0);
}

}  // namespace
}  // namespace chouette::test
