#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "intake/metrics_intake.hpp"
#include "intake/metrics_payload.hpp"
#include "logging/fault.hpp"

namespace chouette {

struct MetricsSenderSettings {
  std::chrono::seconds interval;
  double offset;  ///< Seconds; keeps a fleet from posting in the same second.
  std::size_t bulk_size;
  SeriesExtras extras;
  WallClock wall = wall_time;
};

struct MetricsSenderState {
  static inline const char* name = "sender";

  /// What a release has delivered so far.
  struct Release {
    std::size_t points = 0;
    std::size_t bytes = 0;
    std::size_t requests = 0;
  };

  MetricsSenderSettings settings;
  redis_actor redis;
  cleaner_actor cleaner;
  std::shared_ptr<MetricsIntake> intake;
  std::optional<MetricsPayload> payload;
  Throttle throttle;
  Fault fault;
  Fault clock_unset;

  bool busy = false;  ///< A release is under way.
  Release release;
  PackedStrings keys;      ///< The bulk under way.
  PackedStrings values;    ///< A window of it,
  std::size_t window = 0;  ///< which begins at this key.
  std::size_t next = 0;    ///< The next key to go into the payload.
  PackedStrings carried;   ///< Keys of the payload's records, and of what cannot be sent at all,
  std::uint64_t malformed = 0;  ///< of which there are so many.
};

/// Spawn it detached: its requests block.
metrics_sender_actor::behavior_type metrics_sender(
    metrics_sender_actor::stateful_pointer<MetricsSenderState> self, redis_actor redis,
    cleaner_actor cleaner, std::shared_ptr<MetricsIntake> intake, MetricsSenderSettings settings);

}  // namespace chouette
