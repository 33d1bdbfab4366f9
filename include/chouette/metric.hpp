#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// Tags of a series as Datadog takes them: `key:value` texts, sorted, each once.
using Tags = std::vector<std::string>;

/// How Datadog stores the points of a series (the `type` of its v1 series API).
enum class SeriesType { gauge, count, rate };

/// `gauge`, `count` or `rate`, as Datadog spells them.
constexpr std::string_view to_string(SeriesType type) {
  switch (type) {
    case SeriesType::gauge:
      return "gauge";
    case SeriesType::count:
      return "count";
    case SeriesType::rate:
      return "rate";
  }
  return "gauge";
}

/// One finished point of one series, ready to be queued and sent. Plugins and wrappers make them.
struct WrappedMetric {
  std::string name;  ///< Not empty. Datadog keeps ASCII letters, digits, `_`, `.`.
  SeriesType type = SeriesType::gauge;
  Tags tags;
  std::int64_t timestamp = 0;        ///< Unix time in whole seconds, Datadog's resolution.
  double value = 0;                  ///< Finite.
  std::chrono::seconds interval{0};  ///< What a count or rate covers; 0 for a gauge: not sent.

  bool operator==(const WrappedMetric&) const = default;
};

/// All raw metrics of one name, type and tags within one bucket. Made by the aggregator for a
/// wrapper; every value in it is finite.
struct MergedMetric {
  std::string name;
  std::string type;  ///< As the application wrote it: `count`, `gauge`, `set`, ...
  Tags tags;
  std::uint64_t count = 0;     ///< How many raw metrics were merged, 1 or more.
  double first_timestamp = 0;  ///< Unix time in seconds of the earliest raw metric.
  double last_timestamp = 0;   ///< Unix time in seconds of the latest raw metric.
  double sum = 0;              ///< Of all values; does not depend on their order. 0 for a set.
  double latest = 0;           ///< The value with the latest timestamp. 0 for a set.
  std::vector<double> values;  ///< Sorted; kept unless the type is count, rate, gauge or set.
  std::uint64_t distinct = 0;  ///< Distinct elements over all lists; only for a set.
};

}  // namespace chouette
