#include "queue/oldest_waiting.hpp"

#include <algorithm>

namespace chouette {

QueueResult<std::optional<double>> oldest_waiting(Queue& queue, QueueName name) {
  auto oldest = queue.oldest(name);
  if (!oldest || name != raw_metrics) {
    return oldest;
  }
  auto taken = queue.oldest(raw_taken);
  if (!taken || !*oldest) {
    return taken;
  }
  return *taken ? std::min(*oldest, *taken) : oldest;
}

}  // namespace chouette
