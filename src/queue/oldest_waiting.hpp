#pragma once

#include <optional>

#include "queue/queue.hpp"

namespace chouette {

/// The timestamp of the oldest record that waits in `name`; of `raw_metrics` also of those that are
/// set aside.
QueueResult<std::optional<double>> oldest_waiting(Queue& queue, QueueName name);

}  // namespace chouette
