#pragma once

#include <chouette/wrapper.hpp>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "commands/check.hpp"
#include "commands/plugin_captures.hpp"
#include "config/config.hpp"
#include "extensions/extensions.hpp"
#include "intake/metrics_payload.hpp"
#include "metrics/taken_seconds.hpp"
#include "queue/queue.hpp"

namespace chouette {

/// The most raw records that a dry run reads.
inline constexpr std::size_t dry_run_raw_limit = 100000;

/// Collects what the agent would send next, and changes nothing in the queues. Each step tells
/// `notes` what it took and what it left out, and is false if Redis could not be read.
class DryRun {
public:
  /// `queue`, `config`, `wrapper` and `notes` must outlive it. `now`: Unix time in seconds.
  DryRun(Queue& queue, const Config& config, const Wrapper& wrapper, double now,
         std::ostream& notes);

  /// The first METRICS_BULK_SIZE points that wait, without those that are about to expire.
  bool add_wrapped();

  /// Raw metrics of closed buckets, at most `dry_run_raw_limit`, as the points they will become.
  bool add_raw(std::size_t limit = dry_run_raw_limit);

  /// What plugins gave.
  void add(const std::vector<PluginAnswer>& answers);

  /// Prints the payload as JSON, a series a line, and notes its size.
  void print(std::ostream& out);

private:
  struct RawCounts {
    std::size_t records = 0;
    std::size_t set_aside = 0;  ///< So many of the records.
    std::set<double> buckets;   ///< Their begins.
    std::size_t points = 0;
    std::size_t unusable = 0;
  };

  void add_point(const WrappedMetric& point);
  double expired_before() const;
  QueueResult<void> place(TakenSeconds& taken, std::vector<WrappedMetric>& points);
  QueueResult<void> add_bucket(Taken among, TimeRange bucket, std::size_t limit, RawCounts& counts);
  QueueResult<void> add_queue(QueueName queue, std::size_t limit, RawCounts& counts);
  bool fails(const QueueError& error);

  Queue& queue_;
  const Config& config_;
  const Wrapper& wrapper_;
  double now_;
  std::ostream& notes_;
  MetricsPayload payload_;
  /// What the agent would have stored by now, for a bucket that is both set aside and not.
  std::map<std::int64_t, std::vector<std::int64_t>> marks_;
};

/// `chouette-iot --dry-run`: all of that, with each plugin of COLLECTOR_PLUGINS. Only the JSON goes
/// to `out`. Exit code: 1 if Redis could not be read or a plugin failed, otherwise 0. `config` and
/// `extensions` must live until the process ends.
CommandEnd dry_run(const Config& config, const Extensions& extensions, const Wrapper& wrapper,
                   std::ostream& out, std::ostream& notes);

}  // namespace chouette
