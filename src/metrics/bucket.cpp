#include "metrics/bucket.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace chouette {

double closing_grace(std::chrono::seconds interval) {
  return std::min(1.0, static_cast<double>(interval.count()) / 4);
}

double closed_before(double now, std::chrono::seconds interval) {
  const auto length = static_cast<double>(interval.count());
  return std::floor((now - closing_grace(interval)) / length) * length;
}

TimeRange bucket_of(double timestamp, std::chrono::seconds interval) {
  if (timestamp < 0) {
    return {-std::numeric_limits<double>::infinity(), 0};
  }
  const auto length = static_cast<double>(interval.count());
  const auto start = std::floor(timestamp / length) * length;
  return {start, start + length};
}

}  // namespace chouette
