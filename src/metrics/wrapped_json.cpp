#include "metrics/wrapped_json.hpp"

#include <cstddef>

#include "metrics/json_text.hpp"

namespace chouette {

namespace {

/// Of most points' JSON: what is longer is moved once more.
constexpr std::size_t usual_size = 256;

}  // namespace

std::string to_json(const WrappedMetric& metric) {
  std::string json;
  json.reserve(usual_size);
  json += R"({"metric":)";
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
