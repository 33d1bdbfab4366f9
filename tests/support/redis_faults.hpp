#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "support/agent.hpp"
#include "support/application.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"

namespace chouette::test {

/// How many log messages match `pattern` as a whole.
std::size_t count_like(const AgentProcess& agent, const std::string& pattern);

/// How often the agent has said that Redis cannot be reached, and that it can be again: after how
/// long, and how much was waiting.
std::size_t outages_begun(const AgentProcess& agent);
std::size_t outages_ended(const AgentProcess& agent);

/// How often it has said that Redis refuses something with an error that begins with `code`, and
/// that something refused works again: after how long, and how much was waiting.
std::size_t refusals_begun(const AgentProcess& agent, const std::string& code);
std::size_t refusals_ended(const AgentProcess& agent);

/// A fault of which Redis speaks was said once when it began and once when it ended, and no other.
void expect_one_refusal(const AgentProcess& agent, const std::string& code);

/// Waits until the application has stored `count` more records.
bool stores(const Application& application, std::size_t count);

/// Waits until the queues in `redis` are empty; expects that these sums of these metrics have
/// arrived by then, no more and no less, that the intake had nothing to object to, and that the
/// agent is well, stops when asked, and has written a proper log.
void expect_delivered(AgentProcess& agent, const Intake& intake, const RedisAddress& redis,
                      const std::map<std::string, double>& sums);

/// For tests of faults: nothing but what the test itself writes is in the queues.
ChildProcess::Environment without_self_metrics(ChildProcess::Environment overrides = {});

}  // namespace chouette::test
