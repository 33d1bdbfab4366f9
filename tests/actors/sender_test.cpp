#include "actors/sender.hpp"

#include <zlib.h>

#include <algorithm>
#include <deque>
#include <set>

#include "actor_test.hpp"
#include "actors/cleaner.hpp"
#include "intake/metrics_payload.hpp"
#include "intake/rejected_record.hpp"

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

/// Gives the answers it is told, then those of its judge, then accepts; keeps what it accepted.
class ScriptedIntake : public Intake {
public:
  Answer post(const std::string& deflated) override {
    ++requests;
    const auto payload = inflate(deflated);
    Answer answer{.verdict = Verdict::accepted, .reason = "HTTP 202"};
    if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    } else if (judge) {
      answer = judge(payload);
    }
    if (answer.verdict == Verdict::accepted) {
      accepted.push_back(payload);
    }
    return answer;
  }

  void script(std::size_t count, Verdict verdict) {
    answers.insert(answers.end(), count, Answer{.verdict = verdict, .reason = "HTTP something"});
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

  /// The points that it accepted more than once.
  std::size_t points_twice() const {
    std::set<json> seen;
    std::size_t count = 0;
    for (const auto& payload : accepted) {
      for (const auto& series : payload["series"]) {
        for (const auto& point : series["points"]) {
          count += seen.insert(json::array({series["metric"], point})).second ? 0 : 1;
        }
      }
    }
    return count;
  }

  std::deque<Answer> answers;
  std::function<Answer(const json& payload)> judge;
  std::vector<json> accepted;
  int requests = 0;
};

class MetricsSender : public ActorTest {
protected:
  MetricsSender() { start_sender(false); }

  void start_sender(bool self_metrics) {
    cleaner_ = spawn(
        cleaner, redis_,
        CleanerSettings{
            .metric_ttl = 14400s, .log_ttl = 64800s, .losses = losses_, .wall = wall_clock()});
    spawn(sender, redis_, cleaner_,
          SenderSettings{.name = "MetricsSender",
                         .kind = "metrics",
                         .queue = wrapped_metrics,
                         .rejected = rejected_metrics,
                         .make_payload =
                             [](Restamp restamp) {
                               return std::make_unique<MetricsPayload>(Extras{{"env:test"}, "shed"},
                                                                       PayloadLimits{},
                                                                       std::move(restamp));
                             },
                         .intake = intake_,
                         .interval = 60s,
                         .offset = 7,
                         .bulk_size = 2000,
                         .self_metrics = self_metrics,
                         .losses = losses_,
                         .board = board_,
                         .seed = 1,
                         .wall = wall_clock()});
    run();
  }

