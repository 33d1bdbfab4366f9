#include "metrics/wrapped_json.hpp"

#include <nlohmann/json.hpp>

#include "metrics/json_number.hpp"

namespace chouette {

std::string to_json(const WrappedMetric& metric) {
  using nlohmann::json;
  json series{{"metric", metric.name},
              {"type", to_string(metric.type)},
              {"tags", metric.tags},
              {"points", json::array({json::array({metric.timestamp, json_number(metric.value)})})}};
  if (metric.interval.count() > 0) {
    series["interval"] = metric.interval.count();
  }
  return series.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace chouette
