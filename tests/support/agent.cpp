#include "support/agent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <utility>

#include "support/wait.hpp"

namespace chouette::test {

namespace {

using nlohmann::json;

ChildProcess::Environment completed(ChildProcess::Environment environment) {
  constexpr std::array passed_on{"PATH",         "LD_LIBRARY_PATH", "ASAN_OPTIONS",
                                 "LSAN_OPTIONS", "TSAN_OPTIONS",    "UBSAN_OPTIONS"};
  for (const auto* name : passed_on) {
    if (const char* value = std::getenv(name)) environment.emplace(name, value);
  }
  return environment;
}

std::vector<std::string> command_line(const std::vector<std::string>& arguments) {
  const char* other = std::getenv("CHOUETTE_TEST_AGENT");
  std::vector<std::string> argv{other != nullptr ? other : CHOUETTE_EXECUTABLE};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

bool is_log_line(const json& line) {
  constexpr std::array fields{"asctime", "levelname", "message"};
  return line.is_object() && std::all_of(fields.begin(), fields.end(), [&](const char* field) {
           return line.contains(field) && line[field].is_string();
         });
}

std::vector<std::string> whole_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text.substr(0, text.rfind('\n') + 1));
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

ChildProcess::Environment agent_environment(const RedisServer& redis, const Intake& intake,
                                            const ChildProcess::Environment& overrides) {
  auto environment = overrides;
  environment.merge(ChildProcess::Environment{{"REDIS_SOCKET", redis.socket()},
                                              {"DATADOG_URL", intake.metrics_url()},
                                              {"DATADOG_LOGS_URL", intake.logs_url()},
                                              {"API_KEY", intake.api_key()},
                                              {"RELEASE_INTERVAL", "1"},
                                              {"AGGREGATE_INTERVAL", "1"},
                                              {"CAPTURE_INTERVAL", "1"}});
  const auto password = redis.address().password;
  if (!password.empty()) environment.emplace("REDIS_PASSWORD", password);
  return environment;
}

AgentProcess::AgentProcess(ChildProcess::Environment environment,
                           const std::vector<std::string>& arguments)
    : process_(command_line(arguments), completed(std::move(environment))) {}

AgentProcess::AgentProcess(const RedisServer& redis, const Intake& intake,
                           const ChildProcess::Environment& overrides)
    : AgentProcess(agent_environment(redis, intake, overrides)) {}

AgentProcess::~AgentProcess() {
  if (!testing::Test::HasFailure()) return;
  std::cout << "--- the agent's output\n" << out() << "--- and errors\n" << err() << "---\n";
}

Stopped AgentProcess::stop() {
  const auto begin = std::chrono::steady_clock::now();
  process_.signal(SIGTERM);
  const auto ended = process_.wait(std::chrono::seconds(20));
  const auto exit = ended ? *ended : process_.kill();
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  return {exit, std::chrono::duration_cast<std::chrono::milliseconds>(elapsed)};
}

std::vector<json> AgentProcess::log() const {
  std::vector<json> result;
  for (const auto& line : whole_lines(out())) {
    auto parsed = json::parse(line, nullptr, false);
    if (is_log_line(parsed)) result.push_back(std::move(parsed));
  }
  return result;
}

std::vector<std::string> AgentProcess::malformed_log_lines() const {
  std::vector<std::string> result;
  for (const auto& line : whole_lines(out())) {
    if (!is_log_line(json::parse(line, nullptr, false))) result.push_back(line);
  }
  return result;
}

std::size_t AgentProcess::count_in_log(const std::string& part) const {
  const auto lines = log();
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const json& line) {
    return line["message"].get_ref<const std::string&>().find(part) != std::string::npos;
  }));
}

bool AgentProcess::wait_for_log(const std::string& part, std::chrono::milliseconds timeout) const {
  return eventually([&] { return count_in_log(part) > 0; }, timeout);
}

}  // namespace chouette::test