  void restart_sender_with_self_metrics() {
    caf::anon_send_exit(actors_.back(), caf::exit_reason::kill);
    actors_.pop_back();
    run();
    start_sender(true);
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

  /// Calls `change` while the intake answers request number `request`.
  void during(int request, std::function<void()> change) {
    intake_->judge = [this, request, change = std::move(change)](const json&) {
      if (intake_->requests == request) {
        change();
      }
      return Answer{.verdict = Verdict::accepted, .reason = "HTTP 202"};
    };
  }

  std::shared_ptr<ScriptedIntake> intake_ = std::make_shared<ScriptedIntake>();
  cleaner_actor cleaner_;
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

TEST_F(MetricsSender, HasTheNextBatchReadBeforeItRemovesThatUnderWay) {
  put_points(4500);
  std::string calls;
  queue_->on_call = [&calls](std::string_view call) {
    calls += call == "list" ? "L" : call == "fetch" ? "F" : call == "replace" ? "R" : "";
  };
  advance(8s);
  queue_->on_call = nullptr;
  EXPECT_EQ(calls, "LFFLFFRLFRLRL");
  EXPECT_EQ(intake_->points(), 4500U);
}

TEST_F(MetricsSender, SendsNoRecordTwiceThoughOlderOnesComeMeanwhile) {
  for (const int older : {1, 10, 1999, 2000, 2001, 4500}) {
    put_points(7000);
    // Older, so that what was to come next is further behind now.
    during(intake_->requests + 2, [&] {
      for (int i = 0; i < older; ++i) {
        put(wrapped_metrics, start - 8000 - i,
            json{{"metric", "older"}, {"type", "gauge"}, {"points", {{start - 8000 - i, 1}}}}
                .dump());
      }
    });
    advance(60s);
    EXPECT_EQ(intake_->points(), 7000U + static_cast<std::size_t>(older)) << older;
    EXPECT_EQ(intake_->points_twice(), 0U) << older;
    EXPECT_EQ(size(wrapped_metrics), 0U) << older;
    intake_->accepted.clear();
  }
}

TEST_F(MetricsSender, LeavesNothingBehindThoughSomethingElseRemovesRecordsMeanwhile) {
  for (const std::size_t removed : {1, 1500, 2000, 3000}) {
    put_points(7000);
    during(intake_->requests + 2, [&] {
      ASSERT_TRUE(queue_->remove(wrapped_metrics,
                                 queue_->list(wrapped_metrics, all_time, removed).value()));
    });
    advance(60s);
    EXPECT_EQ(size(wrapped_metrics), 0U) << removed;
    EXPECT_EQ(intake_->points_twice(), 0U) << removed;
    // What was removed was under way already, but for what is beyond the batch.
    EXPECT_GE(intake_->points(), 7000U - (removed > 2000 ? removed - 2000 : 0)) << removed;
    intake_->accepted.clear();
  }
}

TEST_F(MetricsSender, SendsOnlyWhatWasReadInTheSameRelease) {
  put_points(7000);
  intake_->script(1, Verdict::accepted);
  intake_->script(1, Verdict::key_refused);
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 5000U);
  ASSERT_TRUE(
      queue_->remove(wrapped_metrics, queue_->list(wrapped_metrics, all_time, 4000).value()));
  advance(60s);
  EXPECT_EQ(intake_->points(), 3000U);
  EXPECT_EQ(intake_->points_twice(), 0U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
}

TEST_F(MetricsSender, DeletesNothingThatWasNotAccepted) {
  for (const auto verdict : {Verdict::key_refused, Verdict::try_later, Verdict::stopping}) {
    put_points(10);
    intake_->script(1, verdict);
    const auto before = size(wrapped_metrics);
    const auto asked = intake_->requests;
    while (intake_->requests == asked) {
      advance(250ms);
    }
    EXPECT_EQ(size(wrapped_metrics), before) << static_cast<int>(verdict);
    EXPECT_TRUE(intake_->accepted.empty());
  }
}

TEST_F(MetricsSender, DeletesWhatWasAcceptedBeforeARefusal) {
  put_points(5000);
  intake_->script(1, Verdict::accepted);
  intake_->script(1, Verdict::key_refused);
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 3000U);
  EXPECT_EQ(intake_->points(), 2000U);
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 5000U);
}

TEST_F(MetricsSender, TriesAgainAfterAWaitThatGrowsAndIsNeverLongerThanAMinuteOrSo) {
  put_points(1);
  intake_->script(40, Verdict::try_later);
  advance(8s);
  EXPECT_GE(intake_->requests, 1);
  advance(600s);
  // With full jitter the first ten waits take 250 s on average, and each after that 32 s.
  EXPECT_GT(intake_->requests, 10);
  EXPECT_LT(intake_->requests, 41);
  EXPECT_EQ(size(wrapped_metrics), 1U);
}

TEST_F(MetricsSender, WaitsAsLongAsTheIntakeAsks) {
  put_points(1);
  intake_->answers = {
      Answer{.verdict = Verdict::try_later, .reason = "HTTP 429", .retry_after = 200s}};
  advance(8s);
  ASSERT_EQ(intake_->requests, 1);
  advance(199s);
  EXPECT_EQ(intake_->requests, 1);
  advance(4s);
  EXPECT_EQ(intake_->requests, 2);
  EXPECT_EQ(size(wrapped_metrics), 0U);
}

TEST_F(MetricsSender, TriesAgainOnlyAtTheNextReleaseIfTheKeyIsRefused) {
  put_points(1);
  intake_->script(2, Verdict::key_refused);
  advance(66s);
  EXPECT_EQ(intake_->requests, 1);
  advance(2s);
  EXPECT_EQ(intake_->requests, 2);
}

