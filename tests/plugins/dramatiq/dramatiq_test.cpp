#include "dramatiq/dramatiq.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

#include "config/config.hpp"
#include "plugins.hpp"
#include "plugins/capture_time.hpp"

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::chrono::milliseconds long_enough{60000};

using Sizes = std::map<std::string, double>;

/// The sizes that a capture sends, by tag.
Sizes sizes_of(const Capture& capture) {
  Sizes sizes;
  for (const auto& metric : capture.metrics) {
    EXPECT_EQ(metric.name, "Chouette.dramatiq.queue_size");
    EXPECT_EQ(metric.type, SeriesType::gauge);
    EXPECT_EQ(metric.interval.count(), 0);
    EXPECT_EQ(metric.timestamp, now);
    EXPECT_EQ(metric.tags.size(), 1U);
    EXPECT_TRUE(sizes.emplace(metric.tags.at(0), metric.value).second) << metric.tags.at(0);
  }
  return sizes;
}

HashSizes::Hash queue(const std::string& name, std::size_t messages) {
  return {"dramatiq:" + name + ".msgs", messages};
}

class DramatiqPlugin : public testing::Test {
protected:
  /// The answers to the next steps, in their order. When there are no more, a step fails.
  void answer(const std::vector<HashSizes>& steps) {
    answers_.insert(answers_.end(), steps.begin(), steps.end());
  }

  /// A capture that finds these in one step.
  Capture capture(const std::vector<HashSizes::Hash>& hashes) {
    answer({{hashes, "0"}});
    return plugin_->capture(now);
  }

  /// `count` queues, each with one message, beginning at "q<first>".
  static std::vector<HashSizes::Hash> queues(std::size_t count, std::size_t first = 0) {
    std::vector<HashSizes::Hash> hashes;
    for (std::size_t i = 0; i < count; ++i)
      hashes.push_back(queue("q" + std::to_string(first + i), 1));
    return hashes;
  }

  std::deque<HashSizes> answers_;
  std::vector<std::pair<std::string, std::string>> asked_;  ///< Pattern and cursor.
  std::stop_source stop_;
  std::unique_ptr<Plugin> plugin_ = make_dramatiq_plugin(
      [this](const std::string& pattern, const std::string& cursor) {
        asked_.emplace_back(pattern, cursor);
        if (answers_.empty()) throw std::runtime_error("no connection to Redis at\nredis:6379");
        auto next = std::move(answers_.front());
        answers_.pop_front();
        return next;
      },
      long_enough, stop_.get_token());
};

TEST_F(DramatiqPlugin, SendsTheSizeOfEachQueue) {
  const auto capture =
      this->capture({queue("default", 3), queue("default.DQ", 1), queue("mail", 0)});
  EXPECT_THAT(sizes_of(capture), ElementsAre(Pair("queue:default", 3), Pair("queue:default.DQ", 1),
                                             Pair("queue:mail", 0)));
  EXPECT_THAT(capture.faults, IsEmpty());
  EXPECT_EQ(capture.malformed, 0U);
}

