#include "support/raw_metric_oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <utility>

#include "support/json_oracle.hpp"

namespace chouette::test {

namespace {

using nlohmann::json;

constexpr double year_10000 = 253402300800.0;
constexpr int deepest = 1023;
constexpr int deepest_with_big_integers = 16;

/// As Python writes it.
std::string repr(double number) {
  std::array<char, 512> text{};
  int precision = 0;
  do {
    std::snprintf(text.data(), text.size(), "%.*e", precision, number);
  } while (std::strtod(text.data(), nullptr) != number && ++precision < 17);
  std::string scientific = text.data();
  const auto exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 16) {
    return scientific;
  }
  std::snprintf(text.data(), text.size(), "%.*f", std::max(precision - exponent, 1), number);
  return text.data();
}

/// Without fraction and exponent, the same for 0 and -0.
std::string whole(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.0f", number == 0 ? 0 : number);
  return text.data();
}

std::optional<std::string> python_text(const json& scalar) {
  if (scalar.is_string()) {
    return scalar.get<std::string>();
  }
  if (scalar.is_null()) {
    return "None";
  }
  if (scalar.is_boolean()) {
    return scalar.get<bool>() ? "True" : "False";
  }
  if (scalar.is_number_integer()) {
    return scalar.dump();
  }
  return scalar.is_number() ? std::optional(repr(scalar.get<double>())) : std::nullopt;
}

using WrittenTags = std::vector<std::pair<std::string, json>>;

/// Keeps the tags of a record that are an object, also those that are there twice.
class TagsLook {
public:
  void operator()(int depth, json::parse_event_t event, const json& value) {
    using Event = json::parse_event_t;
    if (event == Event::key) {
      if (depth <= 2) {
        (depth == 1 ? field_ : key_) = value;
      }
    } else if (event == Event::object_start) {
      if (depth == 1 && field_ == "tags") {
        tags_.clear();
      }
    } else if (event != Event::array_start && depth == 2 && field_ == "tags") {
      tags_.emplace_back(key_, value);
    }
  }

