#include "metrics/self_metrics.hpp"

#include <algorithm>

#include "metrics/json_text.hpp"

namespace chouette {

namespace {

NewRecord raw_metric(const std::string& name, std::string_view type, double value, double now,
                     std::string_view reason = {}) {
  std::string json = R"({"metric":)";
  append_json(name, json);
  json += R"(,"type":)";
  append_json(type, json);
  json += R"(,"value":)";
  append_json(value, json);
  json += R"(,"timestamp":)";
  append_json(now, json);
  if (!reason.empty()) {
    json += R"(,"tags":{"reason":)";
    append_json(reason, json);
    json += '}';
  }
  json += '}';
  return {make_record_key(), now, std::move(json)};
}

}  // namespace

std::vector<NewRecord> self_metrics(const ReleaseReport& report, double now) {
  const auto lost = std::any_of(report.lost.begin(), report.lost.end(),
                                [](std::uint64_t count) { return count > 0; });
  if (report.delivered == 0 && !lost) {
    return {};
  }
  const std::string prefix(self_prefix);
  std::vector<NewRecord> records;
  if (report.queued) {
    records.push_back(raw_metric(prefix + "queued." + report.kind, "gauge",
                                 static_cast<double>(*report.queued), now));
  }
  const auto dispatched = prefix + "dispatched." + report.kind;
  records.push_back(
      raw_metric(dispatched + ".number", "count", static_cast<double>(report.delivered), now));
  records.push_back(
      raw_metric(dispatched + ".bytes", "count", static_cast<double>(report.bytes), now));
  for (std::size_t i = 0; i < loss_reasons; ++i) {
    if (report.lost.at(i) > 0) {
      records.push_back(raw_metric(prefix + "dropped." + report.kind, "count",
                                   static_cast<double>(report.lost.at(i)), now,
                                   to_string(static_cast<LossReason>(i))));
    }
  }
  if (report.clock_offset) {
    records.push_back(raw_metric(prefix + "clock.offset", "gauge", *report.clock_offset, now));
  }
  return records;
}

}  // namespace chouette
