#include "support/oracle.hpp"

#include <algorithm>
#include <sstream>

namespace chouette::test {

namespace {

using nlohmann::json;

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  stream.precision(17);
  (stream << ... << parts);
  return stream.str();
}

std::string tags_of(const RawMetric& metric) {
  std::vector<std::string> tags;
  for (const auto& [key, value] : metric.tags.items()) {
    tags.push_back(key + ":" + value.get<std::string>());
  }
  return joined_tags(std::move(tags));
}

/// The largest number of records that one discrepancy names.
constexpr std::size_t named_at_most = 10;

std::string shown(const std::vector<std::string>& names) {
  std::string result = std::to_string(names.size()) + ":";
  for (std::size_t i = 0; i < std::min(names.size(), named_at_most); ++i) {
    result += " " + names[i];
  }
  return result;
}

}  // namespace

/// What lies in the rejected queues.
struct Oracle::Rejected {
  std::size_t metrics = 0;
  std::size_t logs = 0;
  std::map<Series, double> sums;
  std::map<Series, std::set<double>> values;
  std::multiset<std::string> log_ids;
};

void Oracle::wrote(const RawMetric& metric) {
  const auto tags = tags_of(metric);
  if (metric.type == "count" || metric.type == "rate") {
    sums_[{metric.metric, tags}] += metric.value.get<double>();
  } else if (metric.type == "set") {
    // Their elements are all different.
    sums_[{metric.metric, tags}] += static_cast<double>(metric.value.size());
  } else if (metric.type == "histogram") {
    sums_[{metric.metric + ".count", tags}] += 1;
    sums_[{metric.metric + ".sum", tags}] += metric.value.get<double>();
  } else if (metric.type == "gauge") {
    auto& gauge = gauges_[{metric.metric, tags}];
    gauge.all.insert(metric.value.get<double>());
    if (metric.timestamp >= gauge.last_time) {
      gauge.last = metric.value.get<double>();
      gauge.last_time = metric.timestamp;
    }
  } else {
    wrote_garbage("metrics", "unsupported");
  }
}

void Oracle::wrote_log(const std::string& id) {
  logs_.insert(id);
}

void Oracle::wrote_garbage(const std::string& kind, const std::string& reason, double records) {
  garbage_[{"chouette.dropped." + kind, "reason:" + reason}] += records;
}

Discrepancies Oracle::discrepancies(const Intake& intake, RedisClient& redis) const {
  Discrepancies found;
  check_queues(redis, found);
  const auto rejected = read_rejected(redis, found);
  std::map<Series, double> arrived;
  for (const auto& [id, points] : intake.series()) {
    for (const auto& [second, point] : points) {
      arrived[{id.metric, id.tags}] += point.value;
    }
  }
  check_sums(arrived, rejected, found);
  check_gauges(intake, rejected, found);
  check_logs(intake, rejected, found);
  if (!counters_may_be_lost_) {
    check_counters(arrived, rejected, found);
  }
  for (const auto& violation : intake.violations()) {
    found.push_back("violation: " + violation);
  }
  return found;
}

void Oracle::check_queues(RedisClient& redis, Discrepancies& found) const {
  for (const auto queue : {raw_metrics, wrapped_metrics, wrapped_logs}) {
    const auto records = redis.dump(queue);
    // What the agent says about itself comes after all else, and may come at any time.
    const auto left = std::count_if(records.begin(), records.end(), [](const Record& record) {
      return !record.score || !record.value ||
             record.value->find(R"("metric":"chouette.)") == std::string::npos;
    });
    if (left > 0) {
      found.push_back(text(queue.keys, " and its values hold ", left, " records"));
    }
  }
}

