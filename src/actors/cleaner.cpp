#include "actors/cleaner.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "actors/failures.hpp"

namespace chouette {

namespace {

using Self = cleaner_impl::stateful_pointer<CleanerState>;

void clean_from(Self self, std::size_t i);

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
void trim_from(Self self, std::size_t i) {
  auto& state = self->state;
  if (state.settings.queue_max == 0) {
    clean_from(self, i + 1);
    return;
  }
  self->request(state.redis, caf::infinite, Trim{state.queues[i].queue, state.settings.queue_max})
      .then(
          [self, i](RecordCount trimmed) {
            note_overflow(self, self->state.queues[i], trimmed.records);
            if (trimmed.records == expire_batch) {
              trim_from(self, i);
            } else {
              clean_from(self, i + 1);
            }
          },
          [self, i](const caf::error&) { clean_from(self, i + 1); });
}

/// Expires and bounds one queue after the other, from number `i` on, then tells who waits for that.
void clean_from(Self self, std::size_t i) {
  auto& state = self->state;
  state.cleaning = i;
  if (i == state.queues.size()) {
    for (auto& promise : std::exchange(state.waiting, std::exchange(state.too_late, {}))) {
      promise.deliver(CleanedUp{});
    }
    if (!state.waiting.empty()) {
      clean_from(self, 0);
    }
    return;
  }
  auto& kept = state.queues[i];
  const auto before = kept.retention.expire_before(state.settings.wall(), self->clock().now());
  if (!before) {
    trim_from(self, i);
    return;
  }
  self->request(state.redis, caf::infinite, Expire{kept.queue, *before})
      .then(
          [self, i](const Expired& expired) {
            note_expired(self, self->state.queues[i], expired);
            if (expired.records == expire_batch) {
              clean_from(self, i);
            } else if (expired.left > self->state.settings.queue_max) {
              trim_from(self, i);
            } else {
              clean_from(self, i + 1);
            }
          },
          [self, i](const caf::error&) { trim_from(self, i); });
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
        // Both senders ask at the same moment: once is enough.
        auto& state = self->state;
        auto& asked = state.waiting.empty() || state.cleaning == 0 ? state.waiting : state.too_late;
        asked.push_back(self->make_response_promise<CleanedUp>());
        const auto promise = asked.back();
        if (&asked == &state.waiting && asked.size() == 1) {
          clean_from(self, 0);
        }
        return promise;
      },
      [self, period](Tick) {
        self->delayed_send(self, next_tick(self->state.settings.wall(), period, 0), Tick{});
        caf::anon_send(caf::actor_cast<cleaner_actor>(self), CleanUp{});
      },
  };
}

}  // namespace chouette
