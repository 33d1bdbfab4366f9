#include "exec/exec_output.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>
#include <tl/expected.hpp>
#include <tuple>
#include <utility>

#include "metrics/json_reader.hpp"

namespace chouette {
namespace {

using simdjson::dom::element;
using LineMetrics = tl::expected<std::vector<WrappedMetric>, std::string_view>;
using Bad = tl::unexpected<std::string_view>;
using Problem = std::optional<std::string_view>;

constexpr std::string_view blanks = " \t";
constexpr std::size_t longest_name = 200;  // Datadog's bound
constexpr std::size_t most_tags = 100;
constexpr std::size_t longest_tags = 4000;  // bytes
/// What the tags of one line may take, of which each point holds a copy.
constexpr std::size_t largest_line = std::size_t{4} * 1024 * 1024;
constexpr std::size_t longest_excerpt = 40;
constexpr std::int64_t largest_age = 3600;  // Datadog drops what is older
constexpr std::int64_t largest_lead = 600;  // or further ahead
constexpr double longest_interval = 1e9;

constexpr std::string_view bad_value = "the value is not a finite decimal number";

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

bool begins_character(char c) {
  constexpr unsigned char mask = 0xc0;
  constexpr unsigned char continuation = 0x80;
  return (static_cast<unsigned char>(c) & mask) != continuation;
}

/// The part of `text` up to `separators`, which is taken from it together with one of them.
std::string_view take(std::string_view& text, std::string_view separators) {
  const auto end = std::min(text.find_first_of(separators), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::string_view without_blanks(std::string_view text, std::string_view which) {
  const auto begin = text.find_first_not_of(which);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(which) + 1 - begin);
}

std::optional<SeriesType> type_named(std::string_view name) {
  const auto equal = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 0x20 : a) == b; };
  for (const auto type : {SeriesType::gauge, SeriesType::count, SeriesType::rate}) {
    const auto known = to_string(type);
    if (std::equal(name.begin(), name.end(), known.begin(), known.end(), equal)) return type;
  }
  return std::nullopt;
}

std::optional<double> number_in(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  // It is a number, but from_chars does not tell too small, which is zero, from too large.
  if (error != std::errc{}) number = std::strtod(std::string(text).c_str(), nullptr);
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

Problem fault_of_name(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (std::count_if(name.begin(), name.end(), begins_character) >
      static_cast<std::ptrdiff_t>(longest_name)) {
    return "the name is longer than 200 characters";
  }
  if (std::any_of(name.begin(), name.end(), is_control)) return "a control character in the name";
  return std::nullopt;
}

/// Empty ones do not count.
Problem add_tag(std::string_view tag, Tags& tags) {
  if (tag.empty()) return std::nullopt;
  if (tags.size() == most_tags) return "more than 100 tags";
  tags.emplace_back(tag);
  return std::nullopt;
}

Problem tidy(Tags& tags) {
  std::size_t bytes = 0;
  for (const auto& tag : tags) {
    bytes += tag.size();
    if (std::any_of(tag.begin(), tag.end(), is_control)) return "a control character in a tag";
  }
  if (bytes > longest_tags) return "the tags are longer than 4000 bytes";
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return std::nullopt;
}

// name value [type] [tag,tag]

LineMetrics read_words(std::string_view line, const ExecDefaults& defaults) {
  constexpr std::size_t most_fields = 4;
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    const auto field = take(line, blanks);
    if (field.empty()) continue;
    if (fields.size() == most_fields) return Bad("more than four fields");
    fields.push_back(field);
  }
  if (fields.size() < 2) return Bad("no value");

  WrappedMetric metric{.name = std::string(fields[0]), .timestamp = defaults.now};
  if (const auto fault = fault_of_name(metric.name)) return Bad(*fault);
  const auto value = number_in(fields[1]);
  if (!value) return Bad(bad_value);
  metric.value = *value;

  const auto type = fields.size() > 2 ? type_named(fields[2]) : std::nullopt;
  if (fields.size() == most_fields && !type) {
    return Bad("the third of four fields is neither gauge nor count nor rate");
  }
  metric.type = type.value_or(SeriesType::gauge);
  if (metric.type != SeriesType::gauge) metric.interval = defaults.interval;
  const std::size_t tags_at = type ? 3 : 2;
  if (fields.size() > tags_at) {
    for (auto rest = fields[tags_at]; !rest.empty();) {
      if (const auto fault = add_tag(take(rest, ","), metric.tags)) return Bad(*fault);
    }
  }
  if (const auto fault = tidy(metric.tags)) return Bad(*fault);
  return std::vector{std::move(metric)};
}

// {"metric": …}

std::optional<double> whole_number_in(const element& item) {
  double number = 0;
  if (!item.is_number() || item.get(number) != simdjson::SUCCESS || number != std::floor(number)) {
    return std::nullopt;
  }
  return number;
}

/// Of a field that is there twice the last counts, as in Python. Null is as good as nothing.
class JsonFields {
public:
  explicit JsonFields(const simdjson::dom::object& object) {
    for (const auto [key, value] : object) {
      const auto name = std::find(names.begin(), names.end(), std::string_view(key));
      if (name == names.end()) continue;
      auto& slot = values_[static_cast<std::size_t>(name - names.begin())];
      slot = value.is_null() ? std::nullopt : std::optional<element>(value);
    }
  }

