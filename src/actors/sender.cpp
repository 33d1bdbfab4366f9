#include "actors/sender.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "actors/failures.hpp"
#include "intake/rejected_record.hpp"
#include "process/memory.hpp"
#include "queue/retention.hpp"

namespace chouette {

namespace {

using Self = sender_impl::stateful_pointer<SenderState>;

/// A batch. Two of them are in memory at a time.
constexpr std::size_t batch_records = 10000;
constexpr std::size_t batch_bytes = 4UL * 1024 * 1024;
/// A request may have this many bytes as sent; a single record that has more is sent all the same,
constexpr std::size_t request_bytes = 512000;
/// unless it is beyond what the intake takes.
constexpr std::size_t largest_request = 3200000;
/// An intake that has refused this many records and taken none since may not be refusing them for
/// their content.
constexpr std::size_t rejected_limit_in_a_row = 100;
/// A clock that is off by less needs no mention.
constexpr double clock_tolerance = 60;

void go_on(Self self);
void send_next(Self self);

const std::string& log_name(Self self) {
  return self->state.settings.name;
}

DeliveryStatus& delivery_of(Status& status, const std::string& kind) {
  auto& deliveries = status.deliveries;
  const auto found = std::find_if(deliveries.begin(), deliveries.end(),
                                  [&](const auto& delivery) { return delivery.kind == kind; });
  return found != deliveries.end() ? *found : deliveries.emplace_back(DeliveryStatus{kind});
}

/// Changes what the board says of this delivery.
template <class Change>
void write_on_board(SenderState& state, Change change) {
  state.settings.board->change(
      [&](Status& status) { change(delivery_of(status, state.settings.kind), status); });
}

void write_on_board(SenderState& state, const Answer& answer, std::size_t records,
                    std::size_t bytes) {
  if (answer.verdict == Verdict::stopping) {
    return;
  }
  const auto accepted = answer.verdict == Verdict::accepted;
  write_on_board(state, [&](DeliveryStatus& delivery, Status& status) {
    delivery.last_answer = answer.reason;
    if (accepted) {
      delivery.failing = false;
      delivery.last_success = state.settings.wall();
      delivery.delivered += records;
      delivery.bytes += bytes;
      status.key = KeyStatus::accepted;
    } else if (answer.verdict == Verdict::key_refused) {
      status.key = KeyStatus::refused;
    }
    if (answer.clock_offset) {
      status.clock_offset = answer.clock_offset;
    }
  });
}

void finish_release(Self self) {
  auto& state = self->state;
  state.batch = {};
  state.ahead = {};
  state.halving = Halving(0);
  state.payload.reset();
  state.deflater.reset();
  state.busy = false;
  // Of a large backlog, whichever actor worked on it.
  give_back_memory();
  if (state.not_before) {
    // Sooner than the next release, if that is far.
    const auto wait = *state.not_before - self->clock().now();
    self->delayed_send(self, std::max(wait, caf::timespan::zero()), TryAgain{});
  }
}

void tell_about_release(Self self) {
  auto& state = self->state;
  auto& report = state.release.report;
  report.lost = state.losses->take();
  auto records = self_metrics(report, state.settings.wall());
  if (records.empty()) {
    state.losses->give_back(report.lost);
    finish_release(self);
    return;
  }
  self->request(state.redis, caf::infinite,
                Replace{raw_metrics, {}, raw_metrics, {std::move(records)}})
      .then([self] { finish_release(self); },
            [self](const caf::error&) {
              self->state.losses->give_back(self->state.release.report.lost);
              finish_release(self);
            });
}

void end_release(Self self) {
  auto& state = self->state;
  const auto& release = state.release;
  if (release.requests > 0) {
    spdlog::info("[{}] delivered {} {} in {} requests, {} bytes", log_name(self), release.delivered,
                 state.settings.kind == "metrics" ? "points" : "logs", release.requests,
                 release.report.bytes);
  }
  if (state.settings.self_metrics) {
    tell_about_release(self);
  } else {
    finish_release(self);
  }
}

/// Ends the release as soon as Redis has answered all it was asked.
void end_when_answered(Self self) {
  self->state.release.ending = true;
  go_on(self);
}

void give_up(Self self, const caf::error& error) {
  spdlog::debug("[{}] release given up: {}", log_name(self), text_of(error));
  end_when_answered(self);
}

std::string describe(const Answer& answer, const std::string& kind) {
  const auto* const address = kind == "metrics" ? "DATADOG_URL" : "DATADOG_LOGS_URL";
  if (answer.verdict == Verdict::key_refused) {
    return fmt::format("the intake refuses the API key ({}). All {} are kept; check API_KEY and {}",
                       answer.reason, kind, address);
  }
  if (answer.verdict == Verdict::records_refused) {
    return fmt::format("the intake refuses all {} ({}). They are kept; check {}", kind,
                       answer.reason, address);
  }
  return fmt::format("the intake does not take the {} ({}). They are kept and sent later", kind,
                     answer.reason);
}

void note_clock(Self self, const Answer& answer) {
  auto& state = self->state;
  if (!answer.clock_offset) {
    return;
  }
  const auto offset = *answer.clock_offset;
  state.release.report.clock_offset = std::round(offset);
  const auto now = self->clock().now();
  if (std::abs(offset) > clock_tolerance) {
    if (state.clock_wrong.begin(now)) {
      spdlog::warn("[{}] this device's clock is {:.0f} s {} the intake's", log_name(self),
                   std::abs(offset), offset > 0 ? "behind" : "ahead of");
    }
  } else if (state.clock_wrong.end(now)) {
    spdlog::info("[{}] this device's clock agrees with the intake's again", log_name(self));
  }
}

/// The intake takes nothing now: all is kept, and the release ends.
void stop_for(Self self, const Answer& answer) {
  auto& state = self->state;
  if (answer.verdict != Verdict::stopping) {
    write_on_board(state, [](DeliveryStatus& delivery, Status&) { delivery.failing = true; });
    if (state.fault.begin(self->clock().now())) {
      spdlog::error("[{}] {}", log_name(self), describe(answer, state.settings.kind));
    }
    if (answer.verdict == Verdict::try_later) {
      const auto wait = state.backoff->failed(answer.retry_after);
      state.not_before = self->clock().now() + wait;
      spdlog::debug("[{}] trying again in {} ms: {}", log_name(self), wait.count(), answer.reason);
    }
  }
  end_when_answered(self);
}

PackedStrings keys_of(const SenderState& state, Halving::Range range) {
  return state.batch.keys.slice(range.begin, range.size());
}

/// A change of the queue has ended.
void end_change(Self self) {
  --self->state.changes;
  go_on(self);
}

void fail_change(Self self, const caf::error& error) {
  --self->state.changes;
  give_up(self, error);
}

/// Removes the current range, of which `malformed` records could not be sent, and goes on.
void remove_range(Self self, std::size_t malformed) {
  auto& state = self->state;
  auto keys = keys_of(state, state.halving.current());
  const auto queue = state.settings.queue;
  ++state.changes;
  self->request(state.redis, caf::infinite, Replace{queue, std::move(keys), queue, {}})
      .then(
          [self, malformed] {
            auto& state = self->state;
            state.losses->add(LossReason::malformed, malformed);
            if (const auto count =
                    state.throttle.add("malformed", malformed, self->clock().now())) {
              spdlog::warn("[{}] dropped {} records that are no {}", log_name(self), *count,
                           state.settings.kind);
            }
            end_change(self);
          },
          [self](const caf::error& error) { fail_change(self, error); });
  state.halving.finish();
  go_on(self);
}

/// Moves the current range, a single record, to the rejected queue, and goes on.
void reject(Self self, const std::string& why) {
  auto& state = self->state;
  const auto range = state.halving.current();
  const auto record = state.batch.values[range.begin];
  const NewRecord rejected{std::string(state.batch.keys[range.begin]), state.settings.wall(),
                           to_json(RejectedRecord{why, std::string(record)})};
  if (const auto count = state.throttle.add("rejected", 1, self->clock().now())) {
    spdlog::warn(
        "[{}] {} records are refused ({}) and moved to {}: see chouette-iot rejected; for example "
        "{}",
        log_name(self), *count, why, state.settings.rejected.keys, record.substr(0, 200));
  }
  ++state.changes;
  self->request(
          state.redis, caf::infinite,
          Replace{
              state.settings.queue, keys_of(state, range), state.settings.rejected, {{rejected}}})
      .then(
          [self] {
            auto& state = self->state;
            ++state.rejected_in_a_row;
            state.losses->add(LossReason::rejected, 1);
            write_on_board(state,
                           [](DeliveryStatus& delivery, Status&) { delivery.failing = false; });
            state.halving.finish();
            self->request(state.redis, caf::infinite, Trim{state.settings.rejected, rejected_limit})
                .then([self](RecordCount) { end_change(self); },
                      [self](const caf::error&) { end_change(self); });
          },
          [self](const caf::error& error) { fail_change(self, error); });
}

/// Fills the payload with the current range, or as much of it as goes in; returns how many of its
/// records are malformed.
std::size_t fill_payload(SenderState& state) {
  const auto range = state.halving.current();
  std::size_t malformed = 0;
  for (auto i = range.begin; i < range.end; ++i) {
    if (i >= state.delivered_from) {
      break;
    }
    const auto added = state.batch.values.present(i) ? state.payload->add(state.batch.values[i])
                                                     : Payload::Added::malformed;
    if (added == Payload::Added::full) {
      state.halving.shorten(i);
      break;
    }
    malformed += added == Payload::Added::malformed ? 1 : 0;
  }
  return malformed;
}

/// Posts what is in the payload; none if that is more than `limit` bytes. Counts it if accepted.
std::optional<Answer> post(SenderState& state, std::size_t limit) {
  const auto size = state.payload->size();
  const auto of_others = state.payload->size_of_others();
  if (!state.deflater) {
    state.deflater.emplace();
  }
  const auto body = state.deflater->deflate(state.payload->take());
  if (body.size() > limit) {
    return std::nullopt;
  }
  auto answer = state.settings.intake->post(body);
  write_on_board(state, answer, size, body.size());
  if (answer.verdict == Verdict::accepted) {
    ++state.release.requests;
    state.release.delivered += size;
    state.release.report.delivered += of_others;
    state.release.report.bytes += body.size();
  }
  return answer;
}

/// Tries the newest record left of the batch alone: is there anything that the intake takes?
bool takes_newest(Self self) {
  auto& state = self->state;
  const auto newest = state.delivered_from - 1;
  // The first of the range may be all that was just refused.
  if (newest <= state.halving.current().begin || !state.batch.values.present(newest) ||
      state.payload->add(state.batch.values[newest]) != Payload::Added::yes) {
    return false;
  }
  const auto answer = post(state, largest_request);
  if (!answer || answer->verdict != Verdict::accepted) {
    return false;
  }
  state.delivered_from = newest;
  state.rejected_in_a_row = 0;
  return true;
}

void on_answer(Self self, const Answer& answer, std::size_t malformed) {
  auto& state = self->state;
  const auto single = state.halving.current().size() == 1;
  note_clock(self, answer);
  switch (answer.verdict) {
    case Verdict::accepted:
      state.backoff->succeeded();
      state.rejected_in_a_row = 0;
      if (const auto lasted = state.fault.end(self->clock().now())) {
        spdlog::info("[{}] the intake takes {} again after {}", log_name(self), state.settings.kind,
                     to_text(*lasted));
      }
      remove_range(self, malformed);
      return;
    case Verdict::records_refused:
      if (state.rejected_in_a_row >= rejected_limit_in_a_row && !takes_newest(self)) {
        stop_for(self, answer);
        return;
      }
      [[fallthrough]];
    case Verdict::too_large:
      if (single) {
        reject(self, answer.reason);
      } else {
        state.halving.halve();
        send_next(self);
      }
      return;
    default:
      stop_for(self, answer);
  }
}

/// Sends the current range of the batch, in halves if it is too large for one request.
void send_next(Self self) {
  auto& state = self->state;
  for (;;) {
    const auto malformed = fill_payload(state);
    if (state.payload->size() == 0) {
      remove_range(self, malformed);
      return;
    }
    const auto single = state.halving.current().size() == 1;
    if (const auto answer = post(state, single ? largest_request : request_bytes)) {
      on_answer(self, *answer, malformed);
      return;
    }
    if (single) {
      reject(self, "larger than the intake takes");
      return;
    }
    state.halving.halve();
  }
}

/// Asks for the records after the `skip` oldest.
void read(Self self, std::size_t skip) {
  auto& state = self->state;
  state.reading = true;
  const auto limit = std::min(state.settings.bulk_size, batch_records);
  self->request(state.redis, caf::infinite, Read{state.settings.queue, {skip, limit, batch_bytes}})
      .then(
          [self, skip](Batch& read) {
            auto& state = self->state;
            state.reading = false;
            // Had an older record come meanwhile, some of the batch under way would be there again.
            state.ahead = without(std::move(read), state.batch.keys);
            if (skip == 0 && state.ahead.empty()) {
              end_when_answered(self);
            } else {
              go_on(self);
            }
          },
          [self](const caf::error& error) {
            self->state.reading = false;
            give_up(self, error);
          });
}

/// Sends what was read ahead. Redis reads what comes after it meanwhile, and does so after it has
/// removed what was sent before, for it answers in the order in which it is asked.
void begin_batch(Self self) {
  auto& state = self->state;
  state.batch = std::exchange(state.ahead, {});
  state.halving = Halving(state.batch.size());
  state.delivered_from = state.batch.size();
  read(self, state.batch.size());
  send_next(self);
}

/// Does what is to be done next, if it need not wait for an answer of Redis.
void go_on(Self self) {
  auto& state = self->state;
  const auto answered = !state.reading && state.changes == 0;
  if (state.release.ending) {
    if (answered) {
      end_release(self);
    }
  } else if (!state.halving.done()) {
    if (state.changes == 0) {
      send_next(self);
    }
  } else if (!state.ahead.empty()) {
    begin_batch(self);
  } else if (answered) {
    // Something older than what was read ahead may have come.
    state.batch = {};
    read(self, 0);
  }
}

bool clock_is_set(Self self, double wall) {
  auto& fault = self->state.clock_unset;
  if (wall < earliest_credible_time) {
    if (fault.begin(self->clock().now())) {
      spdlog::warn("[{}] the clock is not set: {} wait until it is", log_name(self),
                   self->state.settings.kind);
    }
    return false;
  }
  if (fault.end(self->clock().now())) {
    spdlog::info("[{}] the clock is set", log_name(self));
  }
  return true;
}

void start_release(Self self) {
  auto& state = self->state;
  state.busy = true;
  state.release = {};
  state.not_before.reset();
  write_on_board(state, [&](DeliveryStatus& delivery, Status&) {
    delivery.last_release = state.settings.wall();
  });
  state.release.report.kind = state.settings.kind;
  // Sets the stamps of former clocks right.
  state.payload = state.settings.make_payload(
      [&clocks = *state.clocks](double stamp) { return clocks.restamp(stamp); });
  const auto clean = [self] {
    self->request(self->state.cleaner, caf::infinite, CleanUp{})
        .then([self](CleanedUp) { go_on(self); }, [self](const caf::error&) { go_on(self); });
  };
  if (state.settings.kind != "metrics") {
    clean();
    return;
  }
  self->request(state.redis, caf::infinite, AskSize{state.settings.queue})
      .then(
          [self, clean](RecordCount count) {
            self->state.release.report.queued = count.records;
            clean();
          },
          [clean](const caf::error&) { clean(); });
}

void release_if_due(Self self) {
  auto& state = self->state;
  if (state.busy) {
    return;
  }
  const auto wall = state.settings.wall();
  state.clocks->observe(wall, self->clock().now());
  const bool too_early = state.not_before && self->clock().now() < *state.not_before;
  if (!too_early && clock_is_set(self, wall)) {
    start_release(self);
  }
}

void wait_for(Self self, caf::timespan delay) {
  self->delayed_send(self, delay, Tick{});
  write_on_board(self->state, [&](DeliveryStatus& delivery, Status&) {
    delivery.next_release =
        self->state.settings.wall() + std::chrono::duration<double>(delay).count();
  });
}

}  // namespace

sender_impl::behavior_type sender(Self self, redis_actor redis, cleaner_actor cleaner,
                                  SenderSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.cleaner = std::move(cleaner);
  state.settings = std::move(settings);
  state.losses = state.settings.kind == "metrics" ? &state.settings.losses->metrics
                                                  : &state.settings.losses->logs;
  state.backoff.emplace(state.settings.seed);
  state.clocks.emplace(state.settings.time_to_live);
  state.clocks->observe(state.settings.wall(), self->clock().now());
  wait_for(self, first_tick(state.settings.wall(), state.settings.interval, state.settings.offset));
  return {
      [self](Tick) {
        const auto& settings = self->state.settings;
        wait_for(self, next_tick(settings.wall(), settings.interval, settings.offset));
        release_if_due(self);
      },
      [self](TryAgain) { release_if_due(self); },
  };
}

}  // namespace chouette
