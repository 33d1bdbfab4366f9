#include "commands/dry_run.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <ostream>
#include <sstream>
#include <utility>

#include "commands/series_lines.hpp"
#include "intake/deflate.hpp"
#include "metrics/aggregation.hpp"
#include "metrics/bucket.hpp"
#include "metrics/wrapped_json.hpp"
#include "queue/clock_history.hpp"
#include "queue/redis_queue.hpp"

namespace chouette {
namespace {

/// Records whose values are in memory at a time.
constexpr std::size_t window = 1000;
/// All of a dry run goes into one payload, so that it can be seen together.
constexpr PayloadLimits no_limits{std::numeric_limits<std::size_t>::max(),
                                  std::numeric_limits<std::size_t>::max()};

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Calls `use` with the values of all `keys`, a window at a time.
template <class Use>
QueueResult<void> fetch_all(Queue& queue, QueueName name, const PackedStrings& keys, Use use) {
  for (std::size_t from = 0; from < keys.size(); from += window) {
    const auto values = queue.fetch(name, keys.slice(from, window));
    if (!values) return tl::unexpected(values.error());
    use(*values);
  }
  return {};
}

std::size_t unusable(const AggregationReport& report) {
  auto count = report.unsupported.count;
  for (const auto& dropped : report.malformed) count += dropped.count;
  return static_cast<std::size_t>(count);
}

}  // namespace

DryRun::DryRun(Queue& queue, const Config& config, const Wrapper& wrapper, double now,
               std::ostream& notes)
    : queue_(queue),
      config_(config),
      wrapper_(wrapper),
      now_(now),
      notes_(notes),
      payload_(Extras{config.global_tags, config.host}, no_limits) {}

bool DryRun::fails(const QueueError& error) {
  notes_ << "Redis: " << error.message << '\n';
  return false;
}

/// With a clock that is not set nothing expires.
double DryRun::expired_before() const {
  return now_ < earliest_credible_time ? all_time.from
                                       : now_ - static_cast<double>(config_.metric_ttl.count());
}

bool DryRun::add_wrapped() {
  const auto limit = config_.metrics_bulk_size;
  const auto all = queue_.size(wrapped_metrics);
  if (!all) return fails(all.error());
  const auto keys = queue_.list(wrapped_metrics, {expired_before(), all_time.to}, limit);
  if (!keys) return fails(keys.error());
  std::size_t added = 0;
  std::size_t malformed = 0;
  const auto done = fetch_all(queue_, wrapped_metrics, *keys, [&](const PackedStrings& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto good = values.present(i) && payload_.add(values[i]) == MetricsPayload::Added::yes;
      ++(good ? added : malformed);
    }
  });
  if (!done) return fails(done.error());
  notes_ << "Waiting points: " << counted(added, "record") << " of " << grouped(*all);
  if (malformed > 0) notes_ << ", " << grouped(malformed) << " that cannot be used";
  const auto left_out = *all - std::min(*all, keys->size());
  if (left_out > 0) {
    notes_ << "; left out: " << grouped(left_out) << ", expired or beyond METRICS_BULK_SIZE";
  }
  notes_ << '\n';
  return true;
}

/// As the agent does it, but for the marks, which are not stored.
QueueResult<void> DryRun::place(TakenSeconds& taken, std::vector<WrappedMetric>& points) {
  while (const auto needed = taken.place(points)) {
    const auto marks = queue_.seconds_taken(*needed);
    if (!marks) return tl::unexpected(marks.error());
    taken.load(*needed, *marks);
    taken.load(*needed, marks_[*needed]);
  }
  for (const auto& [start, marks] : taken.taken()) {
    marks_[start].insert(marks_[start].end(), marks.begin(), marks.end());
  }
  return {};
}

QueueResult<void> DryRun::add_bucket(Taken among, TimeRange bucket, std::size_t limit,
                                     RawCounts& counts) {
  const auto& [queue, range] = among;
  const auto keys = queue_.list(queue, {std::max(bucket.from, range.from), bucket.to}, limit);
  if (!keys) return tl::unexpected(keys.error());
  Aggregation aggregation(wrapper_);
  if (auto done = fetch_all(queue_, queue, *keys,
                            [&](const PackedStrings& values) { aggregation.add(values); });
      !done) {
    return tl::unexpected(done.error());
  }
  auto [points, report] = aggregation.finish();
  TakenSeconds taken(bucket, config_.wrapper.interval);
  if (auto done = place(taken, points); !done) return tl::unexpected(done.error());
  for (const auto& point : points) add_point(point);
  counts.records += keys->size();
  counts.set_aside += queue == raw_taken ? keys->size() : 0;
  counts.buckets.insert(bucket.from);
  counts.points += points.size();
  counts.unusable += unusable(report);
  return {};
}

