#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/parse_error.hpp"

/// Pure readers of what a container engine answers, called by Engine and the docker plugin. The
/// format is that of Docker's Engine API, which Podman speaks too with small differences. They
/// throw ParseError for what is not JSON or has something else in the place of an object or a
/// number of 0 or more; what is missing or null is simply not there.
namespace chouette::docker {

/// A container as GET /containers/json lists it.
struct Container {
  std::string id;     ///< 1 to 64 hexadecimal digits, so that it may stand in a URL.
  std::string name;   ///< See name_of. Not empty.
  std::string state;  ///< running, paused, restarting, ...; empty before API 1.23.

  bool operator==(const Container&) const = default;
};

/// What GET /containers/json gave.
struct ContainerList {
  std::vector<Container> containers;  ///< In the engine's order; each ID once.
  std::size_t unusable = 0;           ///< Entries without an ID that can be asked for.
};

ContainerList parse_containers(std::string_view json);

/// The container's own name among all that the engine gives: the one without a second slash, for
/// others are links' names. Without its leading slash, control characters replaced, at most 200
/// bytes, which is all that Datadog keeps of a tag. Without a name it is the ID's first 12 digits.
std::string name_of(std::string_view id, const std::vector<std::string_view>& names);

/// Bytes that passed through one of a container's network interfaces.
struct Interface {
  std::string name;  ///< Control characters replaced, at most 200 bytes.
  std::optional<double> received;
  std::optional<double> sent;

  bool operator==(const Interface&) const = default;
};

/// What GET /containers/ID/stats tells of a container's resources.
struct Stats {
  std::optional<double> cpu;            ///< Nanoseconds of all CPUs since its start.
  std::optional<double> memory;         ///< Bytes, page cache and all.
  std::optional<double> inactive_file;  ///< Bytes of it that the kernel can drop at once.
  std::vector<Interface> interfaces;    ///< Each name once: the first of two with one name.

  bool operator==(const Stats&) const = default;
};

/// Nothing at all for a container that did not run when it was asked: the engine marks its zeros
/// with the year 1.
Stats parse_stats(std::string_view json);

/// Memory in use in bytes without the pages that can be dropped at once, 0 or more. Nothing if the
/// engine does not tell both.
std::optional<double> working_set(const Stats& stats);

/// RestartCount in GET /containers/ID/json.
std::optional<double> parse_restart_count(std::string_view json);

/// The reason in an answer that is not 200, in printable ASCII, at most 200 characters. Empty if
/// there is none. Does not throw.
std::string parse_message(std::string_view json);

/// The API version that an engine speaks, from its header Api-Version: major and minor number.
using ApiVersion = std::pair<unsigned, unsigned>;

/// Nothing if it is not two small numbers with a dot between.
std::optional<ApiVersion> parse_api_version(std::string_view text);

}  // namespace chouette::docker
