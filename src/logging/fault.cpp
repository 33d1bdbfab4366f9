#include "logging/fault.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>

namespace chouette {

bool Fault::begin(Time now) {
  if (since_) {
    return false;
  }
  since_ = now;
  return true;
}

std::optional<std::chrono::seconds> Fault::end(Time now) {
  const auto since = std::exchange(since_, std::nullopt);
  if (!since) {
    return std::nullopt;
  }
  return std::chrono::duration_cast<std::chrono::seconds>(now - *since);
}

std::optional<std::uint64_t> Throttle::add(std::string_view kind, std::uint64_t count, Time now) {
  auto& entry = kinds_.try_emplace(std::string(kind)).first->second;
  entry.unsaid += count;
  if (entry.unsaid == 0 || (entry.said && now - *entry.said < std::chrono::minutes{1})) {
    return std::nullopt;
  }
  entry.said = now;
  return std::exchange(entry.unsaid, 0);
}

std::string to_text(std::chrono::seconds duration) {
  const auto seconds = duration.count();
  if (seconds < 120) {
    return fmt::format("{} s", seconds);
  }
  if (seconds < 7200) {
    return fmt::format("{} min", seconds / 60);
  }
  return fmt::format("{:.1f} h", static_cast<double>(seconds) / 3600);
}

}  // namespace chouette
