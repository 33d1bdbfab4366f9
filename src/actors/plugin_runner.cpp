#include "actors/plugin_runner.hpp"

#include <utility>

#include "actors/failures.hpp"

namespace chouette {

plugin_actor::behavior_type plugin_runner(plugin_actor::stateful_pointer<PluginRunnerState> self,
                                          PluginFactory make) {
  end_with_exceptions(self);
  return {
      [self, make = std::move(make)](CaptureNow request) {
        auto& plugin = self->state.plugin;
        if (!plugin) {
          plugin = make();
        }
        return plugin->capture(request.now);
      },
  };
}

}  // namespace chouette
