#include "queue/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "queue/memory_queue.hpp"

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

using Records = std::vector<std::pair<std::string, std::optional<std::string>>>;

Records unpack(const Batch& batch) {
  Records records;
  EXPECT_EQ(batch.keys.size(), batch.values.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    records.emplace_back(batch.keys[i], batch.values.present(i)
                                            ? std::optional<std::string>(batch.values[i])
                                            : std::nullopt);
  }
  return records;
}

class BatchTest : public testing::Test {
protected:
  Records read(const BatchRange& range) {
    return unpack(read_batch(queue_, wrapped_metrics, range).value());
  }

  void store(const std::string& key, double time, const std::string& value) {
    ASSERT_TRUE(queue_.store(wrapped_metrics, {{key, time, value}}));
  }

  MemoryQueue queue_;
};

TEST_F(BatchTest, HoldsTheOldestRecordsAfterThoseThatAreSkipped) {
  store("c", 3, "three");
  store("a", 1, "one");
  queue_.put_key(wrapped_metrics, "b", 2);
  store("d", 4, "");
  EXPECT_THAT(read({0, 10, 1000}), ElementsAre(Pair("a", "one"), Pair("b", std::nullopt),
                                               Pair("c", "three"), Pair("d", "")));
  EXPECT_THAT(read({1, 2, 1000}), ElementsAre(Pair("b", std::nullopt), Pair("c", "three")));
  EXPECT_THAT(read({4, 2, 1000}), IsEmpty());
}

TEST_F(BatchTest, EndsWhenItHasTheBytesThatWereAskedFor) {
  for (int i = 0; i < 3500; ++i) {
    store("key-" + std::to_string(i), i, std::string(10, 'x'));
  }
  EXPECT_THAT(read({0, 3200, 1'000'000}), SizeIs(3200));
  EXPECT_THAT(read({0, 3200, 10'001}), SizeIs(2000));  // In whole windows.
  EXPECT_THAT(read({100, 3200, 1}), SizeIs(1000));
}

TEST_F(BatchTest, IsNotReadInPart) {
  for (int i = 0; i < 1500; ++i) {
    store("key-" + std::to_string(i), i, "x");
  }
  for (int fails = 0; fails < 3; ++fails) {
    queue_.on_call = [this, calls = 0, fails](std::string_view) mutable {
      queue_.failure = calls++ == fails
                           ? std::optional(QueueError{QueueErrc::unreachable, "Redis is away"})
                           : std::nullopt;
    };
    EXPECT_FALSE(read_batch(queue_, wrapped_metrics, {0, 10'000, 1'000'000})) << fails;
  }
}

TEST_F(BatchTest, CanBeWithoutSomeRecords) {
  store("a", 1, "one");
  queue_.put_key(wrapped_metrics, "b", 2);
  store("c", 3, "three");
  const auto batch = read_batch(queue_, wrapped_metrics, {0, 10, 1000}).value();
  PackedStrings keys;
  EXPECT_EQ(unpack(without(batch, keys)), unpack(batch));
  keys.push_back("x");
  keys.push_back("a");
  EXPECT_THAT(unpack(without(batch, keys)),
              ElementsAre(Pair("b", std::nullopt), Pair("c", "three")));
  EXPECT_THAT(unpack(without(batch, batch.keys)), IsEmpty());
}

}  // namespace
}  // namespace chouette