  const std::optional<element>& metric() const { return values_[0]; }
  const std::optional<element>& type() const { return values_[1]; }
  const std::optional<element>& tags() const { return values_[2]; }
  const std::optional<element>& points() const { return values_[3]; }
  const std::optional<element>& interval() const { return values_[4]; }
  const std::optional<element>& value() const { return values_[5]; }

private:
  static constexpr std::array<std::string_view, 6> names{"metric", "type",     "tags",
                                                         "points", "interval", "value"};
  std::array<std::optional<element>, names.size()> values_;
};

Problem read_type(const JsonFields& fields, const ExecDefaults& defaults, WrappedMetric& metric) {
  std::string_view text;
  if (fields.type()) {
    const auto type =
        fields.type()->get(text) == simdjson::SUCCESS ? type_named(text) : std::nullopt;
    if (!type) return "\"type\" is neither gauge nor count nor rate";
    metric.type = *type;
  }
  if (metric.type == SeriesType::gauge) return std::nullopt;
  metric.interval = defaults.interval;
  if (fields.interval()) {
    const auto seconds = whole_number_in(*fields.interval());
    if (!seconds || !(*seconds >= 1 && *seconds <= longest_interval)) {
      return "\"interval\" is not a number of whole seconds, 1 or more";
    }
    metric.interval = std::chrono::seconds{static_cast<std::int64_t>(*seconds)};
  }
  return std::nullopt;
}

Problem read_tags(const JsonFields& fields, Tags& tags) {
  simdjson::dom::array list;
  if (!fields.tags()) return std::nullopt;
  if (fields.tags()->get(list) != simdjson::SUCCESS) return "\"tags\" is not a list of texts";
  for (const auto item : list) {
    std::string_view tag;
    if (item.get(tag) != simdjson::SUCCESS) return "\"tags\" is not a list of texts";
    if (const auto fault = add_tag(tag, tags)) return fault;
  }
  return tidy(tags);
}

/// Bytes in memory, about.
std::size_t size_of(const Tags& tags) {
  constexpr std::size_t size_of_string = 32;
  std::size_t size = tags.size() * size_of_string;
  for (const auto& tag : tags) size += tag.size();
  return size;
}

Problem read_value(const element& item, double& value) {
  if (!item.is_number() || item.get(value) != simdjson::SUCCESS || !std::isfinite(value)) {
    return bad_value;
  }
  return std::nullopt;
}

Problem read_point(const element& item, std::int64_t now, WrappedMetric& metric) {
  simdjson::dom::array pair;
  if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
    return "a point is not a pair of time and value";
  }
  const auto time = whole_number_in(pair.at(0).value_unsafe());
  if (!time) return "a point's time is not in whole seconds";
  if (!(*time >= static_cast<double>(now - largest_age) &&
        *time <= static_cast<double>(now + largest_lead))) {
    return "a point's time is more than an hour ago or ten minutes ahead";
  }
  metric.timestamp = static_cast<std::int64_t>(*time);
  return read_value(pair.at(1).value_unsafe(), metric.value);
}

