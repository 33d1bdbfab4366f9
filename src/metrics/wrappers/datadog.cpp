#include "metrics/wrappers/datadog.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace chouette {

namespace {

/// Linear interpolation between the closest ranks of sorted, non-empty `values`.
double percentile(const std::vector<double>& values, double fraction) {
  const auto rank = static_cast<double>(values.size() - 1) * fraction;
  const auto below = static_cast<std::size_t>(rank);
  const auto above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], rank - std::floor(rank));
}

/// `95percentile` for 0.95, `99.9percentile` for 0.999.
std::string percentile_suffix(double fraction) {
  const auto percent = std::round(fraction * 1e12) / 1e10;  // 0.57 * 100 is 56.99999999999999
  std::array<char, 32> text;
  const auto result =
      std::to_chars(text.data(), text.data() + text.size(), percent, std::chars_format::fixed);
  return "." + std::string(text.data(), result.ptr) + "percentile";
}

class DatadogWrapper : public Wrapper {
public:
  explicit DatadogWrapper(const WrapperSettings& settings)
      : settings_(settings), seconds_(static_cast<double>(settings.interval.count())) {}

  bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const override {
    if (metric.type == "count") {
      out.push_back(point(metric, "", SeriesType::count, metric.sum));
    } else if (metric.type == "rate") {
      out.push_back(point(metric, "", SeriesType::rate, metric.sum / seconds_));
    } else if (metric.type == "gauge") {
      out.push_back(point(metric, "", SeriesType::gauge, metric.latest));
    } else if (metric.type == "set") {
      out.push_back(point(metric, "", SeriesType::count, static_cast<double>(metric.distinct)));
    } else if (metric.type == "histogram") {
      wrap_histogram(metric, out);
    } else {
      return false;
    }
    return true;
  }

private:
  WrappedMetric point(const MergedMetric& metric, const std::string& suffix, SeriesType type,
                      double value) const {
    return {.name = metric.name + suffix,
            .type = type,
            .tags = metric.tags,
            .timestamp = static_cast<std::int64_t>(std::floor(metric.first_timestamp)),
            .value = value,
            .interval = type == SeriesType::gauge ? std::chrono::seconds{0} : settings_.interval};
  }

  void wrap_histogram(const MergedMetric& metric, std::vector<WrappedMetric>& out) const {
    const auto count = static_cast<double>(metric.count);
    for (const auto& aggregate : settings_.histogram_aggregates) {
      if (aggregate == "count") {
        out.push_back(point(metric, ".count", SeriesType::rate, count / seconds_));
      } else {
        out.push_back(point(metric, "." + aggregate, SeriesType::gauge, of(metric, aggregate)));
      }
    }
    for (const auto fraction : settings_.histogram_percentiles) {
      out.push_back(point(metric, percentile_suffix(fraction), SeriesType::gauge,
                          percentile(metric.values, fraction)));
    }
  }

  static double of(const MergedMetric& metric, std::string_view aggregate) {
    if (aggregate == "avg") {
      return metric.sum / static_cast<double>(metric.count);
    }
    if (aggregate == "sum") {
      return metric.sum;
    }
    if (aggregate == "min") {
      return metric.values.front();
    }
    if (aggregate == "max") {
      return metric.values.back();
    }
    return percentile(metric.values, 0.5);
  }

  WrapperSettings settings_;
  double seconds_;
};

}  // namespace

std::unique_ptr<Wrapper> make_datadog_wrapper(const WrapperSettings& settings) {
  return std::make_unique<DatadogWrapper>(settings);
}

}  // namespace chouette
