#include "actors/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/failures.hpp"

namespace chouette {

namespace {

using Self = caf::stateful_actor<SupervisorState>*;

void stop_next(Self self) {
  auto& state = self->state;
  if (!state.running.empty()) {
    // Of normal priority: what was sent to the actor before is still handled.
    caf::anon_send_exit(state.running.front().handle, caf::exit_reason::user_shutdown);
  } else if (state.failed) {
    self->quit(caf::make_error(caf::sec::runtime_error, std::string("a vital actor failed")));
  } else {
    self->quit(caf::exit_reason::user_shutdown);
  }
}

void on_end(Self self, const caf::down_msg& down) {
  auto& state = self->state;
  const auto ended = std::find_if(
      state.running.begin(), state.running.end(),
      [&down](const VitalActor& actor) { return actor.handle.address() == down.source; });
  if (ended == state.running.end()) {
    return;
  }
  const auto name = ended->name;
  state.running.erase(ended);
  if (!std::exchange(state.stopping, true)) {
    state.failed = true;
    spdlog::critical("[Supervisor] the {} has failed: {}. The agent ends", name,
                     text_of(down.reason));
    state.on_failure();
  }
  stop_next(self);
}

}  // namespace

caf::behavior supervisor(Self self, std::vector<VitalActor> actors,
                         std::function<void()> on_failure) {
  end_with_exceptions(self);
  self->state.on_failure = std::move(on_failure);
  for (const auto& actor : actors) {
    self->monitor(actor.handle);
  }
  self->state.running = std::move(actors);
  self->set_down_handler([self](const caf::down_msg& down) { on_end(self, down); });
  self->set_exit_handler([self](const caf::exit_msg&) {
    if (!std::exchange(self->state.stopping, true)) {
      stop_next(self);
    }
  });
  return {[](const caf::unit_t&) {}};  // It works by exit and down messages alone.
}

}  // namespace chouette
