// Reads any text as a raw metric: without harm, and with the same result as nlohmann's JSON.

#include "metrics/raw_metric.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "input.hpp"
#include "json_oracle.hpp"

namespace chouette::fuzz {
namespace {

using nlohmann::json;

constexpr double year_10000 = 253402300800.0;

bool is_finite_number(const json& value) {
  return value.is_number() && std::isfinite(value.get<double>());
}

bool is_scalar(const json& value) {
  return !value.is_structured();
}

bool are_tags(const json& tags) {
  if (tags.is_object()) {
    return std::all_of(tags.begin(), tags.end(), is_scalar);
  }
  return tags.is_null() || (tags.is_array() && std::all_of(tags.begin(), tags.end(), [](auto& tag) {
                              return tag.is_string();
                            }));
}

bool is_raw_metric(const json& record) {
  const auto field = [&record](const char* name) { return record.value(name, json()); };
  if (!record.is_object() || !field("metric").is_string() || field("metric") == "" ||
      !field("type").is_string() || !is_finite_number(field("timestamp")) ||
      !are_tags(field("tags"))) {
    return false;
  }
  const auto timestamp = field("timestamp").get<double>();
  const auto value = field("value");
  const auto good_value =
      field("type") == "set"
          ? value.is_array() && std::all_of(value.begin(), value.end(), is_scalar)
          : is_finite_number(value);
  return good_value && timestamp >= 0 && timestamp < year_10000;
}

void compare(const RawMetric& metric, const json& record) {
  check(metric.name == record["metric"], "the same name");
  check(metric.type == record["type"], "the same type");
  check(metric.timestamp == record["timestamp"].get<double>(), "the same timestamp");
  if (metric.type == "set") {
    check(metric.elements.size() == record["value"].size(), "as many elements");
  } else {
    check(metric.value == record["value"].get<double>(), "the same value");
  }
  const auto written = record.value("tags", json());
  std::set<std::string> tags;
  for (const auto& [key, value] : written.items()) {
    const auto text = value.get<std::string>();
    tags.insert(written.is_array() ? text : key + ':' + text);
  }
  const auto read = metric.tags.texts();
  check(std::set<std::string>(read.begin(), read.end()) == tags, "the same tags");
}

/// As `compare` has them: only strings are spelt the same in JSON and in a tag.
bool has_plain_tags(const json& record) {
  const auto tags = record.value("tags", json());
  return tags.is_null() ||
         std::all_of(tags.begin(), tags.end(), [](const json& value) { return value.is_string(); });
}

void run(std::string_view text) {
  static RawMetricParser parser;
  const auto metric = parser.parse(text);
  const auto oracle = read_with_nlohmann(text);
  if (metric) {
    check(!(*metric)->name.empty() && std::isfinite((*metric)->value) &&
              (*metric)->timestamp >= 0 && (*metric)->timestamp < year_10000,
          "usable fields");
    check(oracle.document.has_value(), "nothing but JSON is a raw metric");
  }
  if (oracle.document && oracle.comparable) {
    check(metric.has_value() == is_raw_metric(*oracle.document), "the same verdict");
    if (metric && has_plain_tags(*oracle.document)) {
      compare(**metric, *oracle.document);
    }
  }
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