QueueResult<void> DryRun::add_queue(QueueName queue, std::size_t limit, RawCounts& counts) {
  auto oldest = queue_.oldest(queue);
  if (!oldest) return tl::unexpected(oldest.error());
  // Of what is set aside, nothing before the oldest that waits, for that is aggregated already.
  TimeRange closed{std::max(expired_before(), oldest->value_or(all_time.from)),
                   closed_before(now_, config_.wrapper.interval)};
  while (counts.records < limit && closed.from < closed.to) {
    oldest = queue_.oldest(queue, closed);
    if (!oldest) return tl::unexpected(oldest.error());
    if (!*oldest) break;
    const auto bucket = bucket_of(**oldest, config_.wrapper.interval);
    auto done = add_bucket({queue, closed}, bucket, limit - counts.records, counts);
    if (!done) return done;
    closed.from = bucket.to;
  }
  return {};
}

bool DryRun::add_raw(std::size_t limit) {
  const auto all = queue_.size(raw_metrics);
  if (!all) return fails(all.error());
  RawCounts counts;
  for (const auto queue : {raw_taken, raw_metrics}) {
    if (const auto done = add_queue(queue, limit, counts); !done) return fails(done.error());
  }
  notes_ << "Raw metrics: " << counted(counts.records, "record") << " of " << grouped(*all)
         << " in " << counted(counts.buckets.size(), "closed bucket") << " gave "
         << counted(counts.points, "point");
  if (counts.unusable > 0) notes_ << ", " << grouped(counts.unusable) << " cannot be used";
  if (counts.set_aside > 0) {
    notes_ << "; set aside to be aggregated: " << grouped(counts.set_aside);
  }
  const auto left_out = *all - std::min(*all, counts.records);
  if (left_out > 0) {
    notes_ << "; left out: " << grouped(left_out) << ", of open buckets, expired or beyond "
           << grouped(limit);
  }
  notes_ << '\n';
  return true;
}

void DryRun::add_point(const WrappedMetric& point) {
  payload_.add(to_json(point));
}

void DryRun::add(const std::vector<PluginAnswer>& answers) {
  for (const auto& answer : answers) {
    std::size_t added = 0;
    for (const auto& metric : answer.capture.metrics) {
      if (metric.name.empty() || !std::isfinite(metric.value)) continue;
      add_point(metric);
      ++added;
    }
    notes_ << "Plugin " << answer.name << ": " << answer.failure.value_or(counted(added, "point"))
           << '\n';
    for (const auto& fault : answer.capture.faults) {
      notes_ << "Plugin " << answer.name << ": fault: " << fault << '\n';
    }
  }
}

void DryRun::print(std::ostream& out) {
  const auto points = payload_.size();
  const auto series = payload_.series();
  const auto json = payload_.take();
  out << with_line_breaks(json) << std::flush;
  notes_ << "In all: " << counted(points, "point") << " of " << grouped(series) << " series, "
         << counted(json.size(), "byte") << ", " << grouped(deflate(json).size())
         << " compressed\n";
  const PayloadLimits request;
  if (points > request.points || json.size() > request.bytes) {
    notes_ << "The agent sends this in several requests: each holds at most "
           << counted(request.points, "point") << " and " << counted(request.bytes, "byte")
           << ".\n";
  }
  if (now_ < earliest_credible_time) {
    notes_ << "The clock is not set: the agent sends nothing before it is.\n";
  }
  notes_.flush();
}

CommandEnd dry_run(const Config& config, const Extensions& extensions, const Wrapper& wrapper,
                   std::ostream& out, std::ostream& notes) {
  std::ostringstream collected;
  RedisQueue queue(config.redis);
  DryRun run(queue, config, wrapper, wall_time(), collected);
  const bool read = run.add_wrapped() && run.add_raw();
  const auto answers =
      ask_plugins(plugins_to_ask(config, extensions), patience_with_plugins(config));
  run.add(answers);
  run.print(out);
  notes << without_secrets(collected.str(), {config.api_key, config.redis.password}) << std::flush;
  const auto failed = [](const PluginAnswer& answer) { return answer.failure.has_value(); };
  return {read && std::none_of(answers.begin(), answers.end(), failed) ? 0 : 1,
          std::any_of(answers.begin(), answers.end(),
                      [](const PluginAnswer& answer) { return answer.hangs; })};
}

}  // namespace chouette
