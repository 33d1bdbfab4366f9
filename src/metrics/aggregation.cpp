#include "metrics/aggregation.hpp"

#include <cmath>
#include <utility>

#include "metrics/wrapped_json.hpp"

namespace chouette {

namespace {

constexpr std::size_t example_length = 200;

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

AggregatedBucket Aggregation::finish(TimeRange bucket) {
  AggregatedBucket result;
  std::vector<WrappedMetric> points;
  for (const auto& metric : merger_.take()) {
    if (wrapper_.wrap(metric, points)) {
      report_.merged += metric.count;
    } else {
      report_.unsupported.add(metric.name + " of type " + metric.type, metric.count);
    }
  }
  result.points.reserve(points.size());
  for (auto& point : points) {
    if (!std::isfinite(point.value)) {
      report_.unsupported.add(point.name + ", whose value is no number");
      continue;
    }
    taken_.claim(point, bucket);
    result.points.push_back(
        {make_record_key(), static_cast<double>(point.timestamp), to_json(point)});
  }
  result.report = std::exchange(report_, {});
  return result;
}

}  // namespace chouette
