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

AggregatedBucket Aggregation::finish() {
  AggregatedBucket result;
  for (const auto& metric : merger_.take()) {
    if (wrapper_.wrap(metric, result.points)) {
      report_.merged += metric.count;
    } else {
      report_.unsupported.add(metric.name + " of type " + metric.type, metric.count);
    }
  }
  std::erase_if(result.points, [this](const WrappedMetric& point) {
    const auto finite = std::isfinite(point.value);
    if (!finite) {
      report_.unsupported.add(point.name + ", whose value is no number");
    }
    return !finite;
  });
  result.report = std::exchange(report_, {});
  return result;
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
