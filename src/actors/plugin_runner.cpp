#include "actors/plugin_runner.hpp"

#include <utility>

#include "actors/failures.hpp"

namespace chouette {

plugin_actor::behavior_type plugin_runner(plugin_actor::stateful_pointer<PluginRunnerState> self,
                                          PluginFactory make, std::stop_token stop) {
  end_with_exceptions(self);
  return {
      [self, make = std::move(make), stop = std::move(stop)](CaptureNow request) {
        using Clock = std::chrono::steady_clock;
        const auto begin = Clock::now();
        auto& plugin = self->state.plugin;
        if (!plugin) {
          plugin = make(stop);
        }
        auto capture = plugin->capture(request.now);
        return Captured{std::move(capture), Clock::now() - begin};
      },
  };
}

}  // namespace chouette
