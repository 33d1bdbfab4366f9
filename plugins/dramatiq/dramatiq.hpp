#pragma once

#include <chouette/plugin.hpp>
#include <chrono>
#include <memory>
#include <stop_token>

#include "dramatiq/hash_sizes.hpp"

namespace chouette {

/// Sizes of the queues of the Python library dramatiq, which keeps the messages of each in a hash
/// in Redis. Once `timeout` is over or `stop` is requested, a capture takes no further step through
/// the hashes and sends nothing.
std::unique_ptr<Plugin> make_dramatiq_plugin(HashSizesScan scan, std::chrono::milliseconds timeout,
                                             std::stop_token stop);

}  // namespace chouette
