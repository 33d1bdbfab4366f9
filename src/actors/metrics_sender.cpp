#include "actors/metrics_sender.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "actors/failures.hpp"
#include "intake/deflate.hpp"
#include "queue/retention.hpp"

namespace chouette {

namespace {

using Self = metrics_sender_actor::stateful_pointer<MetricsSenderState>;

/// Records whose values are in memory at a time.
constexpr std::size_t window_size = 1000;

void next_bulk(Self self);
void fill(Self self);

void end_release(Self self) {
  auto& state = self->state;
  const auto& release = state.release;
  if (release.requests > 0) {
    spdlog::info("[MetricsSender] delivered {} points in {} requests, {} bytes", release.points,
                 release.requests, release.bytes);
  }
  state.keys = {};
  state.values = {};
  state.carried = {};
  state.malformed = 0;
  state.payload.reset();
  state.busy = false;
}

void give_up(Self self, const caf::error& error) {
  spdlog::debug("[MetricsSender] release given up: {}", text_of(error));
  end_release(self);
}

std::string describe(const Answer& answer) {
  switch (answer.verdict) {
    case Verdict::key_refused:
      return fmt::format(
          "the intake refuses the API key ({}). Nothing is deleted; check API_KEY and DATADOG_URL",
          answer.reason);
    case Verdict::records_refused:
    case Verdict::too_large:
      return fmt::format("the intake refuses the request ({}). Nothing is deleted", answer.reason);
    default:
      return fmt::format("the intake does not take the metrics ({}). They are kept and sent later",
                         answer.reason);
  }
}

void note_answer(Self self, const Answer& answer) {
  auto& fault = self->state.fault;
  const auto now = self->clock().now();
  if (answer.verdict == Verdict::accepted) {
    if (const auto lasted = fault.end(now)) {
      spdlog::info("[MetricsSender] the intake takes metrics again after {}", to_text(*lasted));
    }
  } else if (answer.verdict != Verdict::stopping && fault.begin(now)) {
    spdlog::error("[MetricsSender] {}", describe(answer));
  }
}

/// Removes what was delivered, then goes on where the payload was full.
void remove_carried(Self self) {
  auto& state = self->state;
  self->request(state.redis, caf::infinite,
                Replace{wrapped_metrics, std::exchange(state.carried, {}), wrapped_metrics, {}})
      .then(
          [self] {
            auto& state = self->state;
            const auto dropped = std::exchange(state.malformed, 0);
            if (const auto count = state.throttle.add("malformed", dropped, self->clock().now())) {
              spdlog::warn("[MetricsSender] dropped {} records that are no series of the API",
                           *count);
            }
            fill(self);
          },
          [self](const caf::error& error) { give_up(self, error); });
}

void deliver(Self self) {
  auto& state = self->state;
  if (state.payload->empty()) {
    remove_carried(self);
    return;
  }
  const auto points = state.payload->points();
  const auto body = deflate(state.payload->take());
  const auto answer = state.intake->post(body);
  note_answer(self, answer);
  if (answer.verdict != Verdict::accepted) {
    spdlog::debug("[MetricsSender] {} points wait: {}", points, answer.reason);
    end_release(self);
    return;
  }
  state.release.points += points;
  state.release.bytes += body.size();
  ++state.release.requests;
  remove_carried(self);
}

void fetch_window(Self self) {
  auto& state = self->state;
  state.window = state.next;
  self->request(state.redis, caf::infinite,
                Fetch{wrapped_metrics, state.keys.slice(state.next, window_size)})
      .then(
          [self](PackedStrings& values) {
            self->state.values = std::move(values);
            fill(self);
          },
          [self](const caf::error& error) { give_up(self, error); });
}

MetricsPayload::Added add_next(MetricsSenderState& state) {
  const auto i = state.next - state.window;
  return state.values.present(i) ? state.payload->add(state.values[i])
                                 : MetricsPayload::Added::malformed;
}

/// Puts records into the payload until it is full or the bulk has ended; then delivers it.
void fill(Self self) {
  auto& state = self->state;
  for (; state.next < state.window + state.values.size(); ++state.next) {
    const auto added = add_next(state);
    if (added == MetricsPayload::Added::full) {
      break;
    }
    state.malformed += added == MetricsPayload::Added::malformed ? 1 : 0;
    state.carried.push_back(state.keys[state.next]);
  }
  const auto payload_full = state.next < state.window + state.values.size();
  if (!payload_full && state.next < state.keys.size()) {
    fetch_window(self);
  } else if (!state.carried.empty()) {
    deliver(self);
  } else {
    next_bulk(self);
  }
}

void next_bulk(Self self) {
  auto& state = self->state;
  self->request(state.redis, caf::infinite,
                List{wrapped_metrics, all_time, state.settings.bulk_size})
      .then(
          [self](PackedStrings& keys) {
            auto& state = self->state;
            if (keys.empty()) {
              end_release(self);
              return;
            }
            state.keys = std::move(keys);
            state.next = 0;
            fetch_window(self);
          },
          [self](const caf::error& error) { give_up(self, error); });
}

bool clock_is_set(Self self, double wall) {
  auto& fault = self->state.clock_unset;
  if (wall < earliest_credible_time) {
    if (fault.begin(self->clock().now())) {
      spdlog::warn("[MetricsSender] the clock is not set: metrics wait until it is");
    }
    return false;
  }
  if (fault.end(self->clock().now())) {
    spdlog::info("[MetricsSender] the clock is set");
  }
  return true;
}

void start_release(Self self) {
  auto& state = self->state;
  state.release = {};
  state.payload.emplace(state.settings.extras);
  const auto go_on = [self] { next_bulk(self); };
  self->request(state.cleaner, caf::infinite, CleanUp{})
      .then([go_on](CleanedUp) { go_on(); }, [go_on](const caf::error&) { go_on(); });
}

}  // namespace

metrics_sender_actor::behavior_type metrics_sender(Self self, redis_actor redis,
                                                   cleaner_actor cleaner,
                                                   std::shared_ptr<MetricsIntake> intake,
                                                   MetricsSenderSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.cleaner = std::move(cleaner);
  state.intake = std::move(intake);
  state.settings = std::move(settings);
  const auto interval = state.settings.interval;
  self->delayed_send(self, first_tick(state.settings.wall(), interval, state.settings.offset),
                     Tick{});
  return {
      [self, interval](Tick) {
        auto& state = self->state;
        const auto now = state.settings.wall();
        self->delayed_send(self, next_tick(now, interval, state.settings.offset), Tick{});
        if (!state.busy && clock_is_set(self, now)) {
          state.busy = true;
          start_release(self);
        }
      },
  };
}

}  // namespace chouette
