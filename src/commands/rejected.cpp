#include "commands/rejected.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "intake/rejected_record.hpp"

namespace chouette {

namespace {

/// A rejected queue and where its records came from.
struct Origin {
  std::string_view kind;
  QueueName rejected;
  QueueName wrapped;
};

constexpr std::array<Origin, 2> origins{
    {{"metric", rejected_metrics, wrapped_metrics}, {"log", rejected_logs, wrapped_logs}}};

/// One queue's records, oldest first.
struct Content {
  PackedStrings keys;
  PackedStrings values;
};

QueueResult<Content> read(Queue& queue, QueueName name) {
  auto keys = queue.list(name, all_time, rejected_limit);
  if (!keys) {
    return tl::unexpected(keys.error());
  }
  auto values = queue.fetch(name, *keys);
  if (!values) {
    return tl::unexpected(values.error());
  }
  return Content{std::move(*keys), std::move(*values)};
}

/// The time of a series' first point, which is its record's score.
double timestamp_of(const std::string& record, double otherwise) {
  try {
    return nlohmann::json::parse(record).at("points").at(0).at(0);
  } catch (const std::exception&) {
    return otherwise;
  }
}

}  // namespace

bool list_rejected(Queue& queue, std::ostream& out, std::ostream& errors) {
  std::size_t count = 0;
  for (const auto& origin : origins) {
    const auto content = read(queue, origin.rejected);
    if (!content) {
      errors << content.error().message << '\n';
      return false;
    }
    for (std::size_t i = 0; i < content->values.size(); ++i) {
      if (const auto rejected = read_rejected(content->values[i])) {
        out << origin.kind << "  " << rejected->answer << "  " << rejected->record << '\n';
        ++count;
      }
    }
  }
  out << fmt::format("{} rejected records\n", count);
  return true;
}

bool requeue_rejected(Queue& queue, std::ostream& out, std::ostream& errors) {
  for (const auto& origin : origins) {
    const auto content = read(queue, origin.rejected);
    if (!content) {
      errors << content.error().message << '\n';
      return false;
    }
    PackedStrings keys;
    std::vector<NewRecord> records;
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    for (std::size_t i = 0; i < content->values.size(); ++i) {
      if (auto rejected = read_rejected(content->values[i])) {
        const auto timestamp = timestamp_of(rejected->record, now);
        keys.push_back(content->keys[i]);
        records.push_back({std::string(content->keys[i]), timestamp, std::move(rejected->record)});
      }
    }
    const auto count = records.size();
    if (const auto done =
            queue.replace(origin.rejected, keys, origin.wrapped, {std::move(records)});
        !done) {
      errors << done.error().message << '\n';
      return false;
    }
    out << fmt::format("{} {}s are queued again\n", count, origin.kind);
  }
  return true;
}

}  // namespace chouette
