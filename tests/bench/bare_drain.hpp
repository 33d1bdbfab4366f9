#pragma once

#include <cstddef>
#include <string>

#include "queue/queue.hpp"

namespace chouette::bench {

/// The floor: a plain hiredis program that reads all records of a queue and deletes them, and does
/// nothing else. It reads windows of 1,000 records and deletes after so many `windows` in one
/// transaction. Returns how many it has seen.
std::size_t drain(const std::string& socket, QueueName queue, std::size_t windows = 1);

}  // namespace chouette::bench
