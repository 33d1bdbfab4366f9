#include "actors/redis.hpp"

#include "actor_test.hpp"

namespace chouette::test {
namespace {

class RedisActor : public ActorTest {
protected:
  /// Asks for the oldest raw metric; the error's code, or 0.
  int ask() { return ask<OldestRecord>(Oldest{raw_metrics}); }

  template <class Answer, class Request>
  int ask(const Request& request) {
    caf::scoped_actor self{system_};
    auto response = self->request(redis_, caf::infinite, request);
    run();
    int code = 0;
    response.receive([](const Answer&) {}, [&](const caf::error& error) { code = error.code(); });
    return code;
  }
};

TEST_F(RedisActor, SaysOnceThatRedisIsAwayAndOnceThatItIsBack) {
  queue_->failure = QueueError{QueueErrc::unreachable, "no connection to Redis at x"};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(), static_cast<int>(QueueErrc::unreachable));
    advance(10s);
  }
  EXPECT_EQ(logged("no connection to Redis at x"), 1U);
  queue_->failure.reset();
  put_raw("a", "count", 1, start);
  EXPECT_EQ(ask(), 0);
  EXPECT_EQ(ask(), 0);
  EXPECT_EQ(logged("answers again after 50 s: 1 raw metrics and 0 points wait"), 1U);
}

TEST_F(RedisActor, SaysOnceThatSomethingIsRefusedAndOnceThatItWorksAgain) {
  queue_->failure = QueueError{QueueErrc::refused, "Redis answers: LOADING"};
  EXPECT_EQ(ask(), static_cast<int>(QueueErrc::refused));
  EXPECT_EQ(ask(), static_cast<int>(QueueErrc::refused));
  advance(3s);
  queue_->failure.reset();
  EXPECT_EQ(ask(), 0);
  EXPECT_EQ(ask(), 0);
  EXPECT_EQ(logged("reading chouette:metrics:raw.keys fails: Redis answers: LOADING"), 1U);
  EXPECT_EQ(logged("works again after 3 s"), 1U);
}

TEST_F(RedisActor, WritesOnTheBoardWhetherRedisCanBeUsed) {
  const auto on_board = [this] { return board_->read(wall(), scheduler_.clock().now()).redis; };
  EXPECT_FALSE(on_board().reachable);
  ask();
  EXPECT_TRUE(on_board().reachable);
  EXPECT_EQ(on_board().error, "");
  for (const auto* const refusal : {"NOAUTH Authentication required.", "WRONGPASS", "LOADING"}) {
    queue_->failure = QueueError{QueueErrc::refused, std::string("Redis answers: ") + refusal};
    ask();
    EXPECT_FALSE(on_board().reachable) << refusal;
    EXPECT_EQ(on_board().error, std::string("Redis answers: ") + refusal);
    queue_->failure.reset();
    ask();
    EXPECT_TRUE(on_board().reachable);
    EXPECT_EQ(on_board().error, "");
  }
  queue_->failure = QueueError{QueueErrc::refused, "Redis answers: OOM command not allowed"};
  ask();
  EXPECT_TRUE(on_board().reachable);
  EXPECT_EQ(on_board().error, "Redis answers: OOM command not allowed");
  // That Redis still answers other calls does not end what it refuses.
  queue_->failure.reset();
  EXPECT_EQ((ask<RecordCount>(AskSize{wrapped_logs})), 0);
  EXPECT_EQ(on_board().error, "Redis answers: OOM command not allowed");
  ask();
  EXPECT_EQ(on_board().error, "");
  queue_->failure = QueueError{QueueErrc::unreachable, "no connection"};
  ask();
  EXPECT_FALSE(on_board().reachable);
}

}  // namespace
}  // namespace chouette::test
