#pragma once

#include <chrono>
#include <string_view>

namespace chouette {

/// When within `interval` a device releases: seconds in [0, interval), the same after each start,
/// spread evenly over the devices of a fleet by their host names.
double release_offset(std::string_view host_name, std::chrono::seconds interval);

}  // namespace chouette
