#pragma once

#include <cstddef>
#include <string>

namespace chouette::bench {

/// The floor: a plain hiredis program that reads all raw records and deletes them, a window of
/// 1,000 at a time, and does nothing else. Returns how many it has seen.
std::size_t drain_raw_queue(const std::string& socket);

}  // namespace chouette::bench
