#include "metrics/wrappers/simple.hpp"

#include <cmath>

namespace chouette {

namespace {

class SimpleWrapper : public Wrapper {
public:
  explicit SimpleWrapper(const WrapperSettings& settings) : interval_(settings.interval) {}

  bool wrap(const MergedMetric& metric, std::vector<WrappedMetric>& out) const override {
    const WrappedMetric count{
        .name = metric.name,
        .type = SeriesType::count,
        .tags = metric.tags,
        .timestamp = static_cast<std::int64_t>(std::floor(metric.last_timestamp)),
        .value = metric.sum,
        .interval = interval_};
    if (metric.type == "count") {
      out.push_back(count);
      return true;
    }
    const auto number = static_cast<double>(metric.count);
    auto average = count;
    average.type = SeriesType::gauge;
    average.interval = std::chrono::seconds{0};
    average.value =
        metric.type == "set" ? static_cast<double>(metric.distinct) : metric.sum / number;
    out.push_back(average);

    out.push_back(count);
    out.back().name += ".count";
    out.back().value = number;
    return true;
  }

private:
  std::chrono::seconds interval_;
};

}  // namespace

std::unique_ptr<Wrapper> make_simple_wrapper(const WrapperSettings& settings) {
  return std::make_unique<SimpleWrapper>(settings);
}

}  // namespace chouette
