#pragma once

#include <caf/all.hpp>
#include <chouette/wrapper.hpp>
#include <memory>
#include <stop_token>
#include <vector>

#include "actors/actors.hpp"
#include "actors/supervisor.hpp"
#include "config/config.hpp"
#include "extensions/extensions.hpp"
#include "intake/api_key.hpp"
#include "metrics/losses.hpp"
#include "status/status_board.hpp"

namespace chouette {

/// What the actors write down for all to read.
struct Books {
  std::shared_ptr<LossBook> losses;
  std::shared_ptr<StatusBoard> board;
};

struct VitalActors {
  redis_actor redis;
  std::vector<VitalActor> in_stopping_order;
};

/// Starts the actors without which the agent is of no use. `config` and `extensions` must outlive
/// them. A request to the intake that is under way when `stop` is requested is given up.
VitalActors start_vital_actors(caf::actor_system& system, const Config& config,
                               const Extensions& extensions, std::shared_ptr<const Wrapper> wrapper,
                               const std::shared_ptr<ApiKey>& key, const Books& books,
                               const std::stop_token& stop);

}  // namespace chouette
