// A wrapper for chouette-iot: each series of a bucket becomes one gauge with its latest value.

#include <chouette/extension.hpp>
#include <cmath>

namespace {

class LastValue : public chouette::Wrapper {
public:
  bool wrap(const chouette::MergedMetric& metric,
            std::vector<chouette::WrappedMetric>& out) const override {
    if (metric.type == "set") return false;  // Its values are lists.
    out.push_back({.name = metric.name,
                   .type = chouette::SeriesType::gauge,
                   .tags = metric.tags,
                   .timestamp = static_cast<std::int64_t>(std::floor(metric.last_timestamp)),
                   .value = metric.latest});
    return true;
  }
};

}  // namespace

CHOUETTE_WRAPPER("last_value",
                 [](const chouette::WrapperContext& /*context*/)
                     -> std::unique_ptr<chouette::Wrapper> {
                   return std::make_unique<LastValue>();
                 });
