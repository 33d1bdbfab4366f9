#include "metrics/merge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace chouette {

namespace {

Tags in_order(Tags tags) {
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

/// Bytes of tags in other orders than the sorted one that are remembered: of some thousand series.
constexpr std::size_t most_spellings = 524288;

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

Merger::Series& Merger::series_of(const RawMetric& metric) {
  key_.clear();
  key_.add(metric.name);
  key_.add(metric.type);
  key_.append(metric.tags);
  if (const auto found = by_key_.find(key_.bytes()); found != by_key_.end()) {
    return *found->second;
  }
  auto& series = series_of(metric, in_order(metric.tags.texts()));
  if (spellings_ + key_.bytes().size() <= most_spellings &&
      by_key_.emplace(key_.bytes(), &series).second) {
    spellings_ += key_.bytes().size();
  }
  return series;
}

Merger::Series& Merger::series_of(const RawMetric& metric, Tags tags) {
  TextList key;
  key.add(metric.name);
  key.add(metric.type);
  for (const auto& tag : tags) {
    key.add(tag);
  }
  auto& series = by_key_[key.bytes()];
  if (series == nullptr) {
    series = &series_.emplace_back();
    series->metric.name = metric.name;
    series->metric.type = metric.type;
    series->metric.tags = std::move(tags);
    series->keeps_values = keeps_values(metric.type);
  }
  return *series;
}

void Merger::add(const RawMetric& metric) {
  auto& [merged, sum, elements, keeps_values] = series_of(metric);
  const auto is_first = merged.count == 0;
  if (is_first || is_later(metric, merged)) {
    merged.last_timestamp = metric.timestamp;
    merged.latest = metric.value;
  }
  if (is_first || metric.timestamp < merged.first_timestamp) {
    merged.first_timestamp = metric.timestamp;
  }
  ++merged.count;
  sum.add(metric.value);
  elements.insert(metric.elements.begin(), metric.elements.end());
  if (keeps_values) {
    merged.values.push_back(metric.value);
  }
}

std::vector<MergedMetric> Merger::take() {
  std::vector<MergedMetric> result;
  result.reserve(series_.size());
  for (auto& [metric, sum, elements, keeps_values] : series_) {
    metric.sum = sum.value();
    metric.distinct = elements.size();
    std::sort(metric.values.begin(), metric.values.end());
    result.push_back(std::move(metric));
  }
  by_key_.clear();
  spellings_ = 0;
  series_.clear();
  std::sort(result.begin(), result.end(), [](const MergedMetric& a, const MergedMetric& b) {
    return std::tie(a.name, a.type, a.tags) < std::tie(b.name, b.type, b.tags);
  });
  return result;
}

}  // namespace chouette
