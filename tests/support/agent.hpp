#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/child_process.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"

namespace chouette::test {

/// How an agent stopped.
struct Stopped {
  ExitStatus exit;
  std::chrono::milliseconds elapsed{0};  ///< Since it was asked to.
};

/// The settings with which an agent works between `redis` and `intake`, each of its three intervals
/// one second long; `overrides` win.
ChildProcess::Environment agent_environment(const RedisServer& redis, const Intake& intake,
                                            const ChildProcess::Environment& overrides = {});

/// The program itself, running. It is killed at the end; if the test has failed by then, what it
/// wrote is printed. CHOUETTE_TEST_AGENT in the test's environment names another program to start
/// in its place, such as one that runs it in a container.
class AgentProcess {
public:
  /// With just this environment (and PATH, and the sanitizers' options).
  explicit AgentProcess(ChildProcess::Environment environment,
                        const std::vector<std::string>& arguments = {});
  AgentProcess(const RedisServer& redis, const Intake& intake,
               const ChildProcess::Environment& overrides = {});
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  pid_t pid() const { return process_.pid(); }
  bool running() { return process_.running(); }
  void signal(int number) { process_.signal(number); }

  /// SIGTERM; after 20 s, SIGKILL.
  Stopped stop();
  ExitStatus kill() { return process_.kill(); }

  /// Waits for an end that comes by itself.
  std::optional<ExitStatus> wait(std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    return process_.wait(timeout);
  }

  std::string out() const { return process_.out(); }
  std::string err() const { return process_.err(); }

  /// The log so far, a JSON object a line.
  std::vector<nlohmann::json> log() const;

  /// Lines of stdout that are no JSON objects with the texts asctime, levelname and message. The
  /// last one may still be half written while the agent runs: it counts only with its newline.
  std::vector<std::string> malformed_log_lines() const;

  /// How many log messages contain `part`.
  std::size_t count_in_log(const std::string& part) const;

  /// Waits until a log message contains `part`.
  bool wait_for_log(const std::string& part,
                    std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;

private:
  ChildProcess process_;
};

}  // namespace chouette::test
