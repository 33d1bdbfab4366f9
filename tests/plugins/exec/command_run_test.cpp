#include "exec/command_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace chouette {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = CommandRun::Clock;

TEST(CommandLimits, EndBeforeTheNextCaptureWhateverItsInterval) {
  for (int interval = 1; interval <= 3600; ++interval) {
    const auto limits = command_limits(seconds{3600}, milliseconds{interval * 800});
    EXPECT_LE(limits.timeout + limits.grace + limits.death, milliseconds{interval * 960})
        << interval;
    EXPECT_EQ(limits.timeout, milliseconds{interval * 800});
    EXPECT_GE(limits.grace, milliseconds{100});
    EXPECT_GE(limits.death, milliseconds{50});
  }
  EXPECT_EQ(command_limits(seconds{5}, seconds{24}).timeout, seconds{5});
  EXPECT_EQ(command_limits(seconds{5}, seconds{24}).grace, milliseconds{500});
  EXPECT_EQ(command_limits(seconds{5}, seconds{24}).death, milliseconds{300});
}

TEST(CommandRun, PollsNoOutputThatItWillNotRead) {
  auto child = ChildProcess::start(
      {"/bin/sh", "-c", "trap 'exec yes' TERM; echo ready; while :; do sleep 0.01; done"}, {});
  ASSERT_TRUE(child);
  const int out = child->out();
  CommandLimits limits;
  limits.grace = seconds{60};
  limits.output = 1000;
  CommandRun run(std::move(*child), limits, Clock::now());
  const auto polls = [&run](int descriptor) {
    std::vector<pollfd> all;
    run.add_descriptors(all);
    return std::any_of(all.begin(), all.end(),
                       [descriptor](const pollfd& one) { return one.fd == descriptor; });
  };
  const auto step_until = [&run](const auto& done) {
    const auto deadline = Clock::now() + seconds{10};
    while (!done() && Clock::now() < deadline) run.step(Clock::now());
    return done();
  };
  ASSERT_TRUE(step_until([&run] { return run.output() == "ready\n"; }));
  EXPECT_TRUE(polls(out));
  run.stop(Clock::now());
  EXPECT_TRUE(step_until([&] { return !polls(out); }));
  EXPECT_FALSE(run.over());
  EXPECT_GT(run.output().size(), 900U);
}

}  // namespace
}  // namespace chouette