Oracle::Rejected Oracle::read_rejected(RedisClient& redis, Discrepancies& found) {
  Rejected rejected;
  for (const auto queue : {rejected_metrics, rejected_logs}) {
    const bool is_metric = queue == rejected_metrics;
    for (const auto& entry : redis.dump(queue)) {
      if (!entry.score || !entry.value) {
        found.push_back(text("half a record in ", queue.keys));
        continue;
      }
      const auto record = json::parse(json::parse(*entry.value).at("record").get<std::string>());
      if (!is_metric) {
        ++rejected.logs;
        rejected.log_ids.insert(record.at("id").get<std::string>());
        continue;
      }
      ++rejected.metrics;
      const Series series{record.at("metric").get<std::string>(), joined_tags(record)};
      for (const auto& point : record.at("points")) {
        rejected.sums[series] += point.at(1).get<double>();
        rejected.values[series].insert(point.at(1).get<double>());
      }
    }
  }
  return rejected;
}

void Oracle::check_sums(const std::map<Series, double>& arrived, const Rejected& rejected,
                        Discrepancies& found) const {
  const auto sum_in = [](const std::map<Series, double>& sums, const Series& series) {
    const auto at = sums.find(series);
    return at == sums.end() ? 0 : at->second;
  };
  for (const auto& [series, sum] : sums_) {
    const auto delivered = sum_in(arrived, series);
    const auto refused = sum_in(rejected.sums, series);
    if (delivered + refused != sum) {
      found.push_back(text(series.first, "{", series.second.substr(0, 40), "}: ", delivered,
                           " arrived and ", refused, " rejected of ", sum));
    }
  }
}

void Oracle::check_gauges(const Intake& intake, const Rejected& rejected,
                          Discrepancies& found) const {
  const auto all = intake.series();
  for (const auto& [series, gauge] : gauges_) {
    const auto name = text(series.first, "{", series.second, "}");
    const auto refused = rejected.values.find(series);
    bool last_is_there = refused != rejected.values.end() && refused->second.contains(gauge.last);
    for (const auto& [id, points] : all) {
      if (id.metric != series.first || id.tags != series.second || points.empty()) {
        continue;
      }
      last_is_there = last_is_there || points.rbegin()->second.value == gauge.last;
      for (const auto& [second, point] : points) {
        if (!gauge.all.contains(point.value)) {
          found.push_back(text(name, " has ", point.value, ", which nobody wrote"));
        }
      }
    }
    if (!last_is_there) {
      found.push_back(text(name, " does not end with ", gauge.last));
    }
  }
}

void Oracle::check_logs(const Intake& intake, const Rejected& rejected,
                        Discrepancies& found) const {
  std::map<std::string, std::size_t> arrived;
  for (const auto& log : intake.logs()) {
    ++arrived[log.value("id", "a log without an id")];
  }
  std::vector<std::string> missing;
  std::vector<std::string> repeated;
  std::vector<std::string> unknown;
  for (const auto& id : logs_) {
    const auto at = arrived.find(id);
    const auto times = (at == arrived.end() ? 0 : at->second) + rejected.log_ids.count(id);
    if (times == 0) {
      missing.push_back(id);
    } else if (times > 1 && !answers_may_be_lost_) {
      repeated.push_back(id);
    }
  }
  for (const auto& [id, times] : arrived) {
    if (!logs_.contains(id)) {
      unknown.push_back(id);
    }
  }
  for (const auto& [what, ids] :
       {std::pair{"missing", missing}, {"repeated", repeated}, {"unknown", unknown}}) {
    if (!ids.empty()) {
      found.push_back(text(what, " logs, ", shown(ids)));
    }
  }
}

void Oracle::check_counters(const std::map<Series, double>& arrived, const Rejected& rejected,
                            Discrepancies& found) const {
  auto expected = garbage_;
  expected[{"chouette.dropped.metrics", "reason:rejected"}] = static_cast<double>(rejected.metrics);
  expected[{"chouette.dropped.logs", "reason:rejected"}] = static_cast<double>(rejected.logs);
  const auto delivered = static_cast<double>(logs_.size() - rejected.log_ids.size());
  expected[{"chouette.dispatched.logs.number", ""}] = delivered;
  std::map<Series, double> told;
  for (const auto* sums : {&arrived, &rejected.sums}) {
    for (const auto& [series, sum] : *sums) {
      if (series.first.starts_with("chouette.dropped.") ||
          series.first == "chouette.dispatched.logs.number") {
        told[series] += sum;
      }
    }
  }
  for (const auto& [series, sum] : expected) {
    if (told[series] != sum) {
      found.push_back(
          text(series.first, "{", series.second, "} told ", told[series], ", not ", sum));
    }
  }
  for (const auto& [series, sum] : told) {
    if (!expected.contains(series)) {
      found.push_back(text(series.first, "{", series.second, "} told ", sum, " and should not"));
    }
  }
}

