#include "actors/heartbeat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/failures.hpp"

namespace chouette {

namespace {

using Self = heartbeat_actor::stateful_pointer<HeartbeatState>;

/// CAF answers for the actor, once the messages before this one are handled.
void ask(Self self, std::size_t i) {
  auto& state = self->state;
  if (state.asked[i]) {
    return;
  }
  state.asked[i] = true;
  self->request(state.settings.actors[i].handle, caf::infinite, caf::sys_atom_v, caf::get_atom_v,
                std::string("info"))
      .then(
          [self, i](caf::ok_atom, const std::string&, const caf::strong_actor_ptr&,
                    const std::string&) {
            self->state.asked[i] = false;
            self->state.settings.board->answered(i, self->clock().now());
          },
          [](const caf::error&) {});  // It has ended: the supervisor sees to that.
}

void notify(Self self, std::string_view state) {
  notify_service_manager(self->state.settings.service, state);
}

void tell_how_much_waits(Self self) {
  if (std::exchange(self->state.counting, true)) {
    return;
  }
  const auto tell = [self](const std::string& text) {
    self->state.counting = false;
    notify(self, "STATUS=" + text);
  };
  const auto cannot = [tell](const caf::error&) { tell("Redis cannot be asked"); };
  self->request(self->state.redis, caf::infinite, AskSize{raw_metrics})
      .then(
          [self, tell, cannot](RecordCount raw) {
            self->request(self->state.redis, caf::infinite, AskSize{wrapped_metrics})
                .then(
                    [tell, raw](RecordCount points) {
                      tell(fmt::format("{} raw metrics and {} points wait", raw.records,
                                       points.records));
                    },
                    cannot);
          },
          cannot);
}

void beat(Self self) {
  auto& state = self->state;
  for (std::size_t i = 0; i < state.settings.actors.size(); ++i) {
    ask(self, i);
  }
  if (state.settings.service.notify_socket.empty()) {
    return;
  }
  if (state.settings.board->read(0, self->clock().now()).alive()) {
    notify(self, "WATCHDOG=1");
  }
  tell_how_much_waits(self);
}

/// Often enough for the watchdog, with a beat to spare.
std::chrono::milliseconds period_of(const HeartbeatSettings& settings) {
  const auto watchdog =
      std::chrono::duration_cast<std::chrono::milliseconds>(settings.service.watchdog);
  const std::chrono::milliseconds period = settings.period;
  return watchdog.count() > 0 ? std::clamp(watchdog / 3, std::chrono::milliseconds{1}, period)
                              : period;
}

}  // namespace

heartbeat_actor::behavior_type heartbeat(Self self, redis_actor redis, HeartbeatSettings settings) {
  end_with_exceptions(self);
  auto& state = self->state;
  state.redis = std::move(redis);
  state.settings = std::move(settings);
  state.asked.resize(state.settings.actors.size());
  for (const auto& actor : state.settings.actors) {
    state.settings.board->watch(actor.name, actor.patience, self->clock().now());
  }
  const auto period = period_of(state.settings);
  self->delayed_send(self, period, Tick{});
  return {
      [self, period](Tick) {
        self->delayed_send(self, period, Tick{});
        beat(self);
      },
  };
}

}  // namespace chouette
