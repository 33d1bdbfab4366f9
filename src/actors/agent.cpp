#include "actors/agent.hpp"

#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "actors/heartbeat.hpp"
#include "actors/status_pages.hpp"
#include "actors/supervisor.hpp"
#include "actors/vital_actors.hpp"
#include "http/http_server.hpp"
#include "intake/api_key.hpp"
#include "logging/logging.hpp"
#include "process/memory.hpp"
#include "process/service_manager.hpp"
#include "version.hpp"

namespace chouette {

namespace {

/// A stop takes at most 5 s; what hangs longer than this is left behind.
constexpr std::chrono::milliseconds stop_deadline{4000};

/// A thread that waits for signals. It calls `reload` at each SIGHUP, `stop` at the first other one
/// and ends the process at the second.
class SignalThread {
public:
  template <class Stop, class Reload>
  SignalThread(Stop stop, Reload reload)
      : thread_([stop, reload](const std::stop_token& done) {
          const auto set = awaited_signals();
          for (bool first = true;;) {
            int signal = 0;
            sigwait(&set, &signal);
            if (done.stop_requested()) {
              return;
            }
            if (signal == SIGHUP) {
              reload();
              continue;
            }
            if (!std::exchange(first, false)) {
              std::_Exit(EXIT_FAILURE);
            }
            spdlog::info("[Agent] signal {}: stopping", signal);
            stop();
          }
        }) {}

