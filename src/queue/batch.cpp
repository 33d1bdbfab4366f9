#include "queue/batch.hpp"

#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace chouette {

namespace {

/// Records whose values are fetched at a time.
constexpr std::size_t window = 1000;

}  // namespace

QueueResult<Batch> read_batch(Queue& queue, QueueName name, const BatchRange& range) {
  auto keys = queue.list(name, all_time, range.limit, range.skip);
  if (!keys) {
    return tl::unexpected(keys.error());
  }
  PackedStrings values;
  while (values.size() < keys->size() && values.bytes() < range.bytes) {
    const auto fetched = queue.fetch(name, keys->slice(values.size(), window));
    if (!fetched) {
      return tl::unexpected(fetched.error());
    }
    values.append(*fetched);
  }
  if (values.size() < keys->size()) {
    *keys = keys->slice(0, values.size());
  }
  return Batch{std::move(*keys), std::move(values)};
}

Batch without(Batch batch, const PackedStrings& keys) {
  std::unordered_set<std::string_view> unwanted;
  unwanted.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    unwanted.insert(keys[i]);
  }
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!unwanted.contains(batch.keys[i])) {
      wanted.push_back(i);
    }
  }
  if (wanted.size() == batch.size()) {
    return batch;  // As nearly always: no copy.
  }
  Batch rest;
  for (const auto i : wanted) {
    rest.keys.push_back_of(batch.keys, i);
    rest.values.push_back_of(batch.values, i);
  }
  return rest;
}

}  // namespace chouette