  const WrittenTags& tags() const { return tags_; }

private:
  std::string field_, key_;
  WrittenTags tags_;
};

/// Whether a JSON text has an integer that nlohmann reads as a double.
bool has_big_integer(std::string_view text) {
  struct Look : nlohmann::json_sax<json> {
    bool found = false;

    bool number_float(double, const std::string& written) override {
      found = found || written.find_first_of(".eE") == std::string::npos;
      return true;
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(json::number_integer_t) override { return true; }
    bool number_unsigned(json::number_unsigned_t) override { return true; }
    bool string(std::string&) override { return true; }
    bool binary(json::binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(std::string&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t, const std::string&, const json::exception&) override {
      return false;
    }
  } look;
  json::sax_parse(text, &look);
  return look.found;
}

bool read_elements(const json& list, RawMetricReading& out) {
  if (!list.is_array()) {
    return false;
  }
  std::set<std::string> distinct;
  for (const auto& item : list) {
    if (item.is_structured()) {
      return false;
    }
    const auto number = item.is_number_float() ? item.get<double>() : 0.5;
    const auto is_whole = number == std::trunc(number) && number >= -0x1p63 && number < 0x1p64;
    distinct.insert(is_whole ? whole(number) : item.dump());
  }
  out.elements = list.size();
  out.distinct = distinct.size();
  return true;
}

bool read_tags(const json& tags, const WrittenTags& members, std::vector<std::string>& out) {
  if (tags.is_object()) {
    for (const auto& [key, value] : members) {
      const auto text = python_text(value);
      if (!text) {
        return false;
      }
      out.push_back(key + ":" + *text);
    }
  } else if (tags.is_array()) {
    for (const auto& tag : tags) {
      if (!tag.is_string()) {
        return false;
      }
      out.push_back(tag);
    }
  } else if (!tags.is_null()) {
    return false;
  }
  std::sort(out.begin(), out.end());
  return true;
}

RawMetricVerdict read_document(const json& document, const WrittenTags& members) {
  if (!document.is_object()) {
    return Malformed::object;
  }
  RawMetricReading reading;
  const auto field = [&document](const char* name) { return document.value(name, json()); };
  if (!field("metric").is_string() || field("metric") == "") {
    return Malformed::metric;
  }
  reading.name = field("metric");
  if (!field("type").is_string()) {
    return Malformed::type;
  }
  reading.type = field("type");
  const auto value = field("value");
  if (reading.type == "set") {
    if (!read_elements(value, reading)) {
      return Malformed::value;
    }
  } else if (value.is_number()) {
    reading.value = value;
  } else {
    return Malformed::value;
  }
  const auto time = field("timestamp");
  if (!time.is_number() || time.get<double>() < 0 || time.get<double>() >= year_10000) {
    return Malformed::timestamp;
  }
  reading.timestamp = time;
  if (!read_tags(field("tags"), members, reading.tags)) {
    return Malformed::tags;
  }
  return reading;
}

WrittenTags members_of(const json& document) {
  WrittenTags members;
  if (document.is_object() && document.contains("tags") && document["tags"].is_object()) {
    for (const auto& [key, value] : document["tags"].items()) {
      members.emplace_back(key, value);
    }
  }
  return members;
}

}  // namespace

std::string to_text(const RawMetricVerdict& verdict) {
  if (const auto* reason = std::get_if<Malformed>(&verdict)) {
    return std::string(describe(*reason));
  }
  const auto& reading = std::get<RawMetricReading>(verdict);
  return json{
      {"metric", reading.name}, {"type", reading.type},         {"timestamp", reading.timestamp},
      {"value", reading.value}, {"elements", reading.elements}, {"distinct", reading.distinct},
      {"tags", reading.tags}}
      .dump(-1, ' ', true, json::error_handler_t::replace);
}

RawMetricVerdict read_raw_metric(RawMetricParser& parser, std::string_view text) {
  const auto metric = parser.parse(text);
  if (!metric) {
    return metric.error();
  }
  const auto& raw = **metric;
  const std::set<std::string> distinct(raw.elements.begin(), raw.elements.end());
  auto tags = raw.tags.texts();
  std::sort(tags.begin(), tags.end());
  return RawMetricReading{std::string(raw.name), std::string(raw.type), raw.timestamp,  raw.value,
                          raw.elements.size(),   distinct.size(),       std::move(tags)};
}

std::optional<ExpectedRawMetric> expect_raw_metric(std::string_view text) {
  TagsLook look;
  const auto [document, depth, comparable] = read_with_nlohmann(text, std::ref(look));
  if (!document) {
    return ExpectedRawMetric{Malformed::json, {}};
  }
  if (text.find('\0') != std::string_view::npos) {
    return ExpectedRawMetric{Malformed::json, Difference::nul};
  }
  const auto last_of_each = members_of(*document);
  const auto repeated = !last_of_each.empty() && last_of_each.size() != look.tags().size();
  if (depth <= deepest_with_big_integers && !repeated) {
    return ExpectedRawMetric{read_document(*document, look.tags()), {}};
  }
  if (text.starts_with("\xef\xbb\xbf")) {
    return std::nullopt;
  }
  if (depth > deepest) {
    return ExpectedRawMetric{Malformed::json, Difference::depth};
  }
  const auto big = has_big_integer(text);
  if (big && depth > deepest_with_big_integers) {
    return ExpectedRawMetric{Malformed::json, Difference::big_and_deep};
  }
  if (big || !repeated) {
    return ExpectedRawMetric{read_document(*document, last_of_each), {}};
  }
  return ExpectedRawMetric{read_document(*document, look.tags()), Difference::repeated_tag};
}

}  // namespace chouette::test
