#include "actors/supervisor.hpp"

#include <optional>

#include "actor_test.hpp"

namespace chouette::test {
namespace {

class Supervisor : public ActorTest {
protected:
  /// An actor that ends with an error when it is told to, and writes its name down when it ends.
  caf::actor worker(const std::string& name) {
    // Given as arguments, not captured: CAF 0.17 dereferences a null pointer where there are none.
    return spawn(
        [](caf::event_based_actor* self, std::vector<std::string>* ended,
           const std::string& own_name) -> caf::behavior {
          self->set_exception_handler([](std::exception_ptr&) -> caf::error {
            return caf::make_error(caf::sec::runtime_error, std::string("it broke"));
          });
          self->attach_functor([ended, own_name] { ended->push_back(own_name); });
          return {[](caf::ok_atom) { throw std::runtime_error("it broke"); }};
        },
        &ended_, name);
  }

  caf::actor first_ = worker("first");
  caf::actor second_ = worker("second");
  caf::actor third_ = worker("third");
  std::vector<std::string> ended_;
  int failures_ = 0;
  caf::actor supervisor_ =
      spawn(supervisor,
            std::vector<VitalActor>{{"first", first_}, {"second", second_}, {"third", third_}},
            [this] { ++failures_; });
  caf::scoped_actor self_{system_};

  /// Why the supervisor ended.
  std::optional<caf::error> end() {
    std::optional<caf::error> reason;
    run();
    self_->receive([&](const caf::down_msg& down) { reason = down.reason; },
                   caf::after(0s) >> [] {});
    return reason;
  }

  void SetUp() override {
    self_->monitor(supervisor_);
    run();
  }
};

TEST_F(Supervisor, StopsTheActorsInTheirOrder) {
  caf::anon_send_exit(supervisor_, caf::exit_reason::user_shutdown);
  EXPECT_EQ(end(), caf::error{caf::exit_reason::user_shutdown});
  EXPECT_EQ(ended_, (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_EQ(failures_, 0);
}

TEST_F(Supervisor, StopsAllAndFailsWhenOneFails) {
  caf::anon_send(second_, caf::ok_atom_v);
  const auto reason = end();
  ASSERT_TRUE(reason);
  EXPECT_NE(*reason, caf::exit_reason::user_shutdown);
  EXPECT_EQ(ended_, (std::vector<std::string>{"second", "first", "third"}));
  EXPECT_EQ(failures_, 1);
  EXPECT_EQ(logged("critical [Supervisor] the second has failed: it broke"), 1U);
}

TEST_F(Supervisor, GoesOnWhileAllWork) {
  advance(60s);
  EXPECT_FALSE(end());
}

}  // namespace
}  // namespace chouette::test
