#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "logging/fault.hpp"
#include "queue/clock_history.hpp"
#include "status/status_texts.hpp"

namespace chouette {

namespace {

constexpr std::size_t width = 80;
/// A clock that is off by less is well.
constexpr double clock_tolerance = 60;
/// Datadog drops in silence what is older.
constexpr double old_metric = 3600;
constexpr double old_log = 64800;

std::string duration(double seconds) {
  return to_text(std::chrono::seconds{std::llround(std::max(seconds, 0.0))});
}

/// 1234567 as 1,234,567.
std::string number(std::uint64_t value) {
  auto digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

/// Lines of a label and a text; those of something that is not well begin with a mark.
class Page {
public:
  void add(std::string_view label, std::string_view text, bool well = true) {
    auto line = fmt::format("{} {:<9}{}", well ? ' ' : '!', label == label_ ? "" : label, text);
    label_ = label;
    if (line.size() > width) {
      auto end = width - 3;
      while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) {
        --end;  // not within a character of UTF-8
      }
      line = line.substr(0, end) + "...";
    }
    text_ += line + '\n';
    well_ = well_ && well;
  }

  /// A text that is not well, on as many lines as it needs.
  void add_long(std::string_view label, std::string_view text) {
    constexpr std::size_t room = width - 13;
    while (!text.empty()) {
      auto end = text.size();
      if (end > room) {
        const auto blank = text.rfind(' ', room);
        end = blank == std::string_view::npos || blank == 0 ? room : blank;
      }
      add(label, fmt::format("  {}", text.substr(0, end)), false);
      text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', end)));
    }
  }

  bool well() const { return well_; }
  const std::string& text() const { return text_; }

private:
  std::string text_;
  std::string label_;
  bool well_ = true;
};

void add_queues(const Status& status, Page& page) {
  for (const auto& queue : status.queues) {
    if (!queue.depth) {
      page.add("Queues", fmt::format("{:<16} not known", queue.name), false);
      continue;
    }
    const auto refused = queue.name.starts_with("refused");
    auto text = fmt::format("{:<16} {:>9}", queue.name, number(*queue.depth));
    const auto age = queue.oldest && !refused ? status.time - *queue.oldest : 0;
    if (refused && *queue.depth > 0) {
      text += "   see: chouette-iot rejected";
    } else if (queue.oldest && !refused) {
      text += fmt::format("   oldest: {}", duration(age));
    }
    const auto old = queue.name == "logs" ? old_log : old_metric;
    page.add("Queues", text, age < old && !(refused && *queue.depth > 0));
  }
}

void add_deliveries(const Status& status, Page& page) {
  for (const auto& delivery : status.deliveries) {
    const auto* const label = delivery.kind == "metrics" ? "Metrics" : "Logs";
    const auto next = delivery.next_release
                          ? ", next release in " + duration(*delivery.next_release - status.time)
                          : std::string();
    page.add(
        label,
        delivery.last_success
            ? fmt::format("sent {} ago{}", duration(status.time - *delivery.last_success), next)
            : "nothing sent yet" + next,
        !delivery.failing);
    if (delivery.failing) {
      page.add(label, "the intake says: " + delivery.last_answer, false);
    }
    if (delivery.delivered > 0) {
      page.add(label,
               fmt::format("{} {} in {} bytes since the start", number(delivery.delivered),
                           delivery.kind == "metrics" ? "points" : "logs", number(delivery.bytes)));
    }
  }
}

void add_plugins(const Status& status, Page& page) {
  if (status.plugins.empty()) {
    page.add("Plugins", "none");
  }
  for (const auto& plugin : status.plugins) {
    const auto last = plugin.last_success
                          ? duration(status.time - *plugin.last_success) + " ago"
                          : std::string(plugin.captures > 0 ? "never" : "not asked yet");
    const auto took =
        plugin.duration ? fmt::format(", took {:.0f} ms", *plugin.duration * 1000) : std::string();
    const auto failing = !plugin.faults.empty();
    page.add("Plugins", fmt::format("{:<11} {}{}", plugin.name, last, took), !failing);
    for (const auto& fault : plugin.faults) {
      page.add_long("Plugins", fault);
    }
  }
}

std::string lost_text(const char* kind, const LossCounts& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts.at(i) > 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number(counts.at(i)),
                          to_string(static_cast<LossReason>(i)));
    }
  }
  return text.empty() ? text : fmt::format("{}: {}", kind, text);
}

void add_losses(const Status& status, Page& page) {
  const auto metrics = lost_text("metrics", status.lost_metrics);
  const auto logs = lost_text("logs", status.lost_logs);
  if (metrics.empty() && logs.empty()) {
    page.add("Lost", "nothing since the start");
  }
  for (const auto& text : {metrics, logs}) {
    if (!text.empty()) {
      page.add("Lost", text);
    }
  }
}

}  // namespace

std::string to_text(const Status& status) {
  Page page;
  for (const auto& actor : status.actors) {
    if (!actor.alive()) {
      page.add("Actors",
               fmt::format("the {} has not answered for {}", actor.name, duration(actor.silent)),
               false);
    }
  }
  if (status.alive()) {
    page.add("Actors", "all answer");
  }
  page.add("Redis",
           !status.redis.error.empty() ? status.redis.error
           : status.redis.reachable    ? "reachable"
                                       : "not asked yet",
           status.redis.reachable && status.redis.error.empty());
  add_queues(status, page);
  add_deliveries(status, page);
  page.add("API key", to_string(status.key), status.key != KeyStatus::refused);
  if (status.time < earliest_credible_time) {
    page.add("Clock", "is not set: nothing is sent until it is", false);
  } else if (status.clock_offset) {
    const auto offset = *status.clock_offset;
    page.add("Clock",
             std::abs(offset) < 1 ? "agrees with the intake's"
                                  : fmt::format("{} {} the intake's", duration(std::abs(offset)),
                                                offset > 0 ? "behind" : "ahead of"),
             std::abs(offset) <= clock_tolerance);
  } else {
    page.add("Clock", "not compared with the intake's yet");
  }
  add_plugins(status, page);
  add_losses(status, page);
  return fmt::format("chouette-iot {}, up {}: {}\n{}", status.version, duration(status.uptime),
                     page.well() ? "all is well" : "see the lines marked !", page.text());
}

}  // namespace chouette
