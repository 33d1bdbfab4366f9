#include "intake/release_offset.hpp"

#include <cstdint>

namespace chouette {

double release_offset(std::string_view host_name, std::chrono::seconds interval) {
  // FNV-1a, for std::hash may differ between builds.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const auto c : host_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  const auto milliseconds = static_cast<std::uint64_t>(interval.count()) * 1000;
  return static_cast<double>((hash >> 16U) % milliseconds) / 1000;
}

}  // namespace chouette
