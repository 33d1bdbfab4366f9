#include "metrics/merge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace chouette {

namespace {

/// Each part with its length in front, so that no text can imitate a border between two parts.
void append_part(std::string_view part, std::string& key) {
  const auto length = static_cast<std::uint32_t>(part.size());
  key.append(reinterpret_cast<const char*>(&length), sizeof length);
  key.append(part);
}

void make_key(const RawMetric& metric, std::string& key) {
  key.clear();
  append_part(metric.name, key);
  append_part(metric.type, key);
  for (const auto& tag : metric.tags) {
    append_part(tag, key);
  }
}

bool keeps_values(std::string_view type) {
  return type != "count" && type != "rate" && type != "gauge" && type != "set";
}

bool is_later(const RawMetric& metric, const MergedMetric& merged) {
  // Among values of one moment the largest counts, so that the order of records does not matter.
  return std::tie(metric.timestamp, metric.value) > std::tie(merged.last_timestamp, merged.latest);
}

/// No sum of smaller values overflows, however many there are; and what is not smaller can be
/// multiplied by `scale` without a loss.
constexpr double huge = 0x1p960;
constexpr double scale = 0x1p-128;

void add_exactly(double value, std::vector<double>& parts) {
  std::size_t kept = 0;
  for (auto part : parts) {
    if (std::abs(value) < std::abs(part)) {
      std::swap(value, part);
    }
    const auto total = value + part;
    const auto lost = part - (total - value);
    if (lost != 0) {
      parts[kept++] = lost;
    }
    value = total;
  }
  parts.resize(kept);
  if (value != 0) {
    parts.push_back(value);
  }
}

/// The double next to the sum of `parts`; of two as near, the even one.
double rounded(const std::vector<double>& parts) {
  double total = 0;
  double lost = 0;
  auto left = parts.size();
  while (left > 0 && lost == 0) {
    const auto before = total;
    const auto part = parts[--left];
    total = before + part;
    lost = part - (total - before);
  }
  // What lies below a tie decides it.
  if (left > 0 && lost != 0 && std::signbit(lost) == std::signbit(parts[left - 1])) {
    const auto away = total + lost * 2;
    if (away - total == lost * 2) {
      return away;
    }
  }
  return total;
}

}  // namespace

void ExactSum::add(double value) {
  if (std::abs(value) < huge) {
    add_exactly(value, parts_);
  } else {
    add_exactly(value * scale, huge_parts_);
  }
}

double ExactSum::value() const {
  if (huge_parts_.empty()) {
    return rounded(parts_);
  }
  const auto estimate = huge_parts_.back() + (parts_.empty() ? 0 : parts_.back() * scale);
  if (std::abs(estimate) < std::numeric_limits<double>::max() * scale / 4) {
    auto all = parts_;
    for (const auto part : huge_parts_) {
      add_exactly(part / scale, all);
    }
    return rounded(all);
  }
  auto all = huge_parts_;
  for (const auto part : parts_) {
    add_exactly(part * scale, all);
  }
  constexpr auto limit = std::numeric_limits<double>::max();
  return std::clamp(rounded(all) / scale, -limit, limit);
}

void Merger::add(const RawMetric& metric) {
  make_key(metric, key_);
  const auto [found, is_new] = series_.try_emplace(key_);
  auto& [merged, sum, elements] = found->second;
  if (is_new) {
    merged.name = metric.name;
    merged.type = metric.type;
    merged.tags = metric.tags;
    merged.first_timestamp = metric.timestamp;
  }
  if (is_new || is_later(metric, merged)) {
    merged.last_timestamp = metric.timestamp;
    merged.latest = metric.value;
  }
  ++merged.count;
  merged.first_timestamp = std::min(merged.first_timestamp, metric.timestamp);
  sum.add(metric.value);
  elements.insert(metric.elements.begin(), metric.elements.end());
  if (keeps_values(metric.type)) {
    merged.values.push_back(metric.value);
  }
}

std::vector<MergedMetric> Merger::take() {
  std::vector<MergedMetric> result;
  result.reserve(series_.size());
  for (auto& [key, series] : series_) {
    auto& metric = series.metric;
    metric.sum = series.sum.value();
    metric.distinct = series.elements.size();
    std::sort(metric.values.begin(), metric.values.end());
    result.push_back(std::move(metric));
  }
  series_.clear();
  std::sort(result.begin(), result.end(), [](const MergedMetric& a, const MergedMetric& b) {
    return std::tie(a.name, a.type, a.tags) < std::tie(b.name, b.type, b.tags);
  });
  return result;
}

}  // namespace chouette