  ~SignalThread() {
    thread_.request_stop();
    // Blocked everywhere, it kills nobody: it only ends the wait.
    pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  }

private:
  std::jthread thread_;
};

class ActorConfig : public caf::actor_system_config {
public:
  ActorConfig() {
    // CAF's default scheduler polls: 547 ms of CPU a minute at idle, this one 4 ms.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
  }
};

/// Whether all actors but the first `others` end until `deadline`. The supervisor has not waited
/// for the plugins' runners, so that one that hangs holds up nobody else.
bool all_end(caf::actor_system& system, std::size_t others,
             std::chrono::steady_clock::time_point deadline) {
  constexpr std::chrono::milliseconds pause{5};
  while (system.registry().running() > others) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

/// The key of `config`, and after a change of its file that one; the log shows neither.
std::shared_ptr<ApiKey> make_api_key(const Config& config) {
  if (config.api_key_file.empty()) {
    return std::make_shared<ApiKey>(config.api_key);
  }
  return std::make_shared<ApiKey>(config.api_key, [&config] {
    auto key = read_api_key(config.api_key_file);
    if (key) {
      set_log_secrets({config.api_key, *key, config.redis.password});
    }
    return key;
  });
}

void read_log_level_again(const Config& config) {
  if (const auto level = read_log_level(config.log_level_file)) {
    set_log_level(*level);
    spdlog::info("[Agent] signal {}: the log level is {}", SIGHUP, *level);
  } else {
    spdlog::error("[Agent] signal {}: LOG_LEVEL_FILE: it {}; the former level is kept", SIGHUP,
                  level.error());
  }
}

void read_key_again(ApiKey& key) {
  if (const auto changed = key.refresh()) {
    spdlog::info("[Agent] signal {}: the API key {}", SIGHUP,
                 *changed ? "has changed" : "is as before");
  } else {
    spdlog::error("[Agent] signal {}: API_KEY_FILE: {}; the former key is kept", SIGHUP,
                  changed.error());
  }
}

void reload(const Config& config, ApiKey& key) {
  if (config.api_key_file.empty() && config.log_level_file.empty()) {
    spdlog::warn("[Agent] signal {}: neither API_KEY_FILE nor LOG_LEVEL_FILE is set", SIGHUP);
  }
  if (!config.log_level_file.empty()) {
    read_log_level_again(config);
  }
  if (!config.api_key_file.empty()) {
    read_key_again(key);
  }
}

/// Whether anyone can ask whether the actors answer. If not, they are left asleep: half of the CPU
/// that an idle agent takes.
bool is_anyone_told(const Config& config) {
  return !config.http_listen.empty() || !config.service.notify_socket.empty();
}

/// Serves what is told about the agent. Where that cannot be done the agent works all the same.
std::vector<HttpServer> serve(const Config& config, const HttpServer::Pages& pages) {
  std::vector<HttpServer> servers;
  for (const auto& address : config.http_listen) {
    if (auto server = HttpServer::listen(address, pages)) {
      spdlog::info("[Agent] tells its status at {}", to_text(address));
      servers.push_back(std::move(*server));
    } else {
      spdlog::error("[Agent] HTTP_LISTEN: {}", server.error());
    }
  }
  return servers;
}

/// Ends all servers, if the pages under way are made by then.
bool close(std::vector<HttpServer>& servers, std::chrono::steady_clock::time_point deadline) {
  std::promise<void> closed;
  const auto done = closed.get_future();
  std::thread([servers = std::move(servers), closed = std::move(closed)]() mutable {
    servers.clear();
    closed.set_value();
  }).detach();
  return done.wait_until(deadline) == std::future_status::ready;
}

}  // namespace

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

int run_agent(const Config& config, const Extensions& extensions,
              std::shared_ptr<const Wrapper> wrapper) {
  use_one_heap();
  // Declared before the actors, which hold its tokens.
  std::stop_source stop;
  ActorConfig actor_config;
  caf::actor_system system{actor_config};
  caf::scoped_actor self{system};
  const auto before = system.registry().running();
  const Books books{std::make_shared<LossBook>(), std::make_shared<StatusBoard>(version)};
  const auto key = make_api_key(config);
  auto vital = start_vital_actors(system, config, extensions, std::move(wrapper), key, books,
                                  stop.get_token());
  auto& actors = vital.in_stopping_order;
  if (is_anyone_told(config)) {
    const auto pulse = system.spawn(
        heartbeat, vital.redis,
        HeartbeatSettings{.actors = actors, .board = books.board, .service = config.service});
    actors.insert(actors.begin(), {"heartbeat", caf::actor_cast<caf::actor>(pulse)});
  }
  const auto root = system.spawn(supervisor, std::move(actors),
                                 [&stop, main = caf::actor_cast<caf::actor>(self)] {
                                   stop.request_stop();
                                   caf::anon_send(main, caf::close_atom_v);
                                 });
  self->monitor(root);
  auto servers = serve(config, status_pages(system, vital.redis, books.board, books.losses));
  notify_service_manager(config.service, "READY=1\nSTATUS=started");
  give_back_code();  // What only the start needed: some 3 MiB.
  const SignalThread signals(
      [&stop, main = caf::actor_cast<caf::actor>(self)] {
        stop.request_stop();
        caf::anon_send(main, caf::ok_atom_v);
      },
      [key, &config] { reload(config, *key); });

  bool ended = false;
  bool failed = false;
  const auto on_down = [&](const caf::down_msg& down) {
    ended = true;
    failed = failed || down.reason != caf::exit_reason::user_shutdown;
  };
  self->receive([&](caf::ok_atom) { self->send_exit(root, caf::exit_reason::user_shutdown); },
                [&](caf::close_atom) { failed = true; }, on_down);
  notify_service_manager(config.service, "STOPPING=1");
  const auto deadline = std::chrono::steady_clock::now() + stop_deadline;
  while (!ended && std::chrono::steady_clock::now() < deadline) {
    self->receive(
        on_down, [&](caf::close_atom) { failed = true; }, [](caf::ok_atom) {},
        caf::after(deadline - std::chrono::steady_clock::now()) >> [] {});
  }
  const bool actors_ended = ended && all_end(system, before, deadline);
  if (failed) {
    // Maybe for lack of memory or threads: nothing more is begun.
    spdlog::info("[Agent] stopped");
    std::_Exit(EXIT_FAILURE);
  }
  // The destructor of the system would wait for what may hang.
  if (!actors_ended || !close(servers, deadline)) {
    spdlog::warn("[Agent] something hangs and is left behind; nothing is lost");
    std::_Exit(EXIT_SUCCESS);
  }
  spdlog::info("[Agent] stopped");
  return EXIT_SUCCESS;
}

}  // namespace chouette
