// Collects any records as wrapped metrics, one a line: what leaves is JSON with as many series and
// points as said, within the limits, and a metric that nlohmann reads is not lost.

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "input.hpp"
#include "intake/metrics_payload.hpp"
#include "support/json_oracle.hpp"

namespace chouette::fuzz {
namespace {

using nlohmann::json;

constexpr PayloadLimits limits{.points = 8, .bytes = 600};

bool is_point(const json& point) {
  return point.is_array() && point.size() == 2 && point[0].is_number_integer() &&
         point[1].is_number();
}

/// Series and points of a payload; checks everything that each of them has to have.
std::array<std::size_t, 2> count(const json& payload) {
  std::set<std::string> series_seen;
  std::size_t points = 0;
  for (const auto& series : payload.at("series")) {
    check(!series.at("metric").get<std::string>().empty(), "a name");
    check(series.at("host") == "pi", "the host");
    const std::set<std::string> tags(series.at("tags").begin(), series.at("tags").end());
    check(tags.contains("site:shed") && tags.size() == series["tags"].size(),
          "the global tags, and each tag once");
    auto head = series;
    head.erase("points");
    check(series_seen.insert(head.dump()).second, "each series once");
    std::set<std::int64_t> seconds;
    for (const auto& point : series.at("points")) {
      check(is_point(point), "points of whole seconds and a number");
      check(seconds.empty() || *seconds.rbegin() < point[0], "each second once, in order");
      seconds.insert(point[0].get<std::int64_t>());
    }
    check(!seconds.empty(), "no empty series");
    points += seconds.size();
  }
  return {series_seen.size(), points};
}

/// The points of a record, if it is a wrapped metric as the agent and the Python agent write it.
std::size_t points_of(const json& record) {
  if (!record.is_object() || record.size() != 3 || !record.contains("metric") ||
      !record["metric"].is_string() || record["metric"] == "" || !record.contains("type") ||
      record["type"] != "gauge" || !record.contains("points") || !record["points"].is_array()) {
    return 0;
  }
  for (const auto& point : record["points"]) {
    if (!is_point(point) || !(std::abs(point[0].get<double>()) < 1e15)) {
      return 0;
    }
  }
  return record["points"].size();
}

void take(MetricsPayload& payload, std::size_t records) {
  const auto series = payload.series();
  const auto points = payload.size();
  const auto text = payload.take();
  const auto [series_sent, points_sent] = count(json::parse(text));
  check(series_sent == series, "as many series as said");
  check(points_sent <= points && (points == 0) == (points_sent == 0), "as many points as said");
  check(records < 2 || (points <= limits.points && text.size() <= limits.bytes), "the limits");
  check(payload.size() == 0 && payload.series() == 0, "empty once taken");
}

/// What `payload`, which is empty, makes of a single record.
std::string sent_alone(MetricsPayload& payload, std::string_view record) {
  payload.add(record);
  return payload.take();
}

void run(std::string_view text) {
  const Extras extras{{"site:shed"}, "pi"};
  MetricsPayload payload(extras, limits);
  MetricsPayload remembering(extras);
  std::size_t records = 0;
  for (const auto line : lines_of(text, 32)) {
    MetricsPayload fresh(extras);
    remembering.add(line);  // Twice in a request it is remembered.
    sent_alone(remembering, line);
    check(sent_alone(remembering, line) == sent_alone(fresh, line),
          "the same, whatever is remembered");
    auto before = payload.size();
    auto added = payload.add(line);
    if (added == Payload::Added::full) {
      take(payload, records);
      records = 0;
      before = 0;
      added = payload.add(line);
      check(added != Payload::Added::full, "an empty payload is never full");
    }
    const auto oracle = test::read_with_nlohmann(line);
    const auto grown = payload.size() - before;
    check((added == Payload::Added::yes) == (grown > 0), "what is added has points");
    if (added == Payload::Added::yes) {
      ++records;
      check(oracle.document.has_value(), "nothing but JSON is a wrapped metric");
      check(!oracle.comparable || grown == oracle.document->at("points").size(),
            "all of its points");
    } else if (oracle.document && oracle.comparable) {
      check(points_of(*oracle.document) == 0, "no wrapped metric is malformed");
    }
  }
  take(payload, records);
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
