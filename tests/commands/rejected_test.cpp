#include "commands/rejected.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "intake/rejected_record.hpp"
#include "queue/memory_queue.hpp"

namespace chouette {
namespace {

class RejectedCommand : public ::testing::Test {
protected:
  RejectedCommand() {
    const std::string metric = R"({"metric":"a","points":[[1590000000,1]],"type":"gauge"})";
    EXPECT_TRUE(queue_.store(rejected_metrics,
                             {{"k1", 1795416000, to_json(RejectedRecord{"HTTP 400: no", metric})},
                              {"k2", 1795416001, "not ours"}}));
    EXPECT_TRUE(queue_.store(
        rejected_logs, {{"l1", 1795416002, to_json(RejectedRecord{"HTTP 413", "{\"x\":1}"})}}));
  }

  MemoryQueue queue_;
  std::ostringstream out_;
  std::ostringstream errors_;
};

TEST_F(RejectedCommand, ListsRecordsWithTheIntakesAnswer) {
  EXPECT_TRUE(list_rejected(queue_, out_, errors_));
  EXPECT_EQ(
      out_.str(),
      "metric  HTTP 400: no  {\"metric\":\"a\",\"points\":[[1590000000,1]],\"type\":\"gauge\"}\n"
      "log  HTTP 413  {\"x\":1}\n"
      "2 rejected records\n");
  EXPECT_EQ(queue_.size(rejected_metrics).value(), 2U);
}

TEST_F(RejectedCommand, RequeuesRecordsAsTheyWere) {
  EXPECT_TRUE(requeue_rejected(queue_, out_, errors_));
  EXPECT_EQ(out_.str(), "1 metrics are queued again\n1 logs are queued again\n");
  EXPECT_EQ(queue_.size(rejected_metrics).value(), 1U);  // What is not ours stays.
  EXPECT_EQ(queue_.size(rejected_logs).value(), 0U);
  EXPECT_EQ(queue_.oldest(wrapped_metrics).value(), 1590000000);
  const auto keys = queue_.list(wrapped_metrics, all_time, 10).value();
  EXPECT_EQ(queue_.fetch(wrapped_metrics, keys).value()[0],
            R"({"metric":"a","points":[[1590000000,1]],"type":"gauge"})");
}

TEST_F(RejectedCommand, SaysWhyRedisCannotBeRead) {
  queue_.failure = QueueError{QueueErrc::unreachable, "no connection"};
  EXPECT_FALSE(list_rejected(queue_, out_, errors_));
  EXPECT_FALSE(requeue_rejected(queue_, out_, errors_));
  EXPECT_EQ(errors_.str(), "no connection\nno connection\n");
}

}  // namespace
}  // namespace chouette
