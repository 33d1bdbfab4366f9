#include "metrics/wrapped_json.hpp"

#include "metrics/json_text.hpp"

namespace chouette {

std::string to_json(const WrappedMetric& metric) {
  std::string json = R"({"metric":)";
  append_json(metric.name, json);
  json += R"(,"points":[[)";
  append_json(metric.timestamp, json);
  json += ',';
  append_json(metric.value, json);
  json += R"(]],"tags":)";
  append_json(metric.tags, json);
  json += R"(,"type":)";
  append_json(to_string(metric.type), json);
  if (metric.interval.count() > 0) {
    json += R"(,"interval":)";
    append_json(std::int64_t{metric.interval.count()}, json);
  }
  json += '}';
  return json;
}

}  // namespace chouette
