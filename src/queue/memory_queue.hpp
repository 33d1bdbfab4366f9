#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "queue/queue.hpp"

namespace chouette {

/// The queues in memory, with the promises of the real ones: for tests of what stands above them.
/// It sets nothing aside.
class MemoryQueue : public Queue {
public:
  /// While set, each call fails with it and changes nothing.
  std::optional<QueueError> failure;

  /// Called at the start of each call with its name, for tests that fail the n-th of a kind.
  std::function<void(std::string_view call)> on_call;

  /// For tests: hashes beside the queues, by key.
  std::map<std::string, std::size_t> hashes;

  /// For tests: half a record.
  void put_key(QueueName queue, const std::string& key, double timestamp);
  void put_value(QueueName queue, const std::string& key, const std::string& value);

  QueueResult<std::optional<double>> oldest(QueueName queue, TimeRange range = all_time) override;
  QueueResult<PackedStrings> list(QueueName queue, TimeRange range, std::size_t limit,
                                  std::size_t skip = 0) override;
  QueueResult<PackedStrings> fetch(QueueName queue, const PackedStrings& keys,
                                   const PackedStrings& next = {}) override;
  QueueResult<void> store(QueueName queue, const std::vector<NewRecord>& records) override;
  QueueResult<void> replace(QueueName from, const PackedStrings& keys, QueueName to,
                            const Additions& added) override;
  QueueResult<std::optional<Taken>> take(double until) override;
  QueueResult<std::vector<std::int64_t>> seconds_taken(std::int64_t bucket) override;
  QueueResult<void> remove(QueueName queue, const PackedStrings& keys) override;
  QueueResult<Expired> expire(QueueName queue, double before) override;
  QueueResult<std::size_t> trim(QueueName queue, std::size_t keep) override;
  QueueResult<std::size_t> size(QueueName queue) override;
  QueueResult<HashSizes> hash_sizes(const std::string& pattern, const std::string& cursor) override;

private:
  struct Stored {
    std::map<std::string, double, std::less<>> keys;
    std::map<std::string, std::string, std::less<>> values;
    std::set<std::string> lone_values;

    std::set<std::pair<double, std::string_view>> by_time() const;
    void erase(const PackedStrings& removed);
  };

  std::optional<QueueError> enter(std::string_view call);
  Stored& at(QueueName queue) { return queues_[queue.keys]; }

  std::map<std::string_view, Stored> queues_;
  std::map<std::int64_t, std::set<std::int64_t>> seconds_;
};

}  // namespace chouette
