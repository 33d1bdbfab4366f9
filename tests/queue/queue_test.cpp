#include "queue/queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "queue/memory_queue.hpp"
#include "queue/queue_parts.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"

// What any queue promises, asked of the real one and of its twin in memory.

namespace chouette {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;
using namespace std::string_literals;

constexpr auto no_limit = std::numeric_limits<std::size_t>::max();

class InMemory {
public:
  Queue& queue() { return queue_; }
  void put_key(QueueName name, const std::string& key, double timestamp) {
    queue_.put_key(name, key, timestamp);
  }
  void put_value(QueueName name, const std::string& key, const std::string& value) {
    queue_.put_value(name, key, value);
  }

private:
  MemoryQueue queue_;
};

class InRedis {
public:
  Queue& queue() { return queue_; }
  void put_key(QueueName name, const std::string& key, double timestamp) {
    client_.command({"ZADD", std::string(name.keys), std::to_string(timestamp), key});
  }
  void put_value(QueueName name, const std::string& key, const std::string& value) {
    client_.command({"HSET", std::string(name.values), key, value});
  }

private:
  test::RedisServer server_;
  test::RedisClient client_ = server_.client();
  RedisQueue queue_{by_socket(server_)};
};

template <class Storage>
class QueueTest : public testing::Test {
protected:
  using Texts = std::vector<std::string>;

  static PackedStrings pack(const Texts& texts) {
    PackedStrings packed;
    for (const auto& text : texts) {
      packed.push_back(text);
    }
    return packed;
  }

  static Texts unpack(const QueueResult<PackedStrings>& packed) {
    EXPECT_TRUE(packed) << packed.error().message;
    Texts texts;
    for (std::size_t i = 0; packed && i < packed->size(); ++i) {
      texts.emplace_back(packed->present(i) ? (*packed)[i] : "(absent)");
    }
    return texts;
  }

  Texts list(TimeRange range = all_time, std::size_t limit = 1'000'000,
             QueueName name = raw_metrics) {
    return unpack(queue().list(name, range, limit));
  }

  Texts fetch(const Texts& keys, QueueName name = raw_metrics) {
    return unpack(queue().fetch(name, pack(keys)));
  }

  void store(const std::vector<NewRecord>& records, QueueName name = raw_metrics) {
    const auto stored = queue().store(name, records);
    EXPECT_TRUE(stored) << stored.error().message;
  }

  void remove(const Texts& keys, QueueName name = raw_metrics) {
    const auto removed = queue().remove(name, pack(keys));
    EXPECT_TRUE(removed) << removed.error().message;
  }

  std::pair<std::size_t, std::size_t> expire(double before, QueueName name = raw_metrics) {
    const auto expired = queue().expire(name, before);
    EXPECT_TRUE(expired) << expired.error().message;
    return expired ? std::pair(expired->records, expired->halves) : std::pair(no_limit, no_limit);
  }

  std::size_t size(QueueName name = raw_metrics) {
    const auto size = queue().size(name);
    EXPECT_TRUE(size) << size.error().message;
    return size.value_or(no_limit);
  }

  std::optional<double> oldest(QueueName name = raw_metrics) {
    const auto oldest = queue().oldest(name);
    EXPECT_TRUE(oldest) << oldest.error().message;
    return oldest ? *oldest : std::nullopt;
  }

  static std::vector<NewRecord> many(std::size_t count, double from = 0) {
    std::vector<NewRecord> records;
    for (std::size_t i = 0; i < count; ++i) {
      records.push_back({"key-" + std::to_string(i), from + static_cast<double>(i),
                         "value-" + std::to_string(i)});
    }
    return records;
  }

  Queue& queue() { return storage_.queue(); }