LineMetrics read_json(std::string_view line, const ExecDefaults& defaults, JsonReader& reader) {
  const auto document = reader.parse(line);
  simdjson::dom::object object;
  if (document.error() != simdjson::SUCCESS) return Bad("not JSON");
  if (document.get(object) != simdjson::SUCCESS) return Bad("not a JSON object");
  const JsonFields fields(object);

  WrappedMetric metric{.timestamp = defaults.now};
  std::string_view name;
  if (!fields.metric() || fields.metric()->get(name) != simdjson::SUCCESS) {
    return Bad("no name in \"metric\"");
  }
  if (const auto fault = fault_of_name(name)) return Bad(*fault);
  metric.name = name;
  if (const auto fault = read_type(fields, defaults, metric)) return Bad(*fault);
  if (const auto fault = read_tags(fields, metric.tags)) return Bad(*fault);

  if (fields.value().has_value() == fields.points().has_value()) {
    return Bad(R"(neither "value" nor "points", or both)");
  }
  if (fields.value()) {
    if (const auto fault = read_value(*fields.value(), metric.value)) {
      return Bad(*fault);
    }
    return std::vector{std::move(metric)};
  }
  simdjson::dom::array points;
  if (fields.points()->get(points) != simdjson::SUCCESS || points.begin() == points.end()) {
    return Bad("no list in \"points\"");
  }
  std::vector<WrappedMetric> metrics;
  const auto size = size_of(metric.tags);
  for (const auto point : points) {
    if (const auto fault = read_point(point, defaults.now, metric)) return Bad(*fault);
    if (metrics.size() == most_exec_metrics) return Bad("too many points");
    if ((metrics.size() + 1) * size > largest_line) return Bad("too many points with such tags");
    metrics.push_back(metric);
  }
  return metrics;
}

LineMetrics read_line(std::string_view line, const ExecDefaults& defaults, JsonReader& reader) {
  if (!is_utf8(line)) return Bad("not UTF-8");
  return line.front() == '{' ? read_json(line, defaults, reader) : read_words(line, defaults);
}

}  // namespace

ExecOutput parse_exec_output(std::string_view text, const ExecDefaults& defaults,
                             std::size_t most) {
  ExecOutput output;
  JsonReader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = take(text, "\n");
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = without_blanks(line, blanks);
    if (line.empty() || line.front() == '#') continue;

    auto metrics = read_line(line, defaults, reader);
    std::size_t bad = 1;
    if (metrics && metrics->size() > most - output.metrics.size()) {
      bad = metrics->size();
      metrics = Bad("more metrics than a capture may hold");
    }
    if (metrics) {
      output.metrics.insert(output.metrics.end(), std::make_move_iterator(metrics->begin()),
                            std::make_move_iterator(metrics->end()));
      continue;
    }
    output.malformed += bad;
    if (output.example.empty()) {
      output.example = "line " + std::to_string(number) + ": " + std::string(metrics.error()) +
                       ": " + printable(line, longest_excerpt);
    }
  }
  return output;
}

void merge_same_points(std::vector<WrappedMetric>& metrics) {
  const auto key = [](const WrappedMetric& metric) {
    return std::tie(metric.name, metric.tags, metric.timestamp);
  };
  std::stable_sort(
      metrics.begin(), metrics.end(),
      [&key](const WrappedMetric& a, const WrappedMetric& b) { return key(a) < key(b); });
  std::vector<WrappedMetric> merged;
  merged.reserve(metrics.size());
  for (auto& metric : metrics) {
    if (merged.empty() || key(merged.back()) != key(metric)) {
      merged.push_back(std::move(metric));
      continue;
    }
    auto& earlier = merged.back();
    const bool alike = earlier.type == metric.type && earlier.interval == metric.interval;
    if (alike && metric.type != SeriesType::gauge) {
      constexpr auto largest = std::numeric_limits<double>::max();
      earlier.value = std::clamp(earlier.value + metric.value, -largest, largest);
    } else {
      earlier = std::move(metric);
    }
  }
  metrics = std::move(merged);
}

std::string_view last_line(std::string_view text) {
  constexpr std::string_view line_blanks = " \t\r\n\v\f";
  text = without_blanks(text, line_blanks);
  const auto before = text.find_last_of('\n');
  return before == std::string_view::npos ? text : without_blanks(text.substr(before), line_blanks);
}

std::string printable(std::string_view text, std::size_t most) {
  const bool utf8 = is_utf8(text);
  std::string out;
  std::size_t characters = 0;
  for (const char c : text) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    if ((!utf8 || begins_character(c)) && ++characters > most) return out + "…";
    out += is_control(c) || !(ascii || utf8) ? '?' : c;
  }
  return out;
}

}  // namespace chouette
