#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "commands/finding.hpp"
#include "queue/queue.hpp"
#include "queue/redis_facts.hpp"
#include "queue/redis_settings.hpp"

namespace chouette {

/// The lines `name:value` of what Redis answers to INFO.
std::map<std::string, std::string, std::less<>> read_info(std::string_view info);

/// Whether a server that tells this is fit to keep the queues. `place`: where it is, for people.
Findings judge_server(const RedisFacts& facts, const std::string& place);

/// What is wrong with the types of the queues' keys, and of those beside them.
Findings judge_types(const RedisFacts& facts);

/// What it means that Redis could not be reached or refuses.
Finding judge_error(const QueueError& error);

/// How many records wait in one queue, and since when: a Unix time in seconds.
struct Waiting {
  std::size_t records = 0;
  std::optional<double> oldest = {};
  std::size_t set_aside = 0;  ///< So many of the records.
};

/// `what`: a name of `named_queues`.
Finding judge_queue(std::string_view what, const Waiting& waiting, double now);

/// Asks Redis all of that; changes nothing in it.
Findings check_redis(const RedisSettings& settings, double now);

}  // namespace chouette
