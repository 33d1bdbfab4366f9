#include "metrics/aggregation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

#include "metrics/wrapped_json.hpp"

namespace chouette {

namespace {

constexpr std::size_t example_length = 200;

/// Series that are remembered from one bucket to the next: some 5 MB.
constexpr std::size_t most_series = 10000;

}  // namespace

void Dropped::add(std::string_view record, std::uint64_t how_many) {
  if (count == 0) {
    example = record.substr(0, example_length);
  }
  count += how_many;
}

void Aggregation::add(const PackedStrings& records) {
  const auto malformed = [this](Malformed reason) -> Dropped& {
    return report_.malformed[static_cast<std::size_t>(reason)];
  };
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!records.present(i)) {
      malformed(Malformed::half).add("");
    } else if (const auto metric = parser_.parse(records[i])) {
      merger_.add(**metric);
    } else {
      malformed(metric.error()).add(records[i]);
    }
  }
}

AggregatedBucket Aggregation::finish() {
  AggregatedBucket result;
  for (const auto* const metric : merger_.take()) {
    wrap(*metric, result);
  }
  const bool stale = parser_.is_stale();
  if (stale) {
    parser_.forget();
  }
  if (stale || merger_.size() > most_series) {
    merger_.forget();
  }
  result.report = std::exchange(report_, {});
  return result;
}

/// The wrapper may be somebody else's: it gets a list of its own, so that it can spoil no others'
/// points.
void Aggregation::wrap(const MergedMetric& metric, AggregatedBucket& result) {
  const auto drop = [&](const std::string& why) {
    report_.unsupported.add(metric.name + " of type " + metric.type + why, metric.count);
  };
  points_.clear();
  try {
    if (!wrapper_.wrap(metric, points_)) {
      drop("");
      return;
    }
  } catch (const std::exception& error) {
    drop(std::string(", at which it failed: ") + error.what());
    return;
  } catch (...) {
    drop(", at which it failed");
    return;
  }
  report_.merged += metric.count;
  for (auto& point : points_) {
    if (const auto why = why_unsendable(point); !why.empty()) {
      report_.unsendable.add("a point of " + metric.name + ' ' + std::string(why));
    } else {
      put_in_order(point.tags);
      result.points.push_back(std::move(point));
    }
  }
}

std::string_view why_unsendable(const WrappedMetric& point) {
  if (point.name.empty()) {
    return "without a name";
  }
  if (!std::isfinite(point.value)) {
    return "whose value is no number";
  }
  if (point.timestamp < -latest_second || point.timestamp > latest_second) {
    return "whose time is out of range";
  }
  return {};
}

void put_in_order(Tags& tags) {
  const bool in_order =
      std::adjacent_find(tags.begin(), tags.end(), std::greater_equal<>()) == tags.end();
  if (!in_order) {
    std::sort(tags.begin(), tags.end());
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  }
}

std::vector<NewRecord> to_records(const std::vector<WrappedMetric>& points) {
  std::vector<NewRecord> records;
  records.reserve(points.size());
  for (const auto& point : points) {
    records.push_back({make_record_key(), static_cast<double>(point.timestamp), to_json(point)});
  }
  return records;
}

}  // namespace chouette
