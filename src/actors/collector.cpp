#include "actors/collector.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "actors/failures.hpp"
#include "metrics/aggregation.hpp"
#include "metrics/self_metrics.hpp"
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
/// A plugin that fails in one way may begin to fail in another; texts that change each time must
/// not fill the log.
constexpr std::chrono::minutes pause_between_faults{60};

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

/// What cannot be sent is counted as malformed.
void keep(Self self, WrappedMetric metric) {
  auto& state = self->state;
  if (!why_unsendable(metric).empty()) {
    state.settings.losses->metrics.add(LossReason::malformed, 1);
    return;
  }
  put_in_order(metric.tags);
  state.unstored.push_back(
      {make_record_key(), static_cast<double>(metric.timestamp), to_json(metric)});
}

void keep_plugin_metric(Self self, std::size_t i, std::string_view name, SeriesType type,
                        double value) {
  const auto& settings = self->state.settings;
  if (!settings.plugin_metrics) {
    return;
  }
  keep(self, {.name = std::string(self_prefix) + "plugin." + std::string(name),
              .type = type,
              .tags = {"plugin:" + settings.plugins[i].name},
              .timestamp = self->state.plugins[i].asked,
              .value = value,
              .interval = type == SeriesType::gauge ? std::chrono::seconds{0} : settings.interval});
}

/// Changes what the board says of plugin number `i`.
template <class Change>
void write_on_board(Self self, std::size_t i, Change change) {
  self->state.settings.board->change([&](Status& status) { change(status.plugins.at(i)); });
}

void note_faults(Self self, std::size_t i, const std::vector<std::string>& faults) {
  auto& state = self->state;
  const auto text = fmt::format("{}", fmt::join(faults, "; "));
  write_on_board(self, i, [&](PluginStatus& plugin) {
    plugin.last_failure = state.settings.wall();
    plugin.faults = faults;
    ++plugin.failures;
  });
  auto& plugin = state.plugins[i];
  const auto now = self->clock().now();
  const bool another = text != plugin.said_fault && now - plugin.said >= pause_between_faults;
  if (plugin.fault.begin(now) || another) {
    spdlog::error("[Collector] plugin {}: {}", state.settings.plugins[i].name, text);
    plugin.said_fault = text;
    plugin.said = now;
  }
  keep_plugin_metric(self, i, "failures", SeriesType::count, 1);
}

void note_success(Self self, std::size_t i) {
  auto& state = self->state;
  write_on_board(self, i, [&](PluginStatus& plugin) {
    plugin.last_success = state.settings.wall();
    plugin.faults.clear();
  });
  if (const auto lasted = state.plugins[i].fault.end(self->clock().now())) {
    spdlog::info("[Collector] plugin {} works again after {}", state.settings.plugins[i].name,
                 to_text(*lasted));
  }
}

void take(Self self, std::size_t i, const Captured& captured) {
  const auto& capture = captured.capture;
  for (const auto& metric : capture.metrics) {
    keep(self, metric);
  }
  self->state.settings.losses->metrics.add(LossReason::malformed, capture.malformed);
  keep_plugin_metric(self, i, "duration", SeriesType::gauge, captured.took.count());
  write_on_board(self, i, [&](PluginStatus& plugin) { plugin.duration = captured.took.count(); });
  if (capture.faults.empty()) {
    note_success(self, i);
  } else {
    note_faults(self, i, capture.faults);
  }
  drop_overflow(self);
  store(self);
}

/// The capture was due by now. A runner that hangs cannot be ended; it is told, and left to itself.
void abandon(Self self, std::size_t i) {
  auto& plugin = self->state.plugins[i];
  plugin.waiting = false;
  note_faults(self, i,
              {fmt::format("no answer within {}", to_text(self->state.settings.interval))});
  plugin.abandoned.push_back(plugin.runner.address());
  plugin.stop.request_stop();
  self->send_exit(plugin.runner, caf::exit_reason::user_shutdown);
  plugin.runner = nullptr;
}

void ask(Self self, std::size_t i, std::int64_t now) {
  auto& state = self->state;
  auto& plugin = state.plugins[i];
  if (!plugin.runner) {
    if (plugin.abandoned.size() >= abandoned_limit) {
      plugin.asked = now;
      note_faults(
          self, i,
          {fmt::format("{} captures hang; not asked before one ends", plugin.abandoned.size())});
      return;
    }
    const auto& make = state.settings.plugins[i].make;
    plugin.stop = {};
    const auto token = plugin.stop.get_token();
    plugin.runner = state.settings.detached
                        ? self->spawn<caf::detached + caf::monitored>(plugin_runner, make, token)
                        : self->spawn<caf::monitored>(plugin_runner, make, token);
  }
  plugin.waiting = true;
  plugin.asked = now;
  write_on_board(self, i, [](PluginStatus& status) { ++status.captures; });
  const auto round = ++plugin.round;
  const auto answered = [self, i, round] {
    auto& plugin = self->state.plugins[i];
    return plugin.round == round && std::exchange(plugin.waiting, false);
  };
  self->request(plugin.runner, caf::infinite, CaptureNow{now})
      .then(
          [self, i, answered](const Captured& captured) {
            if (answered()) {
              take(self, i, captured);
            }
          },
          [self, i, answered](const caf::error& error) {
            if (answered()) {
              note_faults(self, i, {text_of(error)});
              store(self);
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
  state.settings.board->change([&](Status& status) {
    for (const auto& plugin : state.settings.plugins) {
      status.plugins.push_back({.name = plugin.name});
    }
  });
  self->set_down_handler([self](const caf::down_msg& down) { forget(self, down.source); });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    for (auto& plugin : self->state.plugins) {
      if (plugin.runner) {
        plugin.stop.request_stop();
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
