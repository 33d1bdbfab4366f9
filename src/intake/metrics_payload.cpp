#include "intake/metrics_payload.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "metrics/json_reader.hpp"
#include "metrics/json_text.hpp"
#include "metrics/self_metrics.hpp"

namespace chouette {

namespace {

using simdjson::dom::element;

struct Point {
  std::int64_t second;
  double value;
};

constexpr std::size_t payload_frame = std::string_view(R"({"series":[]})").size();
constexpr std::size_t series_frame = std::string_view("]},").size();
constexpr std::size_t longest_point =
    std::string_view("[-9007199254740992,-2.2250738585072014e-308],").size();

std::optional<SeriesType> type_named(std::string_view name) {
  for (const auto type : {SeriesType::gauge, SeriesType::count, SeriesType::rate}) {
    if (name == to_string(type)) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<Point> read_point(const element& item) {
  constexpr double largest_exact_integer = 9007199254740992.0;
  simdjson::dom::array pair;
  double time = 0;
  double value = 0;
  if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
      pair.at(0).get(time) != simdjson::SUCCESS || pair.at(1).get(value) != simdjson::SUCCESS ||
      std::abs(time) > largest_exact_integer) {
    return std::nullopt;
  }
  return Point{static_cast<std::int64_t>(std::floor(time)), value};
}

/// In time order, each second once.
void combine(std::vector<Point>& points, SeriesType type) {
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.second < b.second; });
  std::vector<Point> combined;
  combined.reserve(points.size());
  for (const auto& point : points) {
    if (combined.empty() || combined.back().second != point.second) {
      combined.push_back(point);
    } else if (type == SeriesType::gauge) {
      combined.back().value = point.value;
    } else {
      constexpr auto limit = std::numeric_limits<double>::max();
      combined.back().value = std::clamp(combined.back().value + point.value, -limit, limit);
    }
  }
  points = std::move(combined);
}

}  // namespace

/// A record of the queue, read.
struct MetricsPayload::Record {
  std::string_view name;
  SeriesType type = SeriesType::gauge;
  std::int64_t interval = 0;
  std::string_view host;
  Tags tags;
  std::vector<Point> points;

  static std::optional<Record> read(const element& document);

  /// The text of the series object up to its first point.
  std::string head() const;

private:
  bool read_field(std::string_view key, const element& value);
};

struct MetricsPayload::Series {
  std::string head;
  SeriesType type;
  std::vector<Point> points;
};

bool MetricsPayload::Record::read_field(std::string_view key, const element& value) {
  simdjson::dom::array list;
  std::string_view text;
  if (key == "metric") {
    return value.get(name) == simdjson::SUCCESS;
  }
  if (key == "type") {
    const auto known = value.get(text) == simdjson::SUCCESS ? type_named(text) : std::nullopt;
    type = known.value_or(SeriesType::gauge);
    return known.has_value();
  }
  if (key == "interval") {
    double seconds = 0;
    if (!value.is_null() &&
        (value.get(seconds) != simdjson::SUCCESS || !(seconds >= 0 && seconds < 1e9))) {
      return false;
    }
    interval = static_cast<std::int64_t>(seconds);
    return true;
  }
  if (key == "host") {
    return value.is_null() || value.get(host) == simdjson::SUCCESS;
  }
  // Of a field that is there twice the last counts, as in Python.
  if (key == "tags") {
    tags.clear();
    if (value.is_null()) {
      return true;
    }
    if (value.get(list) != simdjson::SUCCESS) {
      return false;
    }
    for (const auto item : list) {
      if (item.get(text) != simdjson::SUCCESS) {
        return false;
      }
      tags.emplace_back(text);
    }
  }
  if (key == "points") {
    points.clear();
    if (value.get(list) != simdjson::SUCCESS) {
      return false;
    }
    for (const auto item : list) {
      const auto point = read_point(item);
      if (!point) {
        return false;
      }
      points.push_back(*point);
    }
  }
  return true;
}

std::optional<MetricsPayload::Record> MetricsPayload::Record::read(const element& document) {
  Record record;
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  for (const auto [key, value] : object) {
    if (!record.read_field(key, value)) {
      return std::nullopt;
    }
  }
  if (record.name.empty() || record.points.empty()) {
    return std::nullopt;
  }
  return record;
}

std::string MetricsPayload::Record::head() const {
  // What differs between series comes first, what many share last: together with the frame of the
  // points it compresses to a single reference. That takes 3 % off what is sent.
  std::string text = R"({"tags":)";
  append_json(tags, text);
  text += R"(,"metric":)";
  append_json(name, text);
  text += R"(,"type":)";
  append_json(to_string(type), text);
  if (interval > 0) {
    text += R"(,"interval":)";
    append_json(interval, text);
  }
  if (!host.empty()) {
    text += R"(,"host":)";
    append_json(host, text);
  }
  text += R"(,"points":[)";
  return text;
}

MetricsPayload::MetricsPayload(Extras extras, PayloadLimits limits, Restamp restamp)
    : extras_(std::move(extras)),
      limits_(limits),
      restamp_(std::move(restamp)),
      reader_(std::make_unique<JsonReader>()) {}

MetricsPayload::~MetricsPayload() = default;

MetricsPayload::Added MetricsPayload::add(std::string_view text) {
  const auto document = reader_->parse(text);
  auto record =
      document.error() == simdjson::SUCCESS ? Record::read(document.value_unsafe()) : std::nullopt;
  if (!record) {
    return Added::malformed;
  }
  record->tags.insert(record->tags.end(), extras_.global_tags.begin(), extras_.global_tags.end());
  std::sort(record->tags.begin(), record->tags.end());
  record->tags.erase(std::unique(record->tags.begin(), record->tags.end()), record->tags.end());
  if (!extras_.host.empty()) {
    record->host = extras_.host;
  }
  if (restamp_) {
    for (auto& point : record->points) {
      point.second =
          static_cast<std::int64_t>(std::floor(restamp_(static_cast<double>(point.second))));
    }
  }
  auto head = record->head();
  const auto found = index_.find(head);
  const auto is_new = found == index_.end();
  const auto bytes =
      (is_new ? head.size() + series_frame : 0) + record->points.size() * longest_point;
  if (points_ > 0 && (points_ + record->points.size() > limits_.points ||
                      payload_frame + bytes_ + bytes > limits_.bytes)) {
    return Added::full;
  }
  const auto number = is_new ? series_.size() : found->second;
  if (is_new) {
    index_.emplace(head, number);
    series_.push_back({std::move(head), record->type, {}});
  }
  auto& points = series_[number].points;
  points.insert(points.end(), record->points.begin(), record->points.end());
  points_ += record->points.size();
  own_points_ += record->name.starts_with(self_prefix) ? record->points.size() : 0;
  bytes_ += bytes;
  return Added::yes;
}

std::string MetricsPayload::take() {
  std::string text = R"({"series":[)";
  for (auto& series : series_) {
    combine(series.points, series.type);
    text += &series == &series_.front() ? "" : ",";
    text += series.head;
    for (const auto& point : series.points) {
      text += '[';
      append_json(point.second, text);
      text += ',';
      append_json(point.value, text);
      text += "],";
    }
    text.back() = ']';
    text += '}';
  }
  text += "]}";
  series_.clear();
  index_.clear();
  points_ = 0;
  own_points_ = 0;
  bytes_ = 0;
  return text;
}

}  // namespace chouette
