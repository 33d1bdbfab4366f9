#include "actors/cleaner.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "actors/failures.hpp"

namespace chouette {

namespace {

using Self = cleaner_impl::stateful_pointer<CleanerState>;

void log_expired(Self self, QueueName queue, const Expired& expired) {
  auto& throttle = self->state.throttle;
  const auto now = self->clock().now();
  const auto name = std::string(queue.keys);
  if (const auto count = throttle.add("expired " + name, expired.records, now)) {
    spdlog::warn("[Cleaner] {} records of {} were older than their time to live and are gone",
                 *count, name);
  }
  if (const auto count = throttle.add("halves " + name, expired.halves, now)) {
    spdlog::warn("[Cleaner] {} values of {} had no key and are gone", *count, queue.values);
  }
}

/// Expires one queue after the other, from number `i` on, then keeps `promise`.
void expire_from(Self self, std::size_t i, caf::typed_response_promise<CleanedUp> promise) {
  auto& state = self->state;
  if (i == state.queues.size()) {
    promise.deliver(CleanedUp{});
    return;
  }
  auto& kept = state.queues[i];
  const auto before = kept.retention.expire_before(state.settings.wall(), self->clock().now());
  if (!before) {
    expire_from(self, i + 1, std::move(promise));
    return;
  }
  self->request(state.redis, caf::infinite, Expire{kept.queue, *before})
      .then(
          [self, i, promise](const Expired& expired) {
            log_expired(self, self->state.queues[i].queue, expired);
            expire_from(self, expired.records == expire_batch ? i : i + 1, promise);
          },
          [self, i, promise](const caf::error&) { expire_from(self, i + 1, promise); });
}

}  // namespace

cleaner_impl::behavior_type cleaner(Self self, redis_actor redis, CleanerSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.settings = std::move(settings);
  state.queues = {{raw_metrics, Retention(state.settings.metric_ttl)},
                  {wrapped_metrics, Retention(state.settings.metric_ttl)},
                  {wrapped_logs, Retention(state.settings.log_ttl)}};
  const auto period = state.settings.period;
  self->delayed_send(self, first_tick(state.settings.wall(), period, 0), Tick{});
  return {
      [self](CleanUp) -> caf::result<CleanedUp> {
        auto promise = self->make_response_promise<CleanedUp>();
        expire_from(self, 0, promise);
        return promise;
      },
      [self, period](Tick) {
        self->delayed_send(self, next_tick(self->state.settings.wall(), period, 0), Tick{});
        caf::anon_send(caf::actor_cast<cleaner_actor>(self), CleanUp{});
      },
  };
}

}  // namespace chouette
