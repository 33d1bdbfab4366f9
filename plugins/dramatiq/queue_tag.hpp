#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chouette {

/// The glob pattern of the keys under which dramatiq's RedisBroker keeps its queues' messages.
inline constexpr std::string_view queue_keys = "dramatiq:*.msgs";

/// The tag of the queue that the key belongs to, or nothing if it cannot be one: a tag is one line
/// of valid UTF-8, at most 200 characters long. Names are not made fit, for two might become one.
std::optional<std::string> queue_tag(std::string_view key);

}  // namespace chouette
