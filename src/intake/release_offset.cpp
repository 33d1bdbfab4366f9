#include "intake/release_offset.hpp"

#include <cstdint>

#include "metrics/fnv1a.hpp"

namespace chouette {

double release_offset(std::string_view host_name, std::chrono::seconds interval) {
  const auto milliseconds = static_cast<std::uint64_t>(interval.count()) * 1000;
  return static_cast<double>((fnv1a(host_name) >> 16U) % milliseconds) / 1000;
}

}  // namespace chouette
