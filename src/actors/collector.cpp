#include "actors/collector.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "actors/failures.hpp"
#include "metrics/wrapped_json.hpp"

namespace chouette {

namespace {

using Self = collector_actor::stateful_pointer<CollectorState>;

/// What is kept in memory while Redis is away, besides what is on its way to it.
constexpr std::size_t unstored_limit = 10000;
/// Records in one transaction.
constexpr std::size_t store_at_once = 1000;
/// Hanging captures of one plugin, each of which keeps a thread.
constexpr std::size_t abandoned_limit = 3;

void drop_overflow(Self self) {
  auto& state = self->state;
  std::uint64_t dropped = 0;
  for (; state.unstored.size() > unstored_limit; ++dropped) {
    state.unstored.pop_front();
  }
  state.settings.losses->metrics.add(LossReason::overflow, dropped);
  if (const auto count = state.throttle.add("overflow", dropped, self->clock().now())) {
    spdlog::warn("[Collector] dropped the {} oldest captured metrics: {} wait for Redis already",
                 *count, unstored_limit);
  }
}

void store(Self self) {
  auto& state = self->state;
  if (!state.in_flight.empty() || state.unstored.empty()) {
    return;
  }
  const auto count = std::min(state.unstored.size(), store_at_once);
  const auto end = state.unstored.begin() + static_cast<std::ptrdiff_t>(count);
  state.in_flight.assign(std::make_move_iterator(state.unstored.begin()),
                         std::make_move_iterator(end));
  state.unstored.erase(state.unstored.begin(), end);
  self->request(state.redis, caf::infinite,
                Replace{wrapped_metrics, {}, wrapped_metrics, {state.in_flight}})
      .then(
          [self] {
            self->state.in_flight.clear();
            store(self);
          },
          [self](const caf::error&) {
            auto& state = self->state;
            state.unstored.insert(state.unstored.begin(),
                                  std::make_move_iterator(state.in_flight.begin()),
                                  std::make_move_iterator(state.in_flight.end()));
            state.in_flight.clear();
            drop_overflow(self);
          });
}

void note_fault(Self self, std::size_t i, const std::string& text) {
  auto& state = self->state;
  if (state.plugins[i].fault.begin(self->clock().now())) {
    spdlog::error("[Collector] plugin {}: {}", state.settings.plugins[i].name, text);
  }
}

void take(Self self, std::size_t i, const Capture& capture) {
  auto& state = self->state;
  for (const auto& metric : capture.metrics) {
    if (!metric.name.empty() && std::isfinite(metric.value)) {
      state.unstored.push_back(
          {make_record_key(), static_cast<double>(metric.timestamp), to_json(metric)});
    }
  }
  drop_overflow(self);
  if (!capture.faults.empty()) {
    note_fault(self, i, fmt::format("{}", fmt::join(capture.faults, "; ")));
  } else if (const auto lasted = state.plugins[i].fault.end(self->clock().now())) {
    spdlog::info("[Collector] plugin {} works again after {}", state.settings.plugins[i].name,
                 to_text(*lasted));
  }
  store(self);
}

/// The capture was due by now. A runner that hangs cannot be ended; it is left to itself.
void abandon(Self self, std::size_t i) {
  auto& plugin = self->state.plugins[i];
  plugin.waiting = false;
  note_fault(self, i, fmt::format("no answer within {}", to_text(self->state.settings.interval)));
  plugin.abandoned.push_back(plugin.runner.address());
  self->send_exit(plugin.runner, caf::exit_reason::user_shutdown);
  plugin.runner = nullptr;
}

void ask(Self self, std::size_t i, std::int64_t now) {
  auto& state = self->state;
  auto& plugin = state.plugins[i];
  if (!plugin.runner) {
    if (plugin.abandoned.size() >= abandoned_limit) {
      return;
    }
    const auto& make = state.settings.plugins[i].make;
    plugin.runner = state.settings.detached
                        ? self->spawn<caf::detached + caf::monitored>(plugin_runner, make)
                        : self->spawn<caf::monitored>(plugin_runner, make);
  }
  plugin.waiting = true;
  const auto round = ++plugin.round;
  const auto answered = [self, i, round] {
    auto& plugin = self->state.plugins[i];
    return plugin.round == round && std::exchange(plugin.waiting, false);
  };
  self->request(plugin.runner, caf::infinite, CaptureNow{now})
      .then(
          [self, i, answered](const Capture& capture) {
            if (answered()) {
              take(self, i, capture);
            }
          },
          [self, i, answered](const caf::error& error) {
            if (answered()) {
              note_fault(self, i, text_of(error));
            }
          });
}

void forget(Self self, const caf::actor_addr& ended) {
  for (auto& plugin : self->state.plugins) {
    std::erase(plugin.abandoned, ended);
    if (plugin.runner && plugin.runner.address() == ended) {
      plugin.runner = nullptr;
    }
  }
}

}  // namespace

collector_actor::behavior_type collector(Self self, redis_actor redis, CollectorSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.settings = std::move(settings);
  state.plugins.resize(state.settings.plugins.size());
  self->set_down_handler([self](const caf::down_msg& down) { forget(self, down.source); });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    for (auto& plugin : self->state.plugins) {
      if (plugin.runner) {
        self->send_exit(plugin.runner, exit.reason);
      }
    }
    self->quit(exit.reason);
  });
  self->delayed_send(self, first_tick(state.settings.wall(), state.settings.interval, 0), Tick{});
  return {
      [self](Tick) {
        auto& state = self->state;
        const auto now = state.settings.wall();
        self->delayed_send(self, next_tick(now, state.settings.interval, 0), Tick{});
        for (std::size_t i = 0; i < state.plugins.size(); ++i) {
          if (state.plugins[i].waiting) {
            abandon(self, i);
          }
          ask(self, i, static_cast<std::int64_t>(std::floor(now)));
        }
        store(self);
      },
  };
}

}  // namespace chouette
