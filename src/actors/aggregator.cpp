#include "actors/aggregator.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/failures.hpp"
#include "metrics/bucket.hpp"

namespace chouette {

namespace {

using Self = aggregator_actor::stateful_pointer<AggregatorState>;

/// Records in one transaction, and so in memory by their keys. A bucket with more than these is
/// aggregated in parts.
constexpr std::size_t records_at_once = 200000;
/// Records whose values are in memory at a time, twice: one window is read while the next comes.
constexpr std::size_t window = 1000;

void next_bucket(Self self);

void count_losses(Losses& losses, const AggregationReport& report) {
  for (const auto& dropped : report.malformed) {
    losses.add(LossReason::malformed, dropped.count);
  }
  losses.add(LossReason::unsupported, report.unsupported.count);
  losses.add(LossReason::malformed, report.unsendable.count);
}

void log_report(Self self, const AggregationReport& report) {
  auto& throttle = self->state.throttle;
  const auto now = self->clock().now();
  for (std::size_t i = 0; i < report.malformed.size(); ++i) {
    const auto reason = describe(static_cast<Malformed>(i));
    const auto& dropped = report.malformed[i];
    if (const auto count = throttle.add(reason, dropped.count, now)) {
      spdlog::warn("[Aggregator] dropped {} raw records, each of which {}{}{}", *count, reason,
                   dropped.example.empty() ? "" : "; for example: ", dropped.example);
    }
  }
  if (const auto count = throttle.add("unsupported", report.unsupported.count, now)) {
    spdlog::warn(
        "[Aggregator] dropped {} raw metrics that METRICS_WRAPPER does not support, for example {}",
        *count, report.unsupported.example);
  }
  if (const auto count = throttle.add("unsendable", report.unsendable.count, now)) {
    spdlog::warn(
        "[Aggregator] dropped {} points of METRICS_WRAPPER that cannot be sent, for example {}",
        *count, report.unsendable.example);
  }
}

void end_round(Self self) {
  auto& state = self->state;
  state.aggregation.reset();
  state.taken.reset();
  state.aggregated = {};
  state.keys = {};
  state.busy = false;
}

void give_up(Self self, const caf::error& error) {
  spdlog::debug("[Aggregator] round given up: {}", text_of(error));
  end_round(self);
}

void store_bucket(Self self) {
  auto& state = self->state;
  const auto records = state.keys.size();
  auto aggregated = std::exchange(state.aggregated, {});
  const auto count = aggregated.points.size();
  self->request(state.redis, caf::infinite,
                Replace{raw_metrics,
                        std::move(state.keys),
                        wrapped_metrics,
                        {to_records(aggregated.points), state.taken->taken()}})
      .then(
          [self, records, count, report = std::move(aggregated.report)] {
            spdlog::debug("[Aggregator] {} raw records became {} points", records, count);
            count_losses(self->state.settings.losses->metrics, report);
            log_report(self, report);
            next_bucket(self);
          },
          [self](const caf::error& error) { give_up(self, error); });
}

/// Finds a second for each point, then stores them.
void place_points(Self self) {
  auto& state = self->state;
  const auto needed = state.taken->place(state.aggregated.points);
  if (!needed) {
    store_bucket(self);
    return;
  }
  self->request(state.redis, caf::infinite, AskSecondsTaken{*needed})
      .then(
          [self](const SecondsTaken& taken) {
            self->state.taken->load(taken.bucket, taken.marks);
            place_points(self);
          },
          [self](const caf::error& error) { give_up(self, error); });
}

void fetch_window(Self self) {
  auto& state = self->state;
  auto keys = state.keys.slice(state.requested, window);
  state.requested += keys.size();
  self->request(state.redis, caf::infinite, Fetch{raw_metrics, std::move(keys)})
      .then(
          [self](const PackedStrings& values) {
            auto& state = self->state;
            // Redis works on the next window while this one is read.
            if (state.requested < state.keys.size()) {
              fetch_window(self);
            }
            state.aggregation->add(values);
            state.read += values.size();
            if (state.read >= state.keys.size()) {
              state.aggregated = state.aggregation->finish();
              place_points(self);
            }
          },
          [self](const caf::error& error) { give_up(self, error); });
}

void read_bucket(Self self, double oldest) {
  auto& state = self->state;
  state.bucket = bucket_of(oldest, state.settings.interval);
  self->request(state.redis, caf::infinite, List{raw_metrics, state.bucket, records_at_once})
      .then(
          [self](PackedStrings& keys) {
            auto& state = self->state;
            if (keys.empty()) {
              end_round(self);  // Somebody else has taken them.
              return;
            }
            state.keys = std::move(keys);
            state.requested = 0;
            state.read = 0;
            state.aggregation.emplace(*state.settings.wrapper);
            state.taken.emplace(state.bucket, state.settings.interval);
            fetch_window(self);
          },
          [self](const caf::error& error) { give_up(self, error); });
}

void next_bucket(Self self) {
  auto& state = self->state;
  if (state.closed.empty()) {
    end_round(self);
    return;
  }
  self->request(state.redis, caf::infinite, Oldest{raw_metrics, state.closed.front()})
      .then(
          [self](const OldestRecord& oldest) {
            if (oldest.timestamp) {
              read_bucket(self, *oldest.timestamp);
            } else {
              self->state.closed.pop_front();
              next_bucket(self);
            }
          },
          [self](const caf::error& error) { give_up(self, error); });
}

/// All closed buckets: those of today's clock, and those that a former clock, which was ahead of
/// it, has stamped into what is the future now.
std::deque<TimeRange> closed_ranges(AggregatorState& state, double wall) {
  const auto interval = state.settings.interval;
  const auto closed = closed_before(wall, interval);
  std::deque<TimeRange> ranges{{all_time.from, closed}};
  const auto future = closed + 2 * static_cast<double>(interval.count());
  for (const auto former : state.clocks->former_walls()) {
    if (const auto former_closed = closed_before(former, interval); former_closed > future) {
      ranges.push_back({future, former_closed});
    }
  }
  return ranges;
}

}  // namespace

aggregator_actor::behavior_type aggregator(Self self, redis_actor redis,
                                           AggregatorSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.settings = std::move(settings);
  state.clocks.emplace(state.settings.time_to_live);
  state.clocks->observe(state.settings.wall(), self->clock().now());
  const auto grace = closing_grace(state.settings.interval);
  self->delayed_send(self, first_tick(state.settings.wall(), state.settings.interval, grace),
                     Tick{});
  return {
      [self, grace](Tick) {
        auto& state = self->state;
        const auto now = state.settings.wall();
        self->delayed_send(self, next_tick(now, state.settings.interval, grace), Tick{});
        if (!std::exchange(state.busy, true)) {
          state.clocks->observe(now, self->clock().now());
          state.closed = closed_ranges(state, now);
          next_bucket(self);
        }
      },
  };
}

}  // namespace chouette
