#pragma once

#include <cstddef>

#include "queue/packed_strings.hpp"
#include "queue/queue.hpp"

namespace chouette {

/// Records of a queue: their keys, and as many values, some of which may be absent.
struct Batch {
  PackedStrings keys;
  PackedStrings values;

  std::size_t size() const { return keys.size(); }
  bool empty() const { return keys.empty(); }
};

/// Which records of a queue to read.
struct BatchRange {
  std::size_t skip;   ///< Not the oldest,
  std::size_t limit;  ///< but at most so many of those after them.
  std::size_t bytes;  ///< No more are read when their values have as many bytes together.
};

/// Reads records of `queue`, oldest first.
QueueResult<Batch> read_batch(Queue& queue, QueueName name, const BatchRange& range);

/// The batch without the records of these keys.
Batch without(Batch batch, const PackedStrings& keys);

}  // namespace chouette
