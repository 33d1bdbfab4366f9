#include "metrics/taken_seconds.hpp"

#include <algorithm>

#include "metrics/fnv1a.hpp"

namespace chouette {

namespace {

/// The finaliser of splitmix64: spreads every bit of the input over the whole word.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

/// What Datadog tells series apart by: name and tags (the host is the same for all).
std::uint64_t series_of(const WrappedMetric& point) {
  auto hash = fnv1a(point.name);
  for (const auto& tag : point.tags) {
    hash = mix(hash) ^ fnv1a(tag);
  }
  return mix(hash);
}

}  // namespace

TakenSeconds::TakenSeconds(TimeRange bucket, std::chrono::seconds interval)
    : bucket_(bucket),
      start_(static_cast<std::int64_t>(std::max(bucket.from, 0.0))),
      length_(interval.count()) {}

void TakenSeconds::load(std::int64_t start, const std::vector<std::int64_t>& taken) {
  loaded_.insert(start);
  taken_.insert(taken.begin(), taken.end());
}

std::optional<std::int64_t> TakenSeconds::place(std::vector<WrappedMetric>& points) {
  for (; placed_ < points.size(); ++placed_) {
    if (const auto needed = place(points[placed_])) {
      return needed;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> TakenSeconds::place(WrappedMetric& point) {
  if (!loaded_.contains(start_)) {
    return start_;
  }
  const auto series = series_of(point);
  if (!bucket_.contains(static_cast<double>(point.timestamp))) {
    // An application may stamp its metrics with any time. This bucket remembers them.
    while (!take(series, point.timestamp, start_)) {
      ++point.timestamp;
    }
    return std::nullopt;
  }
  const auto first = point.timestamp;
  for (std::int64_t step = 0; step < length_; ++step) {
    const auto second = start_ + (first - start_ + step) % length_;
    if (take(series, second, start_)) {
      point.timestamp = second;
      return std::nullopt;
    }
  }
  for (auto second = start_ + length_;; ++second) {
    const auto later_start = second / length_ * length_;
    if (!loaded_.contains(later_start)) {
      return later_start;
    }
    if (take(series, second, later_start)) {
      point.timestamp = second;
      return std::nullopt;
    }
  }
}

bool TakenSeconds::take(std::uint64_t series, std::int64_t second, std::int64_t bucket_start) {
  const auto entry = static_cast<std::int64_t>(mix(series + static_cast<std::uint64_t>(second)));
  if (!taken_.insert(entry).second) {
    return false;
  }
  new_[bucket_start].push_back(entry);
  return true;
}

std::vector<SecondsTaken> TakenSeconds::taken() const {
  std::vector<SecondsTaken> result;
  for (const auto& [start, entries] : new_) {
    result.push_back({start, entries});
  }
  return result;
}

}  // namespace chouette
