#pragma once

#include <array>
#include <string_view>

#include "queue/queue.hpp"

namespace chouette {

struct NamedQueue {
  std::string_view name;
  QueueName queue;
};

/// All queues, by the names that people read in the status and in what `check` says.
inline constexpr std::array<NamedQueue, 5> named_queues{{{"raw metrics", raw_metrics},
                                                         {"points", wrapped_metrics},
                                                         {"logs", wrapped_logs},
                                                         {"refused metrics", rejected_metrics},
                                                         {"refused logs", rejected_logs}}};

}  // namespace chouette
