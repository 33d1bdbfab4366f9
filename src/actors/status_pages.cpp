#include "actors/status_pages.hpp"

#include <chrono>
#include <string>
#include <utility>

#include "actors/clock.hpp"
#include "queue/named_queues.hpp"
#include "status/status_texts.hpp"

namespace chouette {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{3};

/// Asks the Redis actor on behalf of a thread that is no actor.
class Asker {
public:
  Asker(caf::actor_system& system, redis_actor redis) : self_(system), redis_(std::move(redis)) {}

  /// Gives the answer to `take`, if it comes while there is patience left.
  template <class Answer, class Request, class Take>
  void ask(Request request, Take take) {
    const auto left = deadline_ - Clock::now();
    if (left <= Clock::duration::zero()) {
      return;
    }
    self_->request(redis_, left, std::move(request))
        .receive([&take](const Answer& answer) { take(answer); },
                 [this](const caf::error& error) {
                   // What Redis refuses is no reason not to ask for the rest.
                   if (error != QueueErrc::refused && error != QueueErrc::wrong_type) {
                     deadline_ = Clock::now();
                   }
                 });
  }

private:
  caf::scoped_actor self_;
  redis_actor redis_;
  Clock::time_point deadline_ = Clock::now() + patience;
};

std::vector<QueueStatus> look_at_queues(caf::actor_system& system, const redis_actor& redis,
                                        bool reachable) {
  std::vector<QueueStatus> queues(named_queues.size());
  for (std::size_t i = 0; i < queues.size(); ++i) {
    queues[i].name = named_queues.at(i).name;
  }
  if (!reachable) {
    return queues;
  }
  Asker asker(system, redis);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const auto& queue = named_queues.at(i).queue;
    asker.ask<RecordCount>(AskSize{queue},
                           [&](RecordCount count) { queues[i].depth = count.records; });
    asker.ask<OldestRecord>(Oldest{queue},
                            [&](OldestRecord oldest) { queues[i].oldest = oldest.timestamp; });
  }
  return queues;
}

HttpPage yes_or_no(bool yes) {
  return {yes ? 200 : 503, "text/plain", std::string(yes ? yes_page : no_page)};
}

}  // namespace

HttpServer::Pages status_pages(caf::actor_system& system, redis_actor redis,
                               const std::shared_ptr<StatusBoard>& board,
                               std::shared_ptr<LossBook> losses) {
  const auto read = [board] { return board->read(wall_time(), Clock::now()); };
  const auto read_all = [&system, redis = std::move(redis), read, losses = std::move(losses)] {
    const auto before = read();
    auto queues = look_at_queues(system, redis, before.redis.reachable);
    auto status = read();  // Asking may have shown that Redis is away.
    status.queues = std::move(queues);
    status.lost_metrics = losses->metrics.total();
    status.lost_logs = losses->logs.total();
    return status;
  };
  return {{"/live", [read] { return yes_or_no(read().alive()); }},
          {"/ready", [read] { return yes_or_no(read().ready()); }},
          {"/status",
           [read_all] {
             return HttpPage{200, "application/json", to_json(read_all()) + '\n'};
           }},
          {"/metrics", [read_all] {
             return HttpPage{200, "text/plain; version=0.0.4", to_prometheus(read_all())};
           }}};
}

}  // namespace chouette
