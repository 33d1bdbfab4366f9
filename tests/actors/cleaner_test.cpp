#include "actors/cleaner.hpp"

#include "actor_test.hpp"

namespace chouette::test {
namespace {

class Cleaner : public ActorTest {
protected:
  Cleaner() {
    cleaner_ =
        spawn(cleaner, redis_,
              CleanerSettings{
                  .metric_ttl = 100s, .log_ttl = 1000s, .losses = losses_, .wall = wall_clock()});
    run();
  }

  void clean() {
    caf::scoped_actor self{system_};
    auto response = self->request(cleaner_, caf::infinite, CleanUp{});
    run();
    bool answered = false;
    response.receive([&](CleanedUp) { answered = true; }, [](const caf::error&) {});
    EXPECT_TRUE(answered);
  }

  /// How many cleanings `self` was told the end of.
  static std::size_t count_answers(caf::scoped_actor& self) {
    std::size_t answers = 0;
    self->receive_while([&] { return self->has_next_message(); })([&](CleanedUp) { ++answers; });
    return answers;
  }

  cleaner_actor cleaner_;
};

TEST_F(Cleaner, RemovesFromEachQueueWhatIsOlderThanItsTimeToLive) {
  clean();
  advance(1s);
  for (const auto queue : {raw_metrics, wrapped_metrics, wrapped_logs}) {
    for (const auto age : {50, 150, 1500}) {
      put(queue, wall() - age, "{}");
    }
  }
  clean();
  EXPECT_EQ(size(raw_metrics), 1U);
  EXPECT_EQ(size(wrapped_metrics), 1U);
  EXPECT_EQ(size(wrapped_logs), 2U);
  EXPECT_EQ(logged("2 records of chouette:metrics:raw.keys were older"), 1U);
}

TEST_F(Cleaner, WorksOnItsOwnTimerToo) {
  put(raw_metrics, start - 500, "{}");
  advance(121s);
  EXPECT_EQ(size(raw_metrics), 0U);
}

TEST_F(Cleaner, RemovesMoreThanOneBatch) {
  clean();
  advance(1s);
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < expire_batch + 5; ++i) {
    records.push_back({std::to_string(i), start - 1000, "{}"});
  }
  ASSERT_TRUE(queue_->store(raw_metrics, records));
  clean();
  EXPECT_EQ(size(raw_metrics), 0U);
}

TEST_F(Cleaner, DeletesNothingBecauseOfAJump) {
  clean();
  for (const auto jump : {94608000.0, -94608000.0, -3600.0, 18000.0, 3600.0}) {
    put(wrapped_logs, wall() - 10, "{}");
    jump_wall_clock(jump);
    const auto before = size(wrapped_logs);
    for (int i = 0; i < 5; ++i) {
      advance(15s);
      clean();
    }
    EXPECT_EQ(size(wrapped_logs), before) << "after a jump by " << jump;
  }
}

TEST_F(Cleaner, DeletesAfterAJumpWhatHasReallyLivedForItsTime) {
  clean();
  put(raw_metrics, wall(), "{}");
  jump_wall_clock(94608000);
  advance(210s);
  clean();
  EXPECT_EQ(size(raw_metrics), 0U);
}

TEST_F(Cleaner, HoldsEverythingWhileTheClockIsNotSet) {
  jump_wall_clock(-start);  // 1970
  put(raw_metrics, wall(), "{}");
  advance(600s);
  clean();
  EXPECT_EQ(size(raw_metrics), 1U);
}

TEST_F(Cleaner, BoundsEachQueueTheOldestMakeRoom) {
  cleaner_ = spawn(cleaner, redis_,
                   CleanerSettings{.metric_ttl = 1000000s,
                                   .log_ttl = 1000000s,
                                   .queue_max = 100,
                                   .losses = losses_,
                                   .wall = wall_clock()});
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < expire_batch + 150; ++i) {
    records.push_back({std::to_string(i), start - 500000 + static_cast<double>(i), "{}"});
  }
  for (const auto queue : {raw_metrics, wrapped_metrics, wrapped_logs}) {
    ASSERT_TRUE(queue_->store(queue, records));
  }
  clean();
  for (const auto queue : {raw_metrics, wrapped_metrics, wrapped_logs}) {
    EXPECT_EQ(size(queue), 100U);
    EXPECT_EQ(queue_->oldest(queue).value(), start - 500000 + expire_batch + 50);
  }
  const auto overflow = static_cast<std::size_t>(LossReason::overflow);
  EXPECT_EQ(losses_->metrics.take()[overflow], 2 * (expire_batch + 50));
  EXPECT_EQ(losses_->logs.take()[overflow], expire_batch + 50);
  EXPECT_EQ(logged("chouette:logs:wrapped.keys held more than QUEUE_MAX_RECORDS"), 1U);
}