TEST_F(DramatiqPlugin, SendsNothingWhereThereAreNoQueues) {
  const auto capture = this->capture({});
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST_F(DramatiqPlugin, WalksFromCursorToCursor) {
  // An empty step is not the end.
  answer({{{queue("a", 1)}, "17"}, {{}, "18446744073709551615"}, {{queue("b", 2)}, "0"}});
  EXPECT_THAT(sizes_of(plugin_->capture(now)), ElementsAre(Pair("queue:a", 1), Pair("queue:b", 2)));
  EXPECT_THAT(asked_, ElementsAre(Pair("dramatiq:*.msgs", "0"), Pair("dramatiq:*.msgs", "17"),
                                  Pair("dramatiq:*.msgs", "18446744073709551615")));
}

TEST_F(DramatiqPlugin, BeginsEachCaptureAnew) {
  capture({});
  capture({});
  EXPECT_THAT(asked_, ElementsAre(Pair("dramatiq:*.msgs", "0"), Pair("dramatiq:*.msgs", "0")));
}

TEST_F(DramatiqPlugin, SendsARepeatedQueueOnceWithItsLastSize) {
  answer({{{queue("a", 1), queue("b", 5), queue("a", 2)}, "9"}, {{queue("a", 3)}, "0"}});
  EXPECT_THAT(sizes_of(plugin_->capture(now)), ElementsAre(Pair("queue:a", 3), Pair("queue:b", 5)));
}

TEST_F(DramatiqPlugin, SendsLargeSizesAsTheyAre) {
  EXPECT_THAT(sizes_of(capture({queue("a", 4'000'000'000U)})), ElementsAre(Pair("queue:a", 4e9)));
}

// queues that are gone

TEST_F(DramatiqPlugin, SendsZeroForAQueueThatIsGone) {
  capture({queue("a", 3), queue("b", 1)});
  EXPECT_THAT(sizes_of(capture({queue("b", 1)})),
              ElementsAre(Pair("queue:a", 0), Pair("queue:b", 1)));
  EXPECT_THAT(sizes_of(capture({})), ElementsAre(Pair("queue:a", 0), Pair("queue:b", 0)));
  EXPECT_THAT(sizes_of(capture({queue("a", 7)})),
              ElementsAre(Pair("queue:a", 7), Pair("queue:b", 0)));
}

TEST_F(DramatiqPlugin, SendsNoZeroForAQueueThatItNeverSaw) {
  capture({queue("a", 3)});
  EXPECT_THAT(sizes_of(make_dramatiq_plugin(
                           [](const auto&, const auto&) {
                             return HashSizes{{}, "0"};
                           },
                           long_enough, {})
                           ->capture(now)),
              IsEmpty());
}

// faults

TEST_F(DramatiqPlugin, SendsNoZerosWhileRedisIsAway) {
  capture({queue("a", 3)});
  const auto away = plugin_->capture(now);
  EXPECT_THAT(away.metrics, IsEmpty());
  EXPECT_THAT(away.faults, ElementsAre("Redis: no connection to Redis at?redis:6379"));
  EXPECT_THAT(sizes_of(capture({})), ElementsAre(Pair("queue:a", 0)));
}

TEST_F(DramatiqPlugin, SendsNothingOfAWalkThatBreaksOff) {
  capture({queue("a", 3), queue("b", 3)});
  answer({{{queue("a", 4), queue("c", 1)}, "5"}});
  const auto broken = plugin_->capture(now);
  EXPECT_THAT(broken.metrics, IsEmpty());
  EXPECT_EQ(broken.faults.size(), 1U);
  // What it saw until then is not known: c is not sent as gone.
  EXPECT_THAT(sizes_of(capture({queue("b", 1)})),
              ElementsAre(Pair("queue:a", 0), Pair("queue:b", 1)));
}

TEST_F(DramatiqPlugin, GivesUpAWalkWithoutEnd) {
  const auto capture = make_dramatiq_plugin(
                           [](const auto&, const auto&) {
                             return HashSizes{{queue("a", 1)}, "1"};
                           },
                           std::chrono::milliseconds{50}, {})
                           ->capture(now);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre("Redis: not all keys seen within 0.05 s"));
}

TEST_F(DramatiqPlugin, SendsNoZerosAfterAWalkThatTookTooLong) {
  constexpr std::chrono::milliseconds timeout{200};
  bool slow = false;
  int steps = 0;
  const auto plugin = make_dramatiq_plugin(
      [&](const std::string&, const std::string& cursor) {
        ++steps;
        if (slow) std::this_thread::sleep_for(timeout);
        return cursor == "0" ? HashSizes{{queue("a", 1), queue("c", 1)}, "1"}
                             : HashSizes{{queue("b", 2)}, "0"};
      },
      timeout, {});
  EXPECT_EQ(sizes_of(plugin->capture(now)).size(), 3U);
  slow = true;
  steps = 0;
  const auto capture = plugin->capture(now);
  EXPECT_EQ(steps, 1);
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, ElementsAre("Redis: not all keys seen within 0.2 s"));
  slow = false;
  EXPECT_THAT(sizes_of(plugin->capture(now)),
              ElementsAre(Pair("queue:a", 1), Pair("queue:b", 2), Pair("queue:c", 1)));
}

TEST_F(DramatiqPlugin, TakesAsManyStepsAsThereAre) {
  answer(std::vector<HashSizes>(20000, {{queue("a", 1)}, "1"}));
  EXPECT_THAT(sizes_of(capture({queue("b", 1)})),
              ElementsAre(Pair("queue:a", 1), Pair("queue:b", 1)));
}

TEST_F(DramatiqPlugin, TakesNoStepOnceItIsToStop) {
  stop_.request_stop();
  const auto capture = plugin_->capture(now);
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_THAT(capture.metrics, IsEmpty());
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST_F(DramatiqPlugin, BreaksAWalkOffWhenItIsToStop) {
  int steps = 0;
  const auto capture = make_dramatiq_plugin(
                           [&](const auto&, const auto&) {
                             if (++steps == 3) stop_.request_stop();
                             return HashSizes{{queue("a", 1)}, "1"};
                           },
                           long_enough, stop_.get_token())
                           ->capture(now);
  EXPECT_EQ(steps, 3);
  EXPECT_THAT(capture.metrics, IsEmpty());
}

TEST_F(DramatiqPlugin, LeavesOutNamesThatCannotBeTags) {
  const auto capture = this->capture({queue("", 1),
                                      queue("a\nb", 1),
                                      queue("\xff", 1),
                                      queue(std::string(195, 'x'), 1),
                                      {"something else", 1},
                                      queue("right", 1)});
  EXPECT_THAT(sizes_of(capture), ElementsAre(Pair("queue:right", 1)));
  EXPECT_THAT(capture.faults, ElementsAre("queues: 5 with a name that is no tag"));
}

// bounds

TEST_F(DramatiqPlugin, SendsUpToAThousandQueues) {
  const auto capture = this->capture(queues(1000));
  EXPECT_EQ(sizes_of(capture).size(), 1000U);
  EXPECT_THAT(capture.faults, IsEmpty());
}

TEST_F(DramatiqPlugin, LeavesOutQueuesBeyondAThousandAndSaysHowMany) {
  const auto capture = this->capture(queues(1234));
  EXPECT_EQ(sizes_of(capture).size(), 1000U);
  EXPECT_THAT(capture.faults, ElementsAre("queues: more than 1000, 234 left out"));
}

TEST_F(DramatiqPlugin, KeepsTheQueuesThatItHasWhenOthersCrowdIn) {
  capture({queue("a", 3)});
  auto hashes = queues(2000);
  hashes.push_back(queue("a", 4));
  EXPECT_EQ(sizes_of(capture(hashes)).at("queue:a"), 4);
  EXPECT_EQ(sizes_of(capture(hashes)).at("queue:a"), 4);
}

TEST_F(DramatiqPlugin, MakesRoomWhereQueuesAreGone) {
  capture(queues(1000));
  // The queues that are gone are sent as 0 once more, then new ones take their place.
  const auto before = capture(queues(1000, 500));
  EXPECT_THAT(before.faults, ElementsAre("queues: more than 1000, 500 left out"));
  EXPECT_EQ(sizes_of(before).at("queue:q0"), 0);
  const auto after = capture(queues(1000, 500));
  EXPECT_THAT(after.faults, IsEmpty());
  const auto sizes = sizes_of(after);
  EXPECT_EQ(sizes.size(), 1000U);
  EXPECT_FALSE(sizes.contains("queue:q0"));
  EXPECT_EQ(sizes.at("queue:q1499"), 1);
}

TEST_F(DramatiqPlugin, IsBoundedWhateverNamesComeAndGo) {
  for (std::size_t round = 0; round < 20; ++round) {
    EXPECT_LE(sizes_of(capture(queues(700, round * 700))).size(), 1000U);
  }
}

TEST_F(DramatiqPlugin, IsInTheTable) {
  const auto table = plugin_table();
  const auto row = std::find_if(table.begin(), table.end(),
                                [](const auto& entry) { return entry.name == "dramatiq"; });
  ASSERT_NE(row, table.end());
  Config config{};
  config.capture_interval = std::chrono::seconds{1};
  const auto plugin = row->make({config, {}, [](const auto&, const auto&) {
                                   return HashSizes{{queue("a", 1)}, "0"};
                                 }});
  EXPECT_THAT(sizes_of(plugin->capture(now)), ElementsAre(Pair("queue:a", 1)));
  // There it has a part of CAPTURE_INTERVAL for the walk.
  const auto endless = [](const auto&, const auto&) { return HashSizes{{}, "1"}; };
  EXPECT_THAT(row->make({config, {}, endless})->capture(now).faults,
              ElementsAre("Redis: not all keys seen within 0.8 s"));
}

}  // namespace
}  // namespace chouette
