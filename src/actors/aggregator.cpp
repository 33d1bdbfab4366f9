#include "actors/aggregator.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/failures.hpp"
#include "metrics/bucket.hpp"
#include "process/memory.hpp"

namespace chouette {

namespace {

using Self = aggregator_actor::stateful_pointer<AggregatorState>;

using Round = std::shared_ptr<AggregationRound>;

/// Records of which the keys are in memory, for each bucket that is listed. A bucket with more than
/// these is aggregated in parts.
constexpr std::size_t records_at_once = 200000;
/// Records whose values are fetched at a time,
constexpr std::size_t window = 1000;
/// and how many times: while one window is merged, Redis works on the next.
constexpr std::size_t windows_under_way = 4;
/// Buckets that are listed, and that are merged and not stored yet.
constexpr std::size_t buckets_ahead = 2;

/// What a round of fewer records leaves is some 2 MiB, and goes back at the end of the next
/// release: to give it back at once takes as long as to aggregate 10,000 records.
constexpr std::size_t large_round = 500000;

void go_on(Self self, const Round& round);

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

void give_up(Self self, const Round& round, const caf::error& error) {
  if (self->state.round == round) {
    spdlog::debug("[Aggregator] round given up: {}", text_of(error));
    self->state.round.reset();
  }
}

/// Asks the redis actor on behalf of `round`, which an error ends; once it has ended, no answer is
/// of use to it.
template <class Answer, class Request, class Then>
void ask(Self self, const Round& round, Request request, Then then) {
  self->request(self->state.redis, caf::infinite, std::move(request))
      .then(
          [self, round, then](Answer& answer) {
            if (self->state.round == round) {
              then(answer);
              go_on(self, round);
            }
          },
          [self, round](const caf::error& error) { give_up(self, round, error); });
}

void take(Self self, const Round& round) {
  const auto closed = round->closed.front();
  if (closed.from != all_time.from) {
    round->closed.pop_front();
    round->source = Taken{raw_metrics, closed};
    go_on(self, round);
    return;
  }
  round->taking = true;
  ask<std::optional<Taken>>(self, round, Take{closed.to},
                            [round](const std::optional<Taken>& taken) {
                              round->taking = false;
                              round->source = taken;
                              // What is set aside is not all that there is.
                              if (!taken || taken->queue == raw_metrics) {
                                round->closed.pop_front();
                              }
                            });
}

void list_bucket(Self self, const Round& round) {
  round->listing = true;
  ask<Bucket>(self, round,
              ListBucket{*round->source, self->state.settings.interval, records_at_once},
              [round](Bucket& bucket) {
                round->listing = false;
                if (bucket.keys.empty()) {
                  round->all_listed = true;
                  return;
                }
                const bool whole = bucket.keys.size() < records_at_once;
                if (whole) {
                  round->source->range.from = bucket.range.to;
                  round->all_listed = bucket.range.to >= round->source->range.to;
                }
                round->listed.push_back({std::move(bucket), whole});
              });
}

void merge(AggregationRound& round, const PackedStrings& values) {
  auto& listed = round.listed.front();
  round.aggregation.add(values);
  listed.merged += values.size();
  if (listed.merged == listed.bucket.keys.size()) {
    round.merged.push_back({std::move(listed.bucket), listed.whole, round.aggregation.finish()});
    round.listed.pop_front();
  }
}

/// The keys of the window that is to be fetched next; empty if no bucket that is listed has one.
PackedStrings next_window(const AggregationRound& round) {
  for (const auto& listed : round.listed) {
    if (listed.requested < listed.bucket.keys.size()) {
      return listed.bucket.keys.slice(listed.requested, window);
    }
  }
  return {};
}

void fetch_window(Self self, const Round& round, AggregationRound::Listed& listed) {
  auto keys = listed.bucket.keys.slice(listed.requested, window);
  listed.requested += keys.size();
  ++round->fetching;
  ask<PackedStrings>(self, round, Fetch{round->source->queue, std::move(keys), next_window(*round)},
                     [self, round](const PackedStrings& values) {
                       --round->fetching;
                       go_on(self, round);  // Redis shall not wait until these are merged.
                       merge(*round, values);
                     });
}

void store(Self self, const Round& round) {
  auto& merged = round->merged.front();
  const auto records = merged.bucket.keys.size();
  Additions added{to_records(merged.aggregated.points), merged.seconds->taken()};
  PackedStrings keys;
  if (merged.whole && round->source->queue == raw_taken) {
    added.taken_until = merged.bucket.range.to;
  } else {
    keys = std::move(merged.bucket.keys);
  }
  const auto points = added.records.size();
  const auto stored = [self, round, records, points] {
    const auto merged = std::move(round->merged.front());
    spdlog::debug("[Aggregator] {} raw records became {} points", records, points);
    round->merged.pop_front();
    round->storing = false;
    round->records += records;
    count_losses(self->state.settings.losses->metrics, merged.aggregated.report);
    log_report(self, merged.aggregated.report);
    if (self->state.round == round) {
      go_on(self, round);
    }
  };
  self->request(self->state.redis, caf::infinite,
                Replace{round->source->queue, std::move(keys), wrapped_metrics, std::move(added)})
      .then(stored, [self, round](const caf::error& error) { give_up(self, round, error); });
}

/// Finds a second for each point, then stores them.
void place_points(Self self, const Round& round) {
  auto& merged = round->merged.front();
  round->storing = true;
  if (!merged.seconds) {
    merged.seconds.emplace(merged.bucket.range, self->state.settings.interval);
  }
  const auto needed = merged.seconds->place(merged.aggregated.points);
  if (!needed) {
    store(self, round);
    return;
  }
  ask<SecondsTaken>(self, round, AskSecondsTaken{*needed},
                    [self, round](const SecondsTaken& taken) {
                      round->merged.front().seconds->load(taken.bucket, taken.marks);
                      place_points(self, round);
                    });
}

/// True if what comes after the buckets listed so far is known: of a bucket that is aggregated in
/// parts, the next part is what is left when the former is stored.
bool next_is_known(const AggregationRound& round) {
  return (round.listed.empty() || round.listed.back().whole) &&
         (round.merged.empty() || round.merged.back().whole);
}

/// Starts whatever can be started.
void go_on(Self self, const Round& round) {
  if (!round->merged.empty() && !round->storing) {
    place_points(self, round);
  }
  if (round->merged.size() < buckets_ahead) {
    for (auto& listed : round->listed) {
      while (listed.requested < listed.bucket.keys.size() && round->fetching < windows_under_way) {
        fetch_window(self, round, listed);
      }
    }
  }
  if (round->source && !round->listing && !round->all_listed &&
      round->listed.size() < buckets_ahead && next_is_known(*round)) {
    list_bucket(self, round);
  }
  if (round->all_listed && round->listed.empty() && round->merged.empty()) {
    round->source.reset();
    round->all_listed = false;
  }
  if (round->source || round->taking) {
    return;
  }
  if (round->closed.empty()) {
    self->state.round.reset();
    if (round->records >= large_round) {
      give_back_memory();
    }
  } else {
    take(self, round);
  }
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
        if (!state.round) {
          state.clocks->observe(now, self->clock().now());
          state.round = std::make_shared<AggregationRound>(*state.settings.wrapper);
          state.round->closed = closed_ranges(state, now);
          go_on(self, Round(state.round));
        }
      },
  };
}

}  // namespace chouette
