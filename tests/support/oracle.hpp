#pragma once

#include <cstddef>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/intake.hpp"
#include "support/redis_client.hpp"

namespace chouette::test {

/// What is not accounted for, one line each. Empty: every record ended where it should.
using Discrepancies = std::vector<std::string>;

/// Remembers all that was written, and says where Datadog's view, the rejected queues and the
/// agent's own account of what it dropped together tell another story.
///
/// Raw metrics must be aggregated every second, histograms to count, sum and whatever else.
class Oracle {
public:
  void wrote(const RawMetric& metric);
  void wrote_log(const std::string& id);

  /// Records that must end as dropped: `kind` is metrics or logs.
  void wrote_garbage(const std::string& kind, const std::string& reason, double records = 1);

  /// The intake may have taken in what it did not confirm: logs may arrive more than once.
  void answers_may_be_lost() { answers_may_be_lost_ = true; }

  /// The agent is killed on its way, and what it has counted but not told yet goes with it.
  void counters_may_be_lost() { counters_may_be_lost_ = true; }

  /// What is wrong at this moment; while the agent works, that something is still on its way.
  Discrepancies discrepancies(const Intake& intake, RedisClient& redis) const;

private:
  /// A series by name and joined tags.
  using Series = std::pair<std::string, std::string>;
  struct Rejected;
  struct Gauge {
    std::set<double> all;
    double last = 0;
    double last_time = 0;
  };

  static Rejected read_rejected(RedisClient& redis, Discrepancies& found);
  void check_queues(RedisClient& redis, Discrepancies& found) const;
  void check_sums(const std::map<Series, double>& arrived, const Rejected& rejected,
                  Discrepancies& found) const;
  void check_gauges(const Intake& intake, const Rejected& rejected, Discrepancies& found) const;
  void check_logs(const Intake& intake, const Rejected& rejected, Discrepancies& found) const;
  void check_counters(const std::map<Series, double>& arrived, const Rejected& rejected,
                      Discrepancies& found) const;

  std::map<Series, double> sums_;
  std::map<Series, Gauge> gauges_;
  std::set<std::string> logs_;
  std::map<Series, double> garbage_;  ///< By the series that counts it.
  bool answers_may_be_lost_ = false;
  bool counters_may_be_lost_ = false;
};

/// Writes what applications write, and tells the oracle.
class Workload {
public:
  Workload(RedisClient redis, Oracle& oracle, unsigned seed);

  /// A few counts stamped with `now`, one of them up to 5 s earlier; their sum is known.
  void write_counts(double now);

  /// Metrics of all types and logs, now and then some that an intake may refuse for their names or
  /// their size (they contain "refuse_me" or are incompressible) and some garbage.
  void write_all(double now);

private:
  void write(std::vector<RawMetric> metrics);
  void write_logs(double now);
  void write_garbage(double now);
  std::string noise(std::size_t size);

  RedisClient redis_;
  Oracle* oracle_;
  std::mt19937 random_;
  int round_ = 0;
};

}  // namespace chouette::test
