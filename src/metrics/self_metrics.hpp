#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics/losses.hpp"
#include "queue/queue.hpp"

namespace chouette {

/// Metrics of the agent about itself begin with this.
inline constexpr std::string_view self_prefix = "chouette.";

/// What a release has to tell about itself.
struct ReleaseReport {
  std::string kind;                     ///< `metrics` or `logs`.
  std::optional<std::uint64_t> queued;  ///< Records that waited; told of metrics only.
  std::uint64_t delivered = 0;          ///< Points or logs, without the agent's own.
  std::uint64_t bytes = 0;              ///< As sent: compressed.
  LossCounts lost{};
  std::optional<double> clock_offset;  ///< Seconds that the device's clock is behind.
};

/// Raw metrics about a release: chouette.queued.metrics, chouette.dispatched.KIND.number and
/// .bytes, chouette.dropped.KIND by reason, chouette.clock.offset. None at all where nothing but
/// the agent's own metrics was delivered and nothing was lost: they would keep themselves alive.
std::vector<NewRecord> self_metrics(const ReleaseReport& report, double now);

}  // namespace chouette
