#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace chouette {

/// `value` as JSON in as few bytes as it takes: 5, not 5.0.
inline nlohmann::json json_number(double value) {
  constexpr double largest_exact_integer = 9007199254740992.0;
  if (value == std::trunc(value) && std::abs(value) <= largest_exact_integer) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

}  // namespace chouette
