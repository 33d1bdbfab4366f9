// A wrapper that behaves as the metrics' names tell it to.

#include <chouette/extension.hpp>
#include <limits>
#include <stdexcept>

namespace {

class FussyWrapper : public chouette::Wrapper {
public:
  explicit FussyWrapper(const chouette::WrapperContext& context)
      : interval_(context.settings.interval) {}

  bool wrap(const chouette::MergedMetric& metric,
            std::vector<chouette::WrappedMetric>& out) const override {
    const auto add = [&](const std::string& name, double value) {
      out.push_back({.name = name,
                     .type = chouette::SeriesType::count,
                     .tags = metric.tags,
                     .timestamp = static_cast<std::int64_t>(metric.first_timestamp),
                     .value = value,
                     .interval = interval_});
    };
    if (metric.name == "clear") out.clear();
    add(metric.name, metric.sum);
    if (metric.name == "throw") throw std::runtime_error("too fussy");
    if (metric.name == "throw.number") throw 1;
    if (metric.name == "refuse") return false;
    if (metric.name == "rubbish") {
      add("", 1);
      add("infinite", std::numeric_limits<double>::infinity());
    }
    return true;
  }

private:
  std::chrono::seconds interval_;
};

}  // namespace

CHOUETTE_WRAPPER(NAME,
                 [](const chouette::WrapperContext& context) -> std::unique_ptr<chouette::Wrapper> {
                   const auto mood = context.setting(NAME);
                   if (mood == "throws") throw std::runtime_error("not in the mood");
                   if (mood == "throws a number") throw 1;
                   if (mood == "is none") return nullptr;
                   return std::make_unique<FussyWrapper>(context);
                 });
