#include "actors/cleaner.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "actors/failures.hpp"

namespace chouette {

namespace {

using Self = cleaner_impl::stateful_pointer<CleanerState>;

using Promise = caf::typed_response_promise<CleanedUp>;

void clean_from(Self self, std::size_t i, Promise promise);

void note_expired(Self self, const CleanerState::Kept& kept, const Expired& expired) {
  auto& throttle = self->state.throttle;
  const auto now = self->clock().now();
  const auto name = std::string(kept.queue.keys);
  kept.losses->add(LossReason::expired, expired.records);
  kept.losses->add(LossReason::malformed, expired.halves);
  if (const auto count = throttle.add("expired " + name, expired.records, now)) {
    spdlog::warn("[Cleaner] {} records of {} were older than their time to live ({}) and are gone",
                 *count, name, kept.queue == wrapped_logs ? "LOG_TTL" : "METRIC_TTL");
  }
  if (const auto count = throttle.add("halves " + name, expired.halves, now)) {
    spdlog::warn("[Cleaner] {} values of {} had no key and are gone", *count, kept.queue.values);
  }
}

void note_overflow(Self self, const CleanerState::Kept& kept, std::size_t records) {
  kept.losses->add(LossReason::overflow, records);
  const auto name = std::string(kept.queue.keys);
  if (const auto count =
          self->state.throttle.add("overflow " + name, records, self->clock().now())) {
    spdlog::warn("[Cleaner] {} held more than QUEUE_MAX_RECORDS; the {} oldest are gone", name,
                 *count);
  }
}

/// Bounds queue number `i`, then cleans those after it.
void trim_from(Self self, std::size_t i, Promise promise) {
  auto& state = self->state;
  if (state.settings.queue_max == 0) {
    clean_from(self, i + 1, std::move(promise));
    return;
  }
  self->request(state.redis, caf::infinite, Trim{state.queues[i].queue, state.settings.queue_max})
      .then(
          [self, i, promise](RecordCount trimmed) {
            note_overflow(self, self->state.queues[i], trimmed.records);
            if (trimmed.records == expire_batch) {
              trim_from(self, i, promise);
            } else {
              clean_from(self, i + 1, promise);
            }
          },
          [self, i, promise](const caf::error&) { clean_from(self, i + 1, promise); });
}

/// Expires and bounds one queue after the other, from number `i` on, then keeps `promise`.
void clean_from(Self self, std::size_t i, Promise promise) {
  auto& state = self->state;
  if (i == state.queues.size()) {
    promise.deliver(CleanedUp{});
    return;
  }
  auto& kept = state.queues[i];
  const auto before = kept.retention.expire_before(state.settings.wall(), self->clock().now());
  if (!before) {
    trim_from(self, i, std::move(promise));
    return;
  }
  self->request(state.redis, caf::infinite, Expire{kept.queue, *before})
      .then(
          [self, i, promise](const Expired& expired) {
            note_expired(self, self->state.queues[i], expired);
            if (expired.records == expire_batch) {
              clean_from(self, i, promise);
            } else {
              trim_from(self, i, promise);
            }
          },
          [self, i, promise](const caf::error&) { trim_from(self, i, promise); });
}

}  // namespace

cleaner_impl::behavior_type cleaner(Self self, redis_actor redis, CleanerSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.settings = std::move(settings);
  auto& [metrics, logs] = *state.settings.losses;
  state.queues = {{raw_metrics, Retention(state.settings.metric_ttl), &metrics},
                  {raw_taken, Retention(state.settings.metric_ttl), &metrics},
                  {wrapped_metrics, Retention(state.settings.metric_ttl), &metrics},
                  {wrapped_logs, Retention(state.settings.log_ttl), &logs}};
  for (auto& kept : state.queues) {
    // A clock that is set before the first round would leave no trace otherwise.
    kept.retention.expire_before(state.settings.wall(), self->clock().now());
  }
  const auto period = state.settings.period;
  self->delayed_send(self, first_tick(state.settings.wall(), period, 0), Tick{});
  return {
      [self](CleanUp) -> caf::result<CleanedUp> {
        auto promise = self->make_response_promise<CleanedUp>();
        clean_from(self, 0, promise);
        return promise;
      },
      [self, period](Tick) {
        self->delayed_send(self, next_tick(self->state.settings.wall(), period, 0), Tick{});
        caf::anon_send(caf::actor_cast<cleaner_actor>(self), CleanUp{});
      },
  };
}

}  // namespace chouette
