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

void ExactSum::clear() {
  parts_.clear();
  huge_parts_.clear();
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
  if (metric.spelling == 0) {
    return new_or_known_series(metric);
  }
  if (by_spelling_.size() < metric.spelling) {
    by_spelling_.resize(metric.spelling);
  }
  auto& series = by_spelling_[metric.spelling - 1];
  if (series == nullptr) {
    series = &new_or_known_series(metric);
  }
  return *series;
}

Merger::Series& Merger::new_or_known_series(const RawMetric& metric) {
  auto tags = in_order(metric.tags.texts());
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

void Merger::Series::add(const RawMetric& raw) {
  const auto is_first = metric.count == 0;
  if (is_first || is_later(raw, metric)) {
    metric.last_timestamp = raw.timestamp;
    metric.latest = raw.value;
  }
  if (is_first || raw.timestamp < metric.first_timestamp) {
    metric.first_timestamp = raw.timestamp;
  }
  ++metric.count;
  sum.add(raw.value);
  elements.insert(raw.elements.begin(), raw.elements.end());
  if (keeps_values) {
    metric.values.push_back(raw.value);
  }
}

void Merger::Series::finish() {
  metric.sum = sum.value();
  metric.distinct = elements.size();
  std::sort(metric.values.begin(), metric.values.end());
}

void Merger::Series::clear() {
  metric.count = 0;
  metric.values.clear();
  sum.clear();
  elements.clear();
}

void Merger::add(const RawMetric& metric) {
  if (taken_) {
    clear();
  }
  auto& series = series_of(metric);
  if (series.metric.count == 0) {
    merged_.push_back(&series);
  }
  series.add(metric);
}

std::vector<const MergedMetric*> Merger::take() {
  if (taken_) {
    clear();
  }
  std::vector<const MergedMetric*> result;
  result.reserve(merged_.size());
  for (auto* const series : merged_) {
    series->finish();
    result.push_back(&series->metric);
  }
  taken_ = true;
  std::sort(result.begin(), result.end(), [](const MergedMetric* a, const MergedMetric* b) {
    return std::tie(a->name, a->type, a->tags) < std::tie(b->name, b->type, b->tags);
  });
  return result;
}

void Merger::clear() {
  for (auto* const series : merged_) {
    series->clear();
  }
  merged_.clear();
  taken_ = false;
}

void Merger::forget() {
  by_key_.clear();
  by_spelling_.clear();
  merged_.clear();
  taken_ = false;
  series_.clear();
}

}  // namespace chouette
