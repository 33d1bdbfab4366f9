#include "metrics/raw_metric.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "metrics/json_reader.hpp"

namespace chouette {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr double year_10000 = 253402300800.0;

/// Of spellings that are remembered: of some thousand series.
constexpr std::size_t most_bytes = 524288;

/// Records for which there is no room, to one of a series that is remembered.
constexpr std::size_t most_left_out = 4;

std::size_t size_of(const FramedRecord& frame) {
  return frame.before.size() + frame.between.size() + frame.after.size();
}

std::size_t hash_of(const FramedRecord& frame) {
  const std::hash<std::string_view> hash;
  return (hash(frame.before) * 31 + hash(frame.between)) * 31 + hash(frame.after);
}

bool is_time(double timestamp) {
  return timestamp >= 0 && timestamp < year_10000;
}

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

bool read_elements(simdjson::simdjson_result<simdjson::dom::array> list,
                   std::vector<std::string>& out) {
  simdjson::dom::array items;
  return std::move(list).get(items) == simdjson::SUCCESS &&
         std::all_of(items.begin(), items.end(),
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
  out.spelling = 0;
  if (!read_string(fields.metric, out.name) || out.name.empty()) {
    return Malformed::metric;
  }
  if (!read_string(fields.type, out.type)) {
    return Malformed::type;
  }
  out.value = 0;
  if (out.type == "set" ? !fields.value || !read_elements(fields.value->get_array(), out.elements)
                        : !read_number(fields.value, out.value)) {
    return Malformed::value;
  }
  if (!read_number(fields.timestamp, out.timestamp) || !is_time(out.timestamp)) {
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

struct RawMetricParser::Reader : JsonReader {
  simdjson::dom::parser lists;
};

RawMetricParser::RawMetricParser() : reader_(std::make_unique<Reader>()) {}
RawMetricParser::~RawMetricParser() = default;

tl::expected<const RawMetric*, Malformed> RawMetricParser::parse(std::string_view json) {
  if (with_elements_ != nullptr) {
    metric_.elements.swap(std::exchange(with_elements_, nullptr)->elements);
  }
  const auto record = cut(json);
  const auto hash = record ? hash_of(*record) : 0;
  if (const auto* const metric = record ? read_known(*record, hash) : nullptr) {
    ++known_;
    return metric;
  }
  if (const auto reason = read(json)) {
    return tl::unexpected(*reason);
  }
  if (record && is_worth_remembering(*record, hash)) {
    if (const auto* const metric = remember(*record, hash) ? read_known(*record, hash) : nullptr) {
      return metric;
    }
    read(json);  // Other texts were read meanwhile.
  }
  return &metric_;
}

bool RawMetricParser::Known::frames(const FramedRecord& record) const {
  return before == record.before && between == record.between && after == record.after;
}

const RawMetric* RawMetricParser::read_known(const FramedRecord& record, std::size_t hash) {
  const auto found = spellings_.find(hash);
  if (found == spellings_.end() || !found->second.frames(record) || !is_time(record.timestamp)) {
    return nullptr;
  }
  auto& metric = found->second.metric;
  if (metric.type == "set") {
    metric_.elements.clear();
    if (!read_elements(reader_->lists.parse(record.list).get_array(), metric_.elements)) {
      return nullptr;
    }
    metric.elements.swap(metric_.elements);
    with_elements_ = &metric;
  } else if (!record.list.empty()) {
    return nullptr;
  }
  metric.timestamp = record.timestamp;
  metric.value = record.value;
  return &metric;
}

bool RawMetricParser::is_worth_remembering(const FramedRecord& record, std::size_t hash) {
  auto seen = seen_[hash % seen_.size()];
  if (!seen) {
    seen = true;
    return false;
  }
  if (bytes_ + size_of(record) <= most_bytes) {
    return !spellings_.contains(hash);
  }
  ++left_out_;
  return false;
}

/// The text between the pieces that `cut` takes out tells a series only if what it took out are the
/// fields' values, all of them: then other values there make a record that has those, and is the
/// same in all else. No field can have two values that are not there.
bool RawMetricParser::remember(const FramedRecord& record, std::size_t hash) {
  const bool is_set = metric_.type == "set";
  for (const std::string value : {"1", "2"}) {
    const auto time = "3" + value;
    const auto probe = joined(record, is_set ? '[' + value + ']' : value, time);
    if (read(probe) || metric_.timestamp != std::stod(time) ||
        (is_set ? metric_.elements != std::vector{value} : metric_.value != std::stod(value))) {
      return false;
    }
  }
  auto& known = spellings_[hash];
  known.before = record.before;
  known.between = record.between;
  known.after = record.after;
  known.name = metric_.name;
  known.type = metric_.type;
  known.metric.name = known.name;
  known.metric.type = known.type;
  known.metric.tags = metric_.tags;
  known.metric.spelling = spellings_.size();
  bytes_ += size_of(record);
  return true;
}

bool RawMetricParser::is_stale() {
  return std::exchange(left_out_, 0) > most_left_out * std::exchange(known_, 0);
}

void RawMetricParser::forget() {
  with_elements_ = nullptr;
  spellings_.clear();
  bytes_ = 0;
  seen_.reset();
}

std::optional<Malformed> RawMetricParser::read(std::string_view json) {
  const auto document = reader_->parse(json);
  if (document.error() != simdjson::SUCCESS) {
    return Malformed::json;
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) {
    return Malformed::object;
  }
  return read_metric(fields_of(object), metric_);
}

}  // namespace chouette
