#include "metrics/taken_seconds.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace chouette {

namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  // The finaliser of splitmix64: spreads every bit of the input over the whole word.
  hash += value + 0x9e3779b97f4a7c15U;
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31U);
}

std::uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

std::uint64_t series_of(const WrappedMetric& point) {
  auto hash = mix(0, hash_of(point.name));
  for (const auto& tag : point.tags) {
    hash = mix(hash, hash_of(tag));
  }
  return hash;
}

}  // namespace

void TakenSeconds::claim(WrappedMetric& point, TimeRange bucket) {
  const auto series = series_of(point);
  if (bucket.contains(static_cast<double>(point.timestamp))) {
    const auto from = static_cast<std::int64_t>(std::max(bucket.from, 0.0));
    const auto length = static_cast<std::int64_t>(bucket.to) - from;
    for (std::int64_t step = 0; step < length; ++step) {
      const auto second = from + (point.timestamp - from + step) % length;
      if (take(series, second)) {
        point.timestamp = second;
        return;
      }
    }
    point.timestamp = static_cast<std::int64_t>(bucket.to);
  }
  while (!take(series, point.timestamp)) {
    ++point.timestamp;
  }
}

bool TakenSeconds::take(std::uint64_t series, std::int64_t second) {
  const auto entry = mix(series, static_cast<std::uint64_t>(second));
  if (!taken_.insert(entry).second) {
    return false;
  }
  oldest_first_.push_back(entry);
  ++claimed_;
  return true;
}

void TakenSeconds::keep() {
  claimed_ = 0;
  while (oldest_first_.size() > capacity_) {
    taken_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
}

void TakenSeconds::give_back() {
  for (; claimed_ > 0; --claimed_) {
    taken_.erase(oldest_first_.back());
    oldest_first_.pop_back();
  }
}

}  // namespace chouette
