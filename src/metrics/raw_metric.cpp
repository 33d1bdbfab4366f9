#include "metrics/raw_metric.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "metrics/json_reader.hpp"

namespace chouette {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr double year_10000 = 253402300800.0;

bool read_string(const std::optional<element>& field, std::string_view& out) {
  return field && field->get(out) == simdjson::SUCCESS;
}

bool read_number(const std::optional<element>& field, double& out) {
  return field && field->is_number() && field->get(out) == simdjson::SUCCESS && std::isfinite(out);
}

/// One text for each element, the same for 1 and 1.0 and another for "1" and true.
bool append_element(const element& item, std::vector<std::string>& out) {
  std::string text;
  double number = 0;
  if (item.is_string()) {
    text = "s";
  } else if (item.type() == element_type::DOUBLE && item.get(number) == simdjson::SUCCESS &&
             number == std::trunc(number) && number >= -0x1p63 && number < 0x1p64) {
    out.push_back(number < 0 ? std::to_string(static_cast<std::int64_t>(number))
                             : std::to_string(static_cast<std::uint64_t>(number)));
    return true;
  }
  if (!append_scalar(item, text)) {
    return false;
  }
  out.push_back(std::move(text));
  return true;
}

bool read_elements(const std::optional<element>& field, std::vector<std::string>& out) {
  simdjson::dom::array items;
  if (!field || field->get(items) != simdjson::SUCCESS) {
    return false;
  }
  return std::all_of(items.begin(), items.end(),
                     [&out](const element& item) { return append_element(item, out); });
}

bool read_tags(const std::optional<element>& field, TextList& out) {
  simdjson::dom::object object;
  simdjson::dom::array list;
  if (!field || field->is_null()) {
    return true;
  }
  if (field->get(object) == simdjson::SUCCESS) {
    for (const auto [key, value] : object) {
      auto& tag = out.begin_text();
      tag.append(key) += ':';
      if (!append_scalar(value, tag)) {
        return false;
      }
      out.end_text();
    }
  } else if (field->get(list) == simdjson::SUCCESS) {
    for (const auto item : list) {
      std::string_view tag;
      if (item.get(tag) != simdjson::SUCCESS) {
        return false;
      }
      out.add(tag);
    }
  } else {
    return false;
  }
  return true;
}

struct Fields {
  std::optional<element> metric, type, value, timestamp, tags;
};

/// Of a field that is there twice the last counts, as in Python.
Fields fields_of(const simdjson::dom::object& object) {
  Fields fields;
  for (const auto [key, value] : object) {
    if (key == "metric") {
      fields.metric = value;
    } else if (key == "type") {
      fields.type = value;
    } else if (key == "value") {
      fields.value = value;
    } else if (key == "timestamp") {
      fields.timestamp = value;
    } else if (key == "tags") {
      fields.tags = value;
    }
  }
  return fields;
}

std::optional<Malformed> read_metric(const Fields& fields, RawMetric& out) {
  out.elements.clear();
  out.tags.clear();
  if (!read_string(fields.metric, out.name) || out.name.empty()) {
    return Malformed::metric;
  }
  if (!read_string(fields.type, out.type)) {
    return Malformed::type;
  }
  out.value = 0;
  if (out.type == "set" ? !read_elements(fields.value, out.elements)
                        : !read_number(fields.value, out.value)) {
    return Malformed::value;
  }
  if (!read_number(fields.timestamp, out.timestamp) || out.timestamp < 0 ||
      out.timestamp >= year_10000) {
    return Malformed::timestamp;
  }
  if (!read_tags(fields.tags, out.tags)) {
    return Malformed::tags;
  }
  return std::nullopt;
}

}  // namespace

std::string_view describe(Malformed reason) {
  switch (reason) {
    case Malformed::half:
      return "is half a record: a key without a value, or a value without a key";
    case Malformed::json:
      return "is not JSON";
    case Malformed::object:
      return "is not a JSON object";
    case Malformed::metric:
      return "has no usable name in \"metric\"";
    case Malformed::type:
      return "has no usable \"type\"";
    case Malformed::value:
      return "has no usable \"value\"";
    case Malformed::timestamp:
      return "has no usable \"timestamp\"";
    case Malformed::tags:
      return "has unusable \"tags\"";
  }
  return "is malformed";
}

struct RawMetricParser::Reader : JsonReader {};

RawMetricParser::RawMetricParser() : reader_(std::make_unique<Reader>()) {}
RawMetricParser::~RawMetricParser() = default;

tl::expected<const RawMetric*, Malformed> RawMetricParser::parse(std::string_view json) {
  const auto document = reader_->parse(json);
  if (document.error() != simdjson::SUCCESS) {
    return tl::unexpected(Malformed::json);
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) {
    return tl::unexpected(Malformed::object);
  }
  if (const auto reason = read_metric(fields_of(object), metric_)) {
    return tl::unexpected(*reason);
  }
  return &metric_;
}

}  // namespace chouette