TEST_F(MetricsSender, SaysOnceThatTheIntakeDoesNotTakeMetricsAndOnceThatItDoesAgain) {
  put_points(1);
  intake_->script(5, Verdict::key_refused);
  advance(360s);
  EXPECT_EQ(logged("refuses the API key"), 1U);
  EXPECT_EQ(logged("takes metrics again after 5 min"), 1U);
}

/// Refuses payloads in which one of the metrics `bad-…` is.
Answer refuse_bad(const json& payload) {
  const auto& series = payload["series"];
  const auto bad = std::any_of(series.begin(), series.end(), [](const json& one) {
    return one["metric"].get<std::string>().starts_with("bad");
  });
  return {.verdict = bad ? Verdict::records_refused : Verdict::accepted, .reason = "HTTP 400: no"};
}

TEST_F(MetricsSender, FindsRefusedRecordsByHalvingAndDeliversAllOthers) {
  put_points(1997);
  put_points(1, "bad-1");
  put_points(1, "bad-2");
  put_points(1, "bad-3");
  intake_->judge = refuse_bad;
  advance(8s);
  EXPECT_EQ(intake_->points(), 1997U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(size(rejected_metrics), 3U);
  EXPECT_LE(intake_->requests, 3 * 2 * 11);
  const auto kept = values(rejected_metrics);
  const auto record = json::parse(kept[0]["record"].get<std::string>());
  EXPECT_EQ(kept[0]["answer"], "HTTP 400: no");
  EXPECT_TRUE(record["metric"].get<std::string>().starts_with("bad-"));
  EXPECT_EQ(losses_->metrics.take()[static_cast<std::size_t>(LossReason::rejected)], 3U);
  EXPECT_EQ(logged("are refused (HTTP 400: no)"), 1U);
}

TEST_F(MetricsSender, GoesOnWithTheNextBatchAfterHalving) {
  put_points(5000);
  for (const auto& [name, age] : {std::pair{"bad-1", 4500}, std::pair{"bad-2", 10}}) {
    put(wrapped_metrics, start - age,
        json{{"metric", name}, {"type", "gauge"}, {"points", {{start - age, 1}}}}.dump());
  }
  intake_->judge = refuse_bad;
  advance(8s);
  EXPECT_EQ(intake_->points(), 5000U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(size(rejected_metrics), 2U);
  EXPECT_EQ(logged("delivered 5000 points"), 1U);
}

TEST_F(MetricsSender, SendsLessAtATimeIfARequestIsTooLarge) {
  put_points(1000);
  intake_->judge = [](const json& payload) {
    std::size_t points = 0;
    for (const auto& series : payload["series"]) {
      points += series["points"].size();
    }
    return Answer{.verdict = points > 130 ? Verdict::too_large : Verdict::accepted,
                  .reason = "413"};
  };
  advance(8s);
  EXPECT_EQ(intake_->points(), 1000U);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(size(rejected_metrics), 0U);
}

TEST_F(MetricsSender, SetsASingleRecordAsideThatIsTooLarge) {
  put_points(3);
  put_points(1, "bad");
  intake_->judge = [](const json& payload) {
    auto answer = refuse_bad(payload);
    if (answer.verdict == Verdict::records_refused) {
      answer.verdict = Verdict::too_large;
    }
    return answer;
  };
  advance(8s);
  EXPECT_EQ(intake_->points(), 3U);
  EXPECT_EQ(size(rejected_metrics), 1U);
}

TEST_F(MetricsSender, KeepsAThousandRejectedRecordsTheOldestMakeRoom) {
  std::vector<NewRecord> records;
  for (int i = 0; i < 1000; ++i) {
    records.push_back({"old-" + std::to_string(i), start - 1000 + i, "{}"});
  }
  ASSERT_TRUE(queue_->store(rejected_metrics, records));
  put_points(2, "bad");
  put_points(1);
  intake_->judge = refuse_bad;
  advance(8s);
  EXPECT_EQ(size(rejected_metrics), 1000U);
  const auto keys = queue_->list(rejected_metrics, all_time, 1).value();
  EXPECT_EQ(keys[0], "old-2");
}

TEST_F(MetricsSender, KeepsEverythingIfTheIntakeRefusesWhateverItIsSent) {
  put_points(1500);
  intake_->judge = [](const json&) {
    return Answer{.verdict = Verdict::records_refused, .reason = "HTTP 400: wrong door"};
  };
  advance(600s);
  EXPECT_EQ(size(wrapped_metrics) + size(rejected_metrics), 1500U);
  EXPECT_LE(size(rejected_metrics), rejected_limit);
  EXPECT_GE(size(wrapped_metrics), 1400U);
  EXPECT_EQ(logged("refuses all metrics"), 1U);
}

TEST_F(MetricsSender, FailsAsLongAsItsQueueStandsStill) {
  const auto delivery = [this] {
    return board_->read(wall(), scheduler_.clock().now()).deliveries.at(0);
  };
  put_points(1, "bad");
  intake_->judge = refuse_bad;
  for (const auto verdict : {Verdict::key_refused, Verdict::try_later}) {
    intake_->script(1, verdict);
    const auto asked = intake_->requests;
    while (intake_->requests == asked) {
      advance(250ms);
    }
    EXPECT_TRUE(delivery().failing);
  }
  advance(120s);
  EXPECT_EQ(size(rejected_metrics), 1U);
  EXPECT_FALSE(delivery().failing);
  EXPECT_EQ(delivery().last_answer, "HTTP 400: no");

  put_points(1500, "bad");
  advance(60s);
  EXPECT_GT(size(wrapped_metrics), 0U);
  EXPECT_TRUE(delivery().failing);
  intake_->judge = nullptr;
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_FALSE(delivery().failing);
}

TEST_F(MetricsSender, ManyRefusedRecordsBlockNobody) {
  for (int i = 0; i < 350; ++i) {
    put(wrapped_metrics, start - 2000 - i,
        json{{"metric", "bad"}, {"type", "gauge"}, {"points", {{1795410000 + i, 1}}}}.dump());
  }
  put_points(500);
  intake_->judge = refuse_bad;
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(size(rejected_metrics), 350U);
  EXPECT_EQ(intake_->points(), 500U);
}

TEST_F(MetricsSender, ManyRefusedRecordsBlockNobodyInALaterReleaseEither) {
  put_points(150, "bad");
  intake_->judge = refuse_bad;
  advance(8s);
  EXPECT_GE(size(rejected_metrics), 100U);
  put_points(20, "bad");
  put(wrapped_metrics, start + 5,
      json{{"metric", "good"}, {"type", "gauge"}, {"points", {{start + 5, 1}}}}.dump());
  put_points(200);
  advance(180s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 201U);
  EXPECT_EQ(size(rejected_metrics), 170U);
}

TEST_F(MetricsSender, TellsHowFarTheClockIsOffOnce) {
  put_points(3);
  intake_->judge = [](const json&) {
    return Answer{.verdict = Verdict::accepted, .reason = "HTTP 202", .clock_offset = 7200.0};
  };
  for (int i = 0; i < 3; ++i) {
    advance(60s);
    put_points(1);
  }
  EXPECT_EQ(logged("this device's clock is 7200 s behind the intake's"), 1U);
  intake_->judge = nullptr;
}

TEST_F(MetricsSender, TellsAboutItselfOnlyIfThereWasSomethingToTell) {
  restart_sender_with_self_metrics();
  put_points(5);
  losses_->metrics.add(LossReason::expired, 3);
  advance(8s);
  std::map<std::string, json> told;
  for (const auto& metric : values(raw_metrics)) {
    told[metric["metric"]] = metric;
  }
  EXPECT_EQ(told.size(), 4U);
  EXPECT_EQ(told["chouette.queued.metrics"]["value"], 5);
  EXPECT_EQ(told["chouette.queued.metrics"]["type"], "gauge");
  EXPECT_EQ(told["chouette.dispatched.metrics.number"]["value"], 5);
  EXPECT_GT(told["chouette.dispatched.metrics.bytes"]["value"], 50);
  EXPECT_EQ(told["chouette.dropped.metrics"]["value"], 3);
  EXPECT_EQ(told["chouette.dropped.metrics"]["tags"]["reason"], "expired");

  // Its own metrics are delivered, and nothing is told of that.
  put_points(2, "chouette.dispatched.metrics.number");
  advance(60s);
  EXPECT_EQ(intake_->points(), 7U);
  EXPECT_EQ(size(raw_metrics), 4U);
}

TEST_F(MetricsSender, TellsLaterWhatItCouldNotTell) {
  restart_sender_with_self_metrics();
  losses_->metrics.add(LossReason::overflow, 3);
  queue_->on_call = [this](std::string_view call) {
    queue_->failure.reset();
    if (call == "replace") {
      queue_->failure = QueueError{QueueErrc::unreachable, "away"};
    }
  };
  advance(8s);
  queue_->on_call = nullptr;
  queue_->failure.reset();
  EXPECT_EQ(size(raw_metrics), 0U);
  advance(60s);
  EXPECT_EQ(size(raw_metrics), 4U);
}

TEST_F(MetricsSender, RemovesWhatIsNoSeriesAndDeliversTheRest) {
  put_points(2);
  put(wrapped_metrics, start, "garbage");
  put(wrapped_metrics, start, R"({"metric":"m","points":[["x",1]],"type":"gauge"})");
  queue_->put_key(wrapped_metrics, "half", start);
  advance(8s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 2U);
  EXPECT_EQ(logged("dropped 3 records that are no metrics"), 1U);
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

TEST_F(MetricsSender, EndsTheReleaseIfItCannotRemoveThoughMoreIsReadAlready) {
  put_points(7000);
  queue_->on_call = [this, removals = 0](std::string_view call) mutable {
    queue_->failure.reset();
    if (call == "replace" && ++removals == 1) {
      queue_->failure = QueueError{QueueErrc::unreachable, "away"};
    }
  };
  advance(8s);
  // The batch after it was sent before that was known, and is removed.
  EXPECT_EQ(intake_->requests, 2);
  EXPECT_EQ(intake_->points_twice(), 0U);
  EXPECT_EQ(size(wrapped_metrics), 5000U);
  EXPECT_EQ(logged("release given up"), 1U);
  EXPECT_EQ(logged("delivered 4000 points in 2 requests"), 1U);
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 9000U);
}

TEST_F(MetricsSender, EndsTheReleaseIfItCannotRead) {
  put_points(7000);
  for (int failing = 1; failing < 6; ++failing) {
    queue_->on_call = [this, failing, calls = 0](std::string_view call) mutable {
      queue_->failure.reset();
      if ((call == "list" || call == "fetch") && ++calls == failing) {
        queue_->failure = QueueError{QueueErrc::unreachable, "away"};
      }
    };
    advance(60s);
    EXPECT_EQ(logged("release given up"), static_cast<std::size_t>(failing));
  }
  queue_->on_call = nullptr;
  queue_->failure.reset();
  advance(60s);
  EXPECT_EQ(size(wrapped_metrics), 0U);
  EXPECT_EQ(intake_->points(), 7000U);
  EXPECT_EQ(intake_->points_twice(), 0U);
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

TEST_F(MetricsSender, SendsWhatWaitedWithTheTimeItReallyHas) {
  for (const auto jump :
       {94608000.0, -94608000.0, 18000.0, -1795416000.0 + 86400, 1795416000.0 - 86400}) {
    advance(60s);
    const auto waited_since = std::floor(wall());
    intake_->answers.clear();
    intake_->script(1, Verdict::key_refused);
    put(wrapped_metrics, waited_since,
        json{{"metric", "m"}, {"type", "gauge"}, {"points", {{waited_since, 1}}}}.dump());
    jump_wall_clock(jump);
    intake_->accepted.clear();
    advance(130s);
    if (wall() < 1704067200) {
      EXPECT_TRUE(intake_->accepted.empty());
      continue;
    }
    ASSERT_FALSE(intake_->accepted.empty()) << "after a jump by " << jump;
    for (const auto& series : intake_->accepted.front()["series"]) {
      for (const auto& point : series["points"]) {
        const auto age = wall() - point[0].get<double>();
        EXPECT_GE(age, 0) << "after a jump by " << jump;
        EXPECT_LE(age, 400) << "after a jump by " << jump;
      }
    }
  }
  EXPECT_EQ(size(wrapped_metrics), 0U);
}

TEST_F(MetricsSender, AsksNobodyWhenTheQueueIsEmpty) {
  advance(300s);
  EXPECT_EQ(intake_->requests, 0);
}

}  // namespace
}  // namespace chouette::test
