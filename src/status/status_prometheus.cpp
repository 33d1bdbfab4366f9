#include <fmt/format.h>

#include "status/status_texts.hpp"

namespace chouette {

namespace {

struct Label {
  std::string_view name;
  std::string_view value;
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
    }
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

/// The samples of one metric must stand together, below its type.
class Family {
public:
  Family(std::string& page, std::string_view name, std::string_view type, std::string_view help)
      : page_(page), name_(name) {
    page_ += fmt::format("# HELP chouette_{0} {2}\n# TYPE chouette_{0} {1}\n", name, type, help);
  }

  template <class Value>
  void add(std::initializer_list<Label> labels, Value value) {
    std::string text;
    for (const auto& label : labels) {
      text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", label.name, escaped(label.value));
    }
    page_ += fmt::format("chouette_{}{} {}\n", name_, text.empty() ? text : "{" + text + "}",
                         static_cast<double>(value));
  }
  template <class Value>
  void add(std::initializer_list<Label> labels, const std::optional<Value>& value) {
    if (value) {
      add(labels, *value);
    }
  }

private:
  std::string& page_;
  std::string_view name_;
};

void add_lost(Family& family, std::string_view kind, const LossCounts& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    family.add({{"kind", kind}, {"reason", to_string(static_cast<LossReason>(i))}}, counts.at(i));
  }
}

void add_deliveries(const Status& status, std::string& page) {
  Family delivered(page, "delivered_total", "counter", "Points or logs that the intake accepted.");
  for (const auto& delivery : status.deliveries) {
    delivered.add({{"kind", delivery.kind}}, delivery.delivered);
  }
  Family bytes(page, "delivered_bytes_total", "counter", "Bytes of accepted requests, compressed.");
  for (const auto& delivery : status.deliveries) {
    bytes.add({{"kind", delivery.kind}}, delivery.bytes);
  }
  Family success(page, "last_delivery_timestamp_seconds", "gauge",
                 "When the intake last accepted something.");
  for (const auto& delivery : status.deliveries) {
    success.add({{"kind", delivery.kind}}, delivery.last_success);
  }
  Family failing(page, "delivery_failing", "gauge", "Whether the intake takes nothing.");
  for (const auto& delivery : status.deliveries) {
    failing.add({{"kind", delivery.kind}}, delivery.failing ? 1 : 0);
  }
}

void add_plugins(const Status& status, std::string& page) {
  Family captures(page, "plugin_captures_total", "counter", "Captures asked for.");
  for (const auto& plugin : status.plugins) {
    captures.add({{"plugin", plugin.name}}, plugin.captures);
  }
  Family failures(page, "plugin_failures_total", "counter", "Captures that failed, also in part.");
  for (const auto& plugin : status.plugins) {
    failures.add({{"plugin", plugin.name}}, plugin.failures);
  }
  Family durations(page, "plugin_duration_seconds", "gauge", "Of the last answered capture.");
  for (const auto& plugin : status.plugins) {
    durations.add({{"plugin", plugin.name}}, plugin.duration);
  }
}

}  // namespace

std::string to_prometheus(const Status& status) {
  std::string page;
  Family(page, "info", "gauge", "The agent's version.").add({{"version", status.version}}, 1);
  Family(page, "uptime_seconds", "gauge", "Since the agent's start.").add({}, status.uptime);
  Family(page, "alive", "gauge", "Whether all actors answer.").add({}, status.alive() ? 1 : 0);
  Family(page, "redis_up", "gauge", "Whether Redis is reachable.")
      .add({}, status.redis.reachable ? 1 : 0);
  Family depth(page, "queue_records", "gauge", "Records that wait in Redis.");
  for (const auto& queue : status.queues) {
    depth.add({{"queue", queue.name}}, queue.depth);
  }
  Family age(page, "queue_oldest_age_seconds", "gauge", "Age of the oldest record.");
  for (const auto& queue : status.queues) {
    if (queue.oldest) {
      age.add({{"queue", queue.name}}, status.time - *queue.oldest);
    }
  }
  add_deliveries(status, page);
  Family(page, "api_key_refused", "gauge", "Whether the intake refuses the API key.")
      .add({}, status.key == KeyStatus::refused ? 1 : 0);
  Family(page, "clock_offset_seconds", "gauge", "How far the clock is behind the intake's.")
      .add({}, status.clock_offset);
  add_plugins(status, page);
  Family lost(page, "lost_total", "counter", "Records that ended without being delivered.");
  add_lost(lost, "metrics", status.lost_metrics);
  add_lost(lost, "logs", status.lost_logs);
  return page;
}

}  // namespace chouette
