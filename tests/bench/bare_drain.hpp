#pragma once

#include <cstddef>
#include <string>

#include "queue/queue.hpp"

namespace chouette::bench {

// The floor: plain hiredis programs that read all records of a queue and delete them, and do
// nothing else. Each reads windows of 1,000 records and returns how many it has seen.

/// Deletes by key, after so many `windows` in one transaction.
std::size_t drain(const std::string& socket, QueueName queue, std::size_t windows = 1);

/// The same after each window, without an object for each text that Redis answers.
std::size_t drain_without_objects(const std::string& socket, QueueName queue);

/// Sets the queue's two keys aside by renaming them, asks for the next windows before it reads one,
/// and deletes the two keys in the end.
std::size_t drain_renamed(const std::string& socket, QueueName queue);

}  // namespace chouette::bench
