#pragma once

#include <functional>
#include <string>

#include "queue/queue.hpp"

namespace chouette {

/// One step through the hashes in Redis whose keys match `pattern`; the first step's cursor is "0",
/// and the last step answers with it. Blocks until the Redis actor has answered; throws
/// std::exception with the reason if it could not. For the thread of a plugin.
using HashSizesScan =
    std::function<HashSizes(const std::string& pattern, const std::string& cursor)>;

}  // namespace chouette
