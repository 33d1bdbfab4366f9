#include "support/intake_rules.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace chouette::test {

namespace {

using nlohmann::json;

std::string shown(const json& value) {
  auto text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= 200 ? text : text.substr(0, 200) + "...";
}

bool is_list_of_strings(const json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_string(); });
}

void check_points(const json& points, const std::string& name, Violations& violations) {
  if (!points.is_array() || points.empty()) {
    violations.push_back("points is not a list with something in it: " + name);
    return;
  }
  std::set<std::int64_t> seconds;
  for (const auto& point : points) {
    if (!point.is_array() || point.size() != 2) {
      violations.push_back("point is not a pair: " + name + " " + shown(point));
      continue;
    }
    if (!point[1].is_number()) {
      violations.push_back("point's value is not a number: " + name + " " + shown(point));
    }
    if (!point[0].is_number_integer()) {
      violations.push_back("point's time is not a whole number: " + name + " " + shown(point));
    } else if (!seconds.insert(point[0].get<std::int64_t>()).second) {
      violations.push_back("two points in one second: " + name + " " + shown(point));
    }
  }
}

void check_interval(const json& series, const std::string& name, Violations& violations) {
  const bool has = series.contains("interval");
  if (series.at("type") == "gauge") {
    if (has) violations.push_back("a gauge with an interval: " + name);
    return;
  }
  if (!has || !series["interval"].is_number_integer() ||
      series["interval"].get<std::int64_t>() <= 0) {
    violations.push_back("interval is not a whole number above 0: " + name);
  }
}

void check_series(const json& series, Violations& violations) {
  if (!series.is_object()) {
    violations.push_back("series is not an object: " + shown(series));
    return;
  }
  static const std::set<std::string> known{"metric", "type", "points", "interval", "tags", "host"};
  for (const auto& [field, value] : series.items()) {
    if (known.count(field) == 0) violations.push_back("unknown field of a series: " + field);
  }
  const auto name = series.value("metric", json());
  if (!name.is_string() || name.get_ref<const std::string&>().empty()) {
    violations.push_back("metric is not a name: " + shown(series));
  }
  const auto type = series.value("type", json());
  if (type != "gauge" && type != "count" && type != "rate") {
    violations.push_back("type is not gauge, count or rate: " + shown(series));
  } else {
    check_interval(series, shown(name), violations);
  }
  check_points(series.value("points", json()), shown(name), violations);
  if (series.contains("tags") && !is_list_of_strings(series["tags"])) {
    violations.push_back("tags is not a list of strings: " + shown(series));
  }
  if (series.contains("host") && !series["host"].is_string()) {
    violations.push_back("host is not a string: " + shown(series));
  }
}

}  // namespace

Violations check_series_payload(const json& payload) {
  if (!payload.is_object() || !payload.contains("series")) {
    return {"payload is not an object with `series`: " + shown(payload)};
  }
  Violations violations;
  if (payload.size() > 1) violations.push_back("payload has more fields than `series`");
  const auto& all = payload["series"];
  if (!all.is_array() || all.empty()) {
    violations.push_back("`series` is not a list with something in it: " + shown(all));
    return violations;
  }
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const auto& series : all) {
    Violations own;
    check_series(series, own);
    if (own.empty() &&
        !seen.emplace(series["metric"], joined_tags(series), series.value("host", "")).second) {
      own.push_back("two objects for one series: " + shown(series));
    }
    violations.insert(violations.end(), own.begin(), own.end());
  }
  return violations;
}

Violations check_logs_payload(const json& payload) {
  if (!payload.is_array() || payload.empty()) {
    return {"payload is not a list with something in it: " + shown(payload)};
  }
  Violations violations;
  if (payload.size() > most_log_entries) violations.emplace_back("more than 1,000 logs at once");
  for (const auto& log : payload) {
    if (!log.is_object()) {
      violations.push_back("log is not an object: " + shown(log));
      continue;
    }
    if (log.contains("ddtags") && !log["ddtags"].is_string()) {
      violations.push_back("ddtags is not a string: " + shown(log));
    }
    if (log.dump().size() > most_log_entry_bytes) violations.emplace_back("a log above 1 MB");
  }
  return violations;
}

std::optional<std::string> inflate_zlib(const std::string& bytes, std::size_t most) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::runtime_error("inflateInit");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string raw;
  std::array<char, 65536> chunk;
  int status = Z_OK;
  while (status == Z_OK && raw.size() <= most) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    raw.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole && raw.size() <= most) return std::nullopt;
  return raw;
}

std::string joined_tags(std::vector<std::string> tags) {
  std::sort(tags.begin(), tags.end());
  std::string joined;
  for (const auto& tag : tags) joined += (joined.empty() ? "" : ",") + tag;
  return joined;
}

std::string joined_tags(const json& series) {
  return joined_tags(series.value("tags", std::vector<std::string>{}));
}

}  // namespace chouette::test