  Storage storage_;
};

using Storages = testing::Types<InMemory, InRedis>;
class StorageNames {
public:
  template <class Storage>
  static std::string GetName(int) {  // NOLINT(readability-identifier-naming): googletest's
    return std::is_same_v<Storage, InMemory> ? "Memory" : "Redis";
  }
};
TYPED_TEST_SUITE(QueueTest, Storages, StorageNames);

TYPED_TEST(QueueTest, IsEmptyAtFirst) {
  EXPECT_EQ(this->size(), 0);
  EXPECT_EQ(this->oldest(), std::nullopt);
  EXPECT_THAT(this->list(), IsEmpty());
  EXPECT_THAT(this->fetch({"a"}), ElementsAre("(absent)"));
  EXPECT_EQ(this->expire(1e9), std::pair(0UL, 0UL));
  this->remove({"a"});
}

TYPED_TEST(QueueTest, GivesBackWhatWasStored) {
  this->store({{"b", 2, "two"}, {"a", 1.5, "one"}});
  EXPECT_EQ(this->size(), 2);
  EXPECT_EQ(this->oldest(), 1.5);
  EXPECT_THAT(this->list(), ElementsAre("a", "b"));
  EXPECT_THAT(this->fetch({"a", "b"}), ElementsAre("one", "two"));
}

TYPED_TEST(QueueTest, KeepsItsQueuesApart) {
  this->store({{"a", 1, "raw"}}, raw_metrics);
  this->store({{"a", 2, "wrapped"}, {"b", 3, "more"}}, wrapped_metrics);
  this->store({{"a", 4, "log"}}, wrapped_logs);
  EXPECT_THAT(this->fetch({"a"}, raw_metrics), ElementsAre("raw"));
  EXPECT_THAT(this->fetch({"a"}, wrapped_metrics), ElementsAre("wrapped"));
  EXPECT_THAT(this->fetch({"a"}, wrapped_logs), ElementsAre("log"));
  EXPECT_EQ(this->size(raw_metrics), 1);
  EXPECT_EQ(this->size(wrapped_metrics), 2);
  EXPECT_EQ(this->oldest(wrapped_logs), 4);
  this->remove({"a"}, raw_metrics);
  EXPECT_EQ(this->expire(10, wrapped_metrics), std::pair(2UL, 0UL));
  EXPECT_THAT(this->fetch({"a"}, wrapped_logs), ElementsAre("log"));
}

TYPED_TEST(QueueTest, StoresARecordTwiceAsOne) {
  this->store({{"a", 1, "one"}});
  this->store({{"a", 1, "one"}});
  EXPECT_EQ(this->size(), 1);
  this->store({{"a", 2, "other"}});
  EXPECT_EQ(this->size(), 1);
  EXPECT_EQ(this->oldest(), 2);
  EXPECT_THAT(this->fetch({"a"}), ElementsAre("other"));
}

TYPED_TEST(QueueTest, FetchesInTheOrderAskedWithRepetitionsAndGaps) {
  this->store({{"a", 1, "one"}, {"b", 2, ""}});
  EXPECT_THAT(this->fetch({"b", "x", "a", "a", ""}),
              ElementsAre("", "(absent)", "one", "one", "(absent)"));
}

TYPED_TEST(QueueTest, FetchesByTheGapsOfAPackedListToo) {
  this->store({{"", 1, "of the empty key"}});
  EXPECT_THAT(this->fetch({""}), ElementsAre("of the empty key"));
}

TYPED_TEST(QueueTest, FetchesWhatWasToldToComeNextAndWhatWasNot) {
  using Texts = std::vector<std::string>;
  std::vector<NewRecord> records;
  Texts keys;
  Texts values;
  for (int i = 0; i < 4000; ++i) {
    keys.push_back("key-" + std::to_string(i));
    values.push_back("value-" + std::to_string(i));
    records.push_back({keys.back(), static_cast<double>(i), values.back()});
  }
  this->store(records);
  constexpr std::size_t window = 1100;
  const auto part = [](const Texts& texts, std::size_t i) {
    return Texts(texts.begin() + std::min(i * window, texts.size()),
                 texts.begin() + std::min((i + 1) * window, texts.size()));
  };
  const auto fetch = [&](std::size_t i, std::size_t next) {
    return this->unpack(
        this->queue().fetch(raw_metrics, this->pack(part(keys, i)), this->pack(part(keys, next))));
  };
  // As told,
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(fetch(i, i + 1), part(values, i));
  }
  // and not: others, those of another queue, none, and other calls between.
  EXPECT_EQ(fetch(0, 1), part(values, 0));
  EXPECT_EQ(fetch(2, 3), part(values, 2));
  EXPECT_THAT(this->fetch({keys[3 * window]}, wrapped_metrics), ElementsAre("(absent)"));
  EXPECT_EQ(fetch(3, 0), part(values, 3));
  EXPECT_EQ(this->queue().size(raw_metrics), 4000U);
  this->store({records[0]}, wrapped_metrics);
  EXPECT_EQ(fetch(0, 1), part(values, 0));
  EXPECT_THAT(this->fetch({}), IsEmpty());
  EXPECT_EQ(fetch(1, 4), part(values, 1));
}

