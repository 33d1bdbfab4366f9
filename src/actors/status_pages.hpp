#pragma once

#include <caf/all.hpp>
#include <memory>

#include "actors/actors.hpp"
#include "http/http_server.hpp"
#include "metrics/losses.hpp"
#include "status/status_board.hpp"

namespace chouette {

/// Pages about the agent, for any thread:
///   /live     200 if all vital actors answer, else 503; depends on nothing outside the process.
///   /ready    200 if Redis is reachable as well, else 503.
///   /status   Status as JSON.
///   /metrics  Status in Prometheus' text format.
/// The latter two ask Redis how much waits, and do without after 3 s.
HttpServer::Pages status_pages(caf::actor_system& system, redis_actor redis,
                               const std::shared_ptr<StatusBoard>& board,
                               std::shared_ptr<LossBook> losses);

}  // namespace chouette