TEST_F(Cleaner, AsksNothingMoreOfAQueueWithinItsBound) {
  cleaner_ = spawn(cleaner, redis_,
                   CleanerSettings{.metric_ttl = 100s,
                                   .log_ttl = 1000s,
                                   .queue_max = 2,
                                   .losses = losses_,
                                   .wall = wall_clock()});
  clean();
  advance(1s);
  std::size_t trims = 0;
  queue_->on_call = [&trims](std::string_view call) { trims += call == "trim" ? 1 : 0; };
  for (int i = 0; i < 2; ++i) {
    put(wrapped_metrics, wall(), "{}");
  }
  clean();
  EXPECT_EQ(trims, 0U);
  put(wrapped_metrics, wall(), "{}");
  clean();
  EXPECT_EQ(trims, 1U);
  EXPECT_EQ(size(wrapped_metrics), 2U);
  queue_->on_call = nullptr;
}

TEST_F(Cleaner, BoundsNothingUnlessItIsToldTo) {
  for (int i = 0; i < 1000; ++i) {
    put(raw_metrics, wall() - 10, "{}");
  }
  clean();
  EXPECT_EQ(size(raw_metrics), 1000U);
}

TEST_F(Cleaner, CleansOnceForAllWhoAskAtTheSameTime) {
  clean();
  advance(1s);
  put(raw_metrics, wall() - 500, "{}");
  std::size_t calls = 0;
  queue_->on_call = [&calls](std::string_view call) { calls += call == "expire" ? 1 : 0; };
  caf::scoped_actor self{system_};
  for (int i = 0; i < 3; ++i) {
    self->send(cleaner_, CleanUp{});
  }
  run();
  queue_->on_call = nullptr;
  EXPECT_EQ(count_answers(self), 3U);
  EXPECT_EQ(calls, 4U);
  EXPECT_EQ(size(raw_metrics), 0U);
  put(raw_metrics, wall() - 500, "{}");
  clean();
  EXPECT_EQ(size(raw_metrics), 0U);
}

TEST_F(Cleaner, CleansAgainForWhoAsksWhenAQueueIsDone) {
  clean();
  advance(1s);
  caf::scoped_actor self{system_};
  std::size_t calls = 0;
  queue_->on_call = [&](std::string_view call) {
    if (call == "expire" && ++calls == 2) {
      put(raw_metrics, wall() - 500, "{}");
      self->send(cleaner_, CleanUp{});
    }
  };
  self->send(cleaner_, CleanUp{});
  run();
  queue_->on_call = nullptr;
  EXPECT_EQ(count_answers(self), 2U);
  EXPECT_EQ(calls, 8U);
  EXPECT_EQ(size(raw_metrics), 0U);
}

TEST_F(Cleaner, AnswersEvenIfRedisIsAway) {
  clean();
  queue_->failure = QueueError{QueueErrc::unreachable, "away"};
  clean();
}

}  // namespace
}  // namespace chouette::test