TYPED_TEST(QueueTest, IsSafeForAnyBytes) {
  const auto key = "k\0\r\n\xff \"$-1\r\n"s;
  const auto value = "\0\r\n\xff*3\r\n$3\r\n"s + std::string(1, '\0');
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) {
    every_byte += static_cast<char>(byte);
  }
  this->store({{key, 1, value}, {every_byte, 2, every_byte}, {"", 3, ""}});
  EXPECT_THAT(this->list(), ElementsAre(key, every_byte, ""));
  EXPECT_THAT(this->fetch({key, every_byte, ""}), ElementsAre(value, every_byte, ""));
  this->remove({key, ""});
  EXPECT_THAT(this->list(), ElementsAre(every_byte));
}

TYPED_TEST(QueueTest, TakesAValueOfAnyLength) {
  const std::string value(3'000'000, 'x');
  this->store({{"a", 1, value}});
  EXPECT_THAT(this->fetch({"a"}), ElementsAre(value));
}

TYPED_TEST(QueueTest, ListsOldestFirst) {
  this->store({{"c", 3, ""}, {"a", 1, ""}, {"d", 4.25, ""}, {"b", 2, ""}});
  EXPECT_THAT(this->list(), ElementsAre("a", "b", "c", "d"));
  this->store({{"e", 0.5, ""}});
  EXPECT_THAT(this->list(), ElementsAre("e", "a", "b", "c", "d"));
}

TYPED_TEST(QueueTest, ListsRecordsOfOneTimeByKey) {
  this->store({{"b", 1, ""}, {"a", 1, ""}, {"B", 1, ""}, {"ab", 1, ""}});
  EXPECT_THAT(this->list(), ElementsAre("B", "a", "ab", "b"));
}

TYPED_TEST(QueueTest, ListsFromTheBeginningOfARangeToBeforeItsEnd) {
  this->store({{"a", 10, ""}, {"b", 19.999, ""}, {"c", 20, ""}, {"d", 29.999, ""}, {"e", 30, ""}});
  EXPECT_THAT(this->list({10, 20}), ElementsAre("a", "b"));
  EXPECT_THAT(this->list({20, 30}), ElementsAre("c", "d"));
  EXPECT_THAT(this->list({-INFINITY, 20}), ElementsAre("a", "b"));
  EXPECT_THAT(this->list({20, INFINITY}), ElementsAre("c", "d", "e"));
  EXPECT_THAT(this->list({20, 20}), IsEmpty());
  EXPECT_THAT(this->list({30, 10}), IsEmpty());
  EXPECT_THAT(this->list({40, 50}), IsEmpty());
}

TYPED_TEST(QueueTest, ComparesTimesToTheLastBit) {
  const auto time = 1590000000.123;
  const auto before = std::nextafter(time, 0);
  const auto after = std::nextafter(time, INFINITY);
  this->store({{"a", time, ""}});
  EXPECT_EQ(this->oldest(), time);
  EXPECT_THAT(this->list({time, after}), ElementsAre("a"));
  EXPECT_THAT(this->list({before, time}), IsEmpty());
  EXPECT_EQ(this->expire(time), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(after), std::pair(1UL, 0UL));
}

TYPED_TEST(QueueTest, ListsNoMoreThanAsked) {
  this->store({{"a", 1, ""}, {"b", 2, ""}, {"c", 3, ""}});
  EXPECT_THAT(this->list(all_time, 0), IsEmpty());
  EXPECT_THAT(this->list(all_time, 1), ElementsAre("a"));
  EXPECT_THAT(this->list(all_time, 2), ElementsAre("a", "b"));
  EXPECT_THAT(this->list(all_time, 3), SizeIs(3));
  EXPECT_THAT(this->list(all_time, no_limit), SizeIs(3));
  EXPECT_THAT(this->list({2, 4}, 1), ElementsAre("b"));
}