Workload::Workload(RedisClient redis, Oracle& oracle, unsigned seed)
    : redis_(std::move(redis)), oracle_(&oracle), random_(seed) {}

void Workload::write(std::vector<RawMetric> metrics) {
  for (const auto& metric : metrics) {
    oracle_->wrote(metric);
  }
  // Several applications write at a time: nothing lies in the order of its time.
  std::shuffle(metrics.begin(), metrics.end(), random_);
  redis_.add(metrics);
}

void Workload::write_counts(double now) {
  std::uniform_int_distribution<int> value(1, 1000);
  std::uniform_real_distribution<double> late(0, 5);
  write({{"app.count", "count", value(random_), now, {{"k", "a"}}},
         {"app.count", "count", value(random_), now, {{"k", "b"}}},
         {"app.count", "count", value(random_), now - late(random_), {{"k", "a"}}},
         {"app.refuse_me", "count", value(random_), now, {{"k", "a"}}}});
}

void Workload::write_all(double now) {
  write_counts(now);
  std::uniform_int_distribution<int> value(1, 1000);
  std::vector<RawMetric> metrics{
      {"app.rate", "rate", value(random_), now},
      {"app.gauge", "gauge", round_, now, {{"k", "a"}}},
      {"app.set", "set", {make_uuid(), make_uuid()}, now},
      {"app.histogram", "histogram", value(random_), now, {{"k", "a"}}},
  };
  if (round_ % 5 == 0) {
    metrics.push_back({"app.distribution", "distribution", 1, now});
  }
  if (round_ == 3) {
    metrics.push_back({"app.large", "count", 1, now, {{"k", noise(4000)}}});
  }
  write(std::move(metrics));
  write_logs(now);
  if (round_ % 7 == 0) {
    write_garbage(now);
  }
  ++round_;
}

void Workload::write_logs(double now) {
  for (int i = 0; i < 3; ++i) {
    const auto id = std::to_string(round_) + "." + std::to_string(i);
    const auto* const message = i == 0 && round_ % 6 == 0 ? "refuse_me" : "door open";
    nlohmann::ordered_json log{{"id", id}, {"message", message}, {"ddtags", {"door:north"}}};
    if (i == 0 && round_ == 3) {
      log["message"] = noise(4000);
    }
    redis_.add_log(log, now);
    oracle_->wrote_log(id);
  }
}

void Workload::write_garbage(double now) {
  redis_.add(raw_metrics, {{now, ""},
                           {now, R"({"metric":"x","type":"count","value":NaN,"timestamp":1})"},
                           {now, R"({"metric":"x","type":"count","value":"1"})"}});
  redis_.command({"ZADD", std::string(raw_metrics.keys), std::to_string(now), make_uuid()});
  redis_.command({"HSET", std::string(raw_metrics.values), make_uuid(), "{}"});
  oracle_->wrote_garbage("metrics", "malformed", 5);

  redis_.add(wrapped_metrics, {{now, "garbage"}, {now, R"({"metric":"x","points":[]})"}});
  redis_.command({"ZADD", std::string(wrapped_metrics.keys), std::to_string(now), make_uuid()});
  oracle_->wrote_garbage("metrics", "malformed", 3);

  redis_.add(wrapped_logs, {{now, "[]"}, {now, "\xff"}, {now, R"({"ddtags":1})"}});
  redis_.command({"HSET", std::string(wrapped_logs.values), make_uuid(), "{}"});
  oracle_->wrote_garbage("logs", "malformed", 4);
}

std::string Workload::noise(std::size_t size) {
  std::uniform_int_distribution<int> letter('a', 'z');
  std::string result;
  while (result.size() < size) {
    result += static_cast<char>(letter(random_));
  }
  return result;
}

}  // namespace chouette::test
