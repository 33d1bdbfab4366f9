#include "queue/memory_queue.hpp"

#include <fnmatch.h>

namespace chouette {

std::set<std::pair<double, std::string_view>> MemoryQueue::Stored::by_time() const {
  std::set<std::pair<double, std::string_view>> order;
  for (const auto& [key, timestamp] : keys) {
    order.emplace(timestamp, key);
  }
  return order;
}

void MemoryQueue::Stored::erase(const PackedStrings& removed) {
  for (std::size_t i = 0; i < removed.size(); ++i) {
    const std::string key(removed[i]);
    keys.erase(key);
    values.erase(key);
  }
}

std::optional<QueueError> MemoryQueue::enter(std::string_view call) {
  if (on_call) {
    on_call(call);
  }
  return failure;
}

void MemoryQueue::put_key(QueueName queue, const std::string& key, double timestamp) {
  at(queue).keys[key] = timestamp;
}

void MemoryQueue::put_value(QueueName queue, const std::string& key, const std::string& value) {
  at(queue).values[key] = value;
}

QueueResult<std::optional<double>> MemoryQueue::oldest(QueueName queue, TimeRange range) {
  if (const auto error = enter("oldest")) {
    return tl::unexpected(*error);
  }
  for (const auto& [timestamp, key] : at(queue).by_time()) {
    if (range.contains(timestamp)) {
      return timestamp;
    }
  }
  return std::nullopt;
}

QueueResult<PackedStrings> MemoryQueue::list(QueueName queue, TimeRange range, std::size_t limit,
                                             std::size_t skip) {
  if (const auto error = enter("list")) {
    return tl::unexpected(*error);
  }
  PackedStrings keys;
  for (const auto& [timestamp, key] : at(queue).by_time()) {
    if (!range.contains(timestamp)) {
      continue;
    }
    if (skip > 0) {
      --skip;
    } else if (keys.size() < limit) {
      keys.push_back(key);
    }
  }
  return keys;
}

QueueResult<PackedStrings> MemoryQueue::fetch(QueueName queue, const PackedStrings& keys,
                                              const PackedStrings& /*next*/) {
  if (const auto error = enter("fetch")) {
    return tl::unexpected(*error);
  }
  PackedStrings values;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto found = at(queue).values.find(keys[i]);
    if (found == at(queue).values.end()) {
      values.push_absent();
    } else {
      values.push_back(found->second);
    }
  }
  return values;
}

QueueResult<void> MemoryQueue::store(QueueName queue, const std::vector<NewRecord>& records) {
  if (const auto error = enter("store")) {
    return tl::unexpected(*error);
  }
  for (const auto& record : records) {
    put_key(queue, record.key, record.timestamp);
    put_value(queue, record.key, record.value);
  }
  return {};
}

QueueResult<void> MemoryQueue::replace(QueueName from, const PackedStrings& keys, QueueName to,
                                       const Additions& added) {
  if (const auto error = enter("replace")) {
    return tl::unexpected(*error);
  }
  at(from).erase(keys);
  for (const auto& record : added.records) {
    put_key(to, record.key, record.timestamp);
    put_value(to, record.key, record.value);
  }
  for (const auto& [bucket, marks] : added.seconds) {
    seconds_[bucket].insert(marks.begin(), marks.end());
  }
  return {};
}

QueueResult<std::optional<Taken>> MemoryQueue::take(double until) {
  if (const auto error = enter("take")) {
    return tl::unexpected(*error);
  }
  const auto waiting = at(raw_metrics).by_time();
  if (waiting.empty() || waiting.begin()->first >= until) {
    return std::nullopt;
  }
  return Taken{raw_metrics, {all_time.from, until}};
}

QueueResult<std::vector<std::int64_t>> MemoryQueue::seconds_taken(std::int64_t bucket) {
  if (const auto error = enter("seconds_taken")) {
    return tl::unexpected(*error);
  }
  const auto& marks = seconds_[bucket];
  return std::vector<std::int64_t>(marks.begin(), marks.end());
}

QueueResult<void> MemoryQueue::remove(QueueName queue, const PackedStrings& keys) {
  if (const auto error = enter("remove")) {
    return tl::unexpected(*error);
  }
  at(queue).erase(keys);
  return {};
}

QueueResult<Expired> MemoryQueue::expire(QueueName queue, double before) {
  if (const auto error = enter("expire")) {
    return tl::unexpected(*error);
  }
  auto& stored = at(queue);
  PackedStrings old;
  for (const auto& [timestamp, key] : stored.by_time()) {
    if (timestamp < before && old.size() < expire_batch) {
      old.push_back(key);
    }
  }
  stored.erase(old);
  Expired expired{.records = old.size(), .left = stored.keys.size()};
  std::set<std::string> lone;
  for (const auto& [key, value] : stored.values) {
    if (!stored.keys.contains(key)) {
      lone.insert(key);
    }
  }
  for (const auto& key : stored.lone_values) {
    if (lone.erase(key) > 0) {
      stored.values.erase(key);
      ++expired.halves;
    }
  }
  stored.lone_values = std::move(lone);
  return expired;
}

QueueResult<std::size_t> MemoryQueue::trim(QueueName queue, std::size_t keep) {
  if (const auto error = enter("trim")) {
    return tl::unexpected(*error);
  }
  auto& stored = at(queue);
  PackedStrings excess;
  for (const auto& [timestamp, key] : stored.by_time()) {
    if (stored.keys.size() - excess.size() > keep && excess.size() < expire_batch) {
      excess.push_back(key);
    }
  }
  stored.erase(excess);
  return excess.size();
}

QueueResult<std::size_t> MemoryQueue::size(QueueName queue) {
  if (const auto error = enter("size")) {
    return tl::unexpected(*error);
  }
  const auto taken = queue == raw_metrics ? at(raw_taken).keys.size() : 0;
  return at(queue).keys.size() + taken;
}

QueueResult<HashSizes> MemoryQueue::hash_sizes(const std::string& pattern,
                                               const std::string& /*cursor*/) {
  if (const auto error = enter("hash_sizes")) {
    return tl::unexpected(*error);
  }
  HashSizes found{{}, "0"};
  for (const auto& [key, fields] : hashes) {
    if (::fnmatch(pattern.c_str(), key.c_str(), 0) == 0) {
      found.hashes.push_back({key, fields});
    }
  }
  return found;
}

}  // namespace chouette