TYPED_TEST(QueueTest, ListsWithoutTheOldestIfAskedTo) {
  this->store({{"a", 1, ""}, {"b", 2, ""}, {"c", 2, ""}, {"d", 4, ""}});
  const auto list = [this](TimeRange range, std::size_t limit, std::size_t skip) {
    return this->unpack(this->queue().list(raw_metrics, range, limit, skip));
  };
  EXPECT_THAT(list(all_time, 10, 1), ElementsAre("b", "c", "d"));
  EXPECT_THAT(list(all_time, 1, 2), ElementsAre("c"));
  EXPECT_THAT(list(all_time, no_limit, 3), ElementsAre("d"));
  EXPECT_THAT(list(all_time, 10, 4), IsEmpty());
  EXPECT_THAT(list(all_time, 10, 1'000'000), IsEmpty());
  EXPECT_THAT(list(all_time, 0, 1), IsEmpty());
  EXPECT_THAT(list({2, 5}, 10, 1), ElementsAre("c", "d"));
}

TYPED_TEST(QueueTest, OrdersWeirdTimes) {
  this->store({{"e", INFINITY, ""},
               {"d", 1e300, ""},
               {"a", -INFINITY, ""},
               {"b", -1e300, ""},
               {"c", 5e-324, ""}});
  EXPECT_THAT(this->list(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(this->oldest(), -INFINITY);
  EXPECT_THAT(this->list({0, INFINITY}), ElementsAre("c", "d", "e"));
  EXPECT_THAT(this->list({INFINITY, INFINITY}), ElementsAre("e"));
  EXPECT_THAT(this->list({-INFINITY, -1e300}), ElementsAre("a"));
  EXPECT_THAT(this->list({-INFINITY, -INFINITY}), IsEmpty());
  EXPECT_THAT(this->list({1e300, 1e301}), ElementsAre("d"));
  EXPECT_EQ(this->expire(-INFINITY), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(1e9), std::pair(3UL, 0UL));
  EXPECT_EQ(this->oldest(), 1e300);
  this->remove({"d"});
  EXPECT_EQ(this->oldest(), INFINITY);
}

TYPED_TEST(QueueTest, RemovesJustWhatItIsTold) {
  this->store({{"a", 1, "one"}, {"b", 2, "two"}, {"c", 3, "three"}});
  this->remove({"b", "x", "b"});
  EXPECT_THAT(this->list(), ElementsAre("a", "c"));
  EXPECT_THAT(this->fetch({"a", "b", "c"}), ElementsAre("one", "(absent)", "three"));
  this->remove({"b"});
  EXPECT_EQ(this->size(), 2);
}

TYPED_TEST(QueueTest, RemovesHalfRecordsThatAreNamed) {
  this->storage_.put_key(raw_metrics, "lone key", 1);
  this->storage_.put_value(raw_metrics, "lone value", "x");
  EXPECT_THAT(this->list(), ElementsAre("lone key"));
  EXPECT_THAT(this->fetch({"lone key", "lone value"}), ElementsAre("(absent)", "x"));
  this->remove({"lone key", "lone value"});
  EXPECT_EQ(this->size(), 0);
  EXPECT_THAT(this->fetch({"lone value"}), ElementsAre("(absent)"));
}

TYPED_TEST(QueueTest, ReplacesRecordsByThoseOfAnotherQueue) {
  this->store({{"a", 1, "one"}, {"b", 2, "two"}, {"c", 3, "three"}});
  this->store({{"w0", 0, "before"}}, wrapped_metrics);
  const auto done = this->queue().replace(raw_metrics, this->pack({"a", "b"}), wrapped_metrics,
                                          added({{"w1", 1, "onetwo"}}));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(this->list(), ElementsAre("c"));
  EXPECT_THAT(this->fetch({"a", "b", "c"}), ElementsAre("(absent)", "(absent)", "three"));
  EXPECT_THAT(this->list(all_time, 10, wrapped_metrics), ElementsAre("w0", "w1"));
  EXPECT_THAT(this->fetch({"w1"}, wrapped_metrics), ElementsAre("onetwo"));
}

TYPED_TEST(QueueTest, DoesNoHarmWhenTheSameReplacementIsRepeated) {
  this->store({{"a", 1, "one"}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(this->queue().replace(raw_metrics, this->pack({"a"}), wrapped_metrics,
                                      {{{"w", 1, "one"}}}));
  }
  EXPECT_EQ(this->size(raw_metrics), 0);
  EXPECT_EQ(this->size(wrapped_metrics), 1);
}

TYPED_TEST(QueueTest, RemembersTheSecondsTaken) {
  constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
  constexpr auto highest = std::numeric_limits<std::int64_t>::max();
  const auto marks = [this](std::int64_t bucket) {
    const auto taken = this->queue().seconds_taken(bucket);
    EXPECT_TRUE(taken) << taken.error().message;
    return taken.value_or(std::vector<std::int64_t>{404});
  };
  EXPECT_THAT(marks(10), IsEmpty());
  this->store({{"a", 11, "one"}});
  ASSERT_TRUE(this->queue().replace(raw_metrics, this->pack({"a"}), wrapped_metrics,
                                    added({{"w", 11, "w"}}, {{10, {lowest, -1, 0}}, {20, {7}}})));
  EXPECT_THAT(marks(10), UnorderedElementsAre(lowest, -1, 0));
  EXPECT_THAT(marks(20), ElementsAre(7));
  EXPECT_THAT(marks(30), IsEmpty());
  ASSERT_TRUE(this->queue().replace(raw_metrics, {}, wrapped_metrics,
                                    added({}, {{10, {0, highest}}, {30, {}}})));
  EXPECT_THAT(marks(10), UnorderedElementsAre(lowest, -1, 0, highest));
  EXPECT_THAT(marks(30), IsEmpty());
  EXPECT_EQ(this->size(raw_metrics), 0);
  EXPECT_EQ(this->size(wrapped_metrics), 1);
}

TYPED_TEST(QueueTest, RemembersManySecondsTaken) {
  std::vector<std::int64_t> marks(5000);
  std::iota(marks.begin(), marks.end(), 0);
  ASSERT_TRUE(this->queue().replace(raw_metrics, {}, wrapped_metrics, added({}, {{10, marks}})));
  EXPECT_THAT(*this->queue().seconds_taken(10), UnorderedElementsAreArray(marks));
}

TYPED_TEST(QueueTest, TakesEmptyArguments) {
  this->store({{"a", 1, "one"}});
  this->store({});
  this->remove({});
  EXPECT_THAT(this->fetch({}), IsEmpty());
  EXPECT_TRUE(this->queue().replace(raw_metrics, {}, wrapped_metrics, {}));
  EXPECT_EQ(this->size(raw_metrics), 1);
  EXPECT_EQ(this->size(wrapped_metrics), 0);
  EXPECT_TRUE(this->queue().replace(raw_metrics, {}, wrapped_metrics, {{{"w", 1, "w"}}}));
  EXPECT_TRUE(this->queue().replace(raw_metrics, this->pack({"a"}), wrapped_metrics, {}));
  EXPECT_EQ(this->size(raw_metrics), 0);
  EXPECT_EQ(this->size(wrapped_metrics), 1);
}

TYPED_TEST(QueueTest, MovesBigBatches) {
  constexpr std::size_t count = 5000;
  const auto records = this->many(count);
  this->store(records);
  EXPECT_EQ(this->size(), count);
  const auto keys = this->list();
  ASSERT_THAT(keys, SizeIs(count));
  EXPECT_EQ(keys.front(), "key-0");
  EXPECT_EQ(keys.back(), "key-4999");
  const auto values = this->fetch(keys);
  ASSERT_THAT(values, SizeIs(count));
  EXPECT_EQ(values.front(), "value-0");
  EXPECT_EQ(values.back(), "value-4999");
  ASSERT_TRUE(
      this->queue().replace(raw_metrics, this->pack(keys), wrapped_metrics, added(records)));
  EXPECT_EQ(this->size(raw_metrics), 0);
  EXPECT_EQ(this->size(wrapped_metrics), count);
  EXPECT_EQ(this->fetch(keys, wrapped_metrics), values);
  EXPECT_THAT(this->fetch({"key-0", "key-4999"}), ElementsAre("(absent)", "(absent)"));
  this->remove(keys, wrapped_metrics);
  EXPECT_EQ(this->size(wrapped_metrics), 0);
}

TYPED_TEST(QueueTest, MovesBatchesJustAtTheBorders) {
  for (const std::size_t count : {1U, 999U, 1000U, 1001U, 2000U}) {
    const auto records = this->many(count);
    this->store(records);
    EXPECT_EQ(this->size(), count);
    this->remove(this->list());
    EXPECT_EQ(this->size(), 0) << count;
    EXPECT_THAT(this->fetch({records.back().key}), ElementsAre("(absent)"));
  }
}

TYPED_TEST(QueueTest, TrimsTheOldestBeyondWhatIsToBeKept) {
  this->store({{"c", 3, "three"}, {"a", 1, "one"}, {"b", 2, "two"}});
  EXPECT_EQ(this->queue().trim(raw_metrics, 3).value(), 0UL);
  EXPECT_EQ(this->queue().trim(raw_metrics, 2).value(), 1UL);
  EXPECT_THAT(this->list(), ElementsAre("b", "c"));
  EXPECT_THAT(this->fetch({"a", "b"}), ElementsAre("(absent)", "two"));
  EXPECT_EQ(this->queue().trim(raw_metrics, 0).value(), 2UL);
  EXPECT_EQ(this->size(), 0);
  EXPECT_EQ(this->queue().trim(raw_metrics, 0).value(), 0UL);
}

TYPED_TEST(QueueTest, TrimsAtMostABatch) {
  this->store(this->many(expire_batch + 10, 100));
  EXPECT_EQ(this->queue().trim(raw_metrics, 5).value(), expire_batch);
  EXPECT_EQ(this->queue().trim(raw_metrics, 5).value(), 5UL);
  EXPECT_EQ(this->size(), 5);
}

TYPED_TEST(QueueTest, GivesTheOldestWithinARange) {
  this->store({{"a", 1, "one"}, {"b", 20, "two"}, {"c", 30, "three"}});
  EXPECT_EQ(this->queue().oldest(raw_metrics, {2, 30}).value(), 20);
  EXPECT_EQ(this->queue().oldest(raw_metrics, {2, 20}).value(), std::nullopt);
  EXPECT_EQ(this->queue().oldest(raw_metrics, {30, all_time.to}).value(), 30);
}

TYPED_TEST(QueueTest, ExpiresWhatIsOlder) {
  this->store({{"a", 1, ""}, {"b", 9.999, ""}, {"c", 10, ""}, {"d", 11, ""}});
  EXPECT_EQ(this->expire(10), std::pair(2UL, 0UL));
  EXPECT_THAT(this->list(), ElementsAre("c", "d"));
  EXPECT_THAT(this->fetch({"a", "b"}), ElementsAre("(absent)", "(absent)"));
  EXPECT_EQ(this->expire(10), std::pair(0UL, 0UL));
}

TYPED_TEST(QueueTest, ExpiresAtMostABatchTheOldestFirst) {
  this->store(this->many(expire_batch + 5));
  EXPECT_EQ(this->expire(1e9), std::pair(expire_batch, std::size_t{0}));
  EXPECT_EQ(this->size(), 5);
  EXPECT_EQ(this->oldest(), static_cast<double>(expire_batch));
  EXPECT_EQ(this->expire(1e9), std::pair(5UL, 0UL));
  EXPECT_EQ(this->size(), 0);
}

TYPED_TEST(QueueTest, TellsHowManyRecordsAreLeft) {
  this->store({{"a", 1, ""}, {"b", 10, ""}, {"c", 11, ""}});
  EXPECT_EQ(this->queue().expire(raw_metrics, 10).value().left, 2U);
  EXPECT_EQ(this->queue().expire(raw_metrics, 10).value().left, 2U);
  EXPECT_EQ(this->queue().expire(raw_metrics, 1e9).value().left, 0U);
}

TYPED_TEST(QueueTest, ExpiresKeysWithoutAValue) {
  this->storage_.put_key(raw_metrics, "lone", 5);
  EXPECT_EQ(this->expire(5), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(6), std::pair(1UL, 0UL));
  EXPECT_EQ(this->size(), 0);
}

TYPED_TEST(QueueTest, RemovesValuesThatHadNoKeyInTwoCallsInARow) {
  this->store({{"a", 100, "whole"}});
  this->storage_.put_value(raw_metrics, "lone", "x");
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  EXPECT_THAT(this->fetch({"lone"}), ElementsAre("x"));
  EXPECT_EQ(this->expire(1), std::pair(0UL, 1UL));
  EXPECT_THAT(this->fetch({"lone", "a"}), ElementsAre("(absent)", "whole"));
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
}

TYPED_TEST(QueueTest, KeepsAValueWhoseKeyComesLate) {
  this->storage_.put_value(raw_metrics, "late", "x");
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  this->storage_.put_key(raw_metrics, "late", 100);
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  EXPECT_THAT(this->fetch({"late"}), ElementsAre("x"));
}

TYPED_TEST(QueueTest, CountsTheCallsAnewForAValueThatHadAKeyMeanwhile) {
  this->storage_.put_value(raw_metrics, "a", "x");
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  this->storage_.put_key(raw_metrics, "a", 100);
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  this->remove({"a"});
  this->storage_.put_value(raw_metrics, "a", "y");
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(1), std::pair(0UL, 1UL));
}

TYPED_TEST(QueueTest, KeepsLoneValuesOfOneQueueApartFromThoseOfAnother) {
  this->storage_.put_value(raw_metrics, "lone", "x");
  this->storage_.put_value(wrapped_logs, "lone", "x");
  EXPECT_EQ(this->expire(1, raw_metrics), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(1, wrapped_logs), std::pair(0UL, 0UL));
  EXPECT_EQ(this->expire(1, raw_metrics), std::pair(0UL, 1UL));
  EXPECT_EQ(this->expire(1, wrapped_logs), std::pair(0UL, 1UL));
}

TYPED_TEST(QueueTest, RemovesAllLoneValuesInTime) {
  constexpr std::size_t count = 2500;
  for (std::size_t i = 0; i < count; ++i) {
    this->storage_.put_value(raw_metrics, "lone-" + std::to_string(i), "x");
  }
  this->store(this->many(1500, 100));
  std::size_t removed = 0;
  for (int call = 0; call < 20 && removed < count; ++call) {
    removed += this->expire(1).second;
  }
  EXPECT_EQ(removed, count);
  EXPECT_EQ(this->size(), 1500);
  EXPECT_EQ(this->expire(1), std::pair(0UL, 0UL));
}

// A lone key may hide a lone value, but no longer than until it is worked off itself.
TYPED_TEST(QueueTest, RemovesALoneValueAfterALoneKey) {
  this->storage_.put_key(raw_metrics, "lone key", 100);
  this->storage_.put_value(raw_metrics, "lone value", "x");
  auto removed = this->expire(1).second + this->expire(1).second;
  EXPECT_THAT(this->list(), ElementsAre("lone key"));
  this->remove({"lone key"});
  removed += this->expire(1).second + this->expire(1).second;
  EXPECT_EQ(removed, 1);
  EXPECT_THAT(this->fetch({"lone value"}), ElementsAre("(absent)"));
}

TEST(MemoryQueue, FailsAsToldAndChangesNothing) {
  MemoryQueue queue;
  ASSERT_TRUE(queue.store(raw_metrics, {{"a", 1, "one"}}));
  queue.failure = QueueError{QueueErrc::unreachable, "away"};
  PackedStrings keys;
  keys.push_back("a");
  EXPECT_EQ(queue.store(raw_metrics, {{"b", 1, ""}}).error().code, QueueErrc::unreachable);
  EXPECT_FALSE(queue.remove(raw_metrics, keys));
  EXPECT_FALSE(queue.replace(raw_metrics, keys, wrapped_metrics, {{{"b", 1, ""}}}));
  EXPECT_FALSE(queue.expire(raw_metrics, 10));
  EXPECT_FALSE(queue.oldest(raw_metrics));
  EXPECT_FALSE(queue.list(raw_metrics, all_time, 1));
  EXPECT_FALSE(queue.fetch(raw_metrics, keys));
  EXPECT_FALSE(queue.size(raw_metrics));
  queue.failure.reset();
  EXPECT_EQ(queue.size(raw_metrics), 1U);
  EXPECT_EQ(queue.size(wrapped_metrics), 0U);
}

TEST(MemoryQueue, TellsOfEachCall) {
  MemoryQueue queue;
  std::vector<std::string> calls;
  queue.on_call = [&calls](std::string_view call) { calls.emplace_back(call); };
  static_cast<void>(queue.store(raw_metrics, {}));
  static_cast<void>(queue.replace(raw_metrics, {}, wrapped_metrics, {}));
  static_cast<void>(queue.size(raw_metrics));
  EXPECT_THAT(calls, ElementsAre("store", "replace", "size"));
}

}  // namespace
}  // namespace chouette
