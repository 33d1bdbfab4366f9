#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/http_server.hpp"
#include "support/intake_rules.hpp"

namespace chouette::test {

/// A request that an Intake has read to its end.
struct IntakeRequest {
  HttpRequest http;        ///< `http.body` is as sent: compressed.
  nlohmann::json payload;  ///< Null if the body could not be read.
  std::size_t sent_bytes = 0;
  std::size_t raw_bytes = 0;
  int status = 0;         ///< What was answered; 0 if nothing was.
  bool accepted = false;  ///< Datadog has taken it in, whether or not the sender was told.

  bool has_metrics() const;
  bool has_logs() const;
};

/// What Datadog tells series apart by.
struct SeriesId {
  std::string metric;
  std::string tags;  ///< Sorted, joined by commas.
  std::string host;

  auto operator<=>(const SeriesId&) const = default;  // NOLINT(modernize-use-nullptr): its bug
};

/// What Datadog knows of one second of one series.
struct StoredPoint {
  double value = 0;
  std::string type;
  std::int64_t interval = 0;  ///< 0 for a gauge.

  bool operator==(const StoredPoint&) const = default;
};

/// Points of one series by Unix time in seconds.
using StoredPoints = std::map<std::int64_t, StoredPoint>;

/// A strict fake of Datadog's intake for metrics (v1/series), logs (v1/input) and keys
/// (v1/validate). It notes each breach of Datadog's rules as a violation: tests assert that there
/// are none. Each request meets the next behaviour of the script; when that is used up, the judge;
/// without a judge, a right answer. It may be used from any thread.
class Intake {
public:
  /// Decides on a request that was read and that breaks no rule.
  using Judge = std::function<Behaviour(const IntakeRequest& request)>;

  explicit Intake(std::string api_key = "0123456789abcdef0123456789abcdef");

  const std::string& api_key() const { return api_key_; }
  std::uint16_t port() const { return server_.port(); }
  std::string metrics_url() const;  ///< For DATADOG_URL.
  std::string logs_url() const;     ///< For DATADOG_LOGS_URL.

  /// Appends to the script: one request each.
  void script(const std::vector<Behaviour>& behaviours);

  /// How many behaviours of the script are left.
  std::size_t scripted() const;

  /// All requests beyond the script go to `judge`; an empty one is none.
  void set_judge(Judge judge);

  /// Refuses connections and breaks those there are; up again, the port is the same.
  void set_down() { server_.set_down(); }
  void set_up() { server_.set_up(); }

  /// What arrived; only what was read to its end.
  std::vector<IntakeRequest> requests() const;
  std::vector<IntakeRequest> metric_requests() const;
  std::vector<IntakeRequest> log_requests() const;
  std::size_t connections() const { return server_.connections(); }
  Violations violations() const;

  /// The violations so far, which are then forgotten: for those that a test provokes.
  Violations take_violations();

  /// Datadog's view: of each series and second, what came last.
  std::map<SeriesId, StoredPoints> series() const;

  /// The points of all series of this name that carry all of `tags`, which may have more.
  /// Where several series have a point in one second, it is one of these.
  StoredPoints points(const std::string& metric, const std::vector<std::string>& tags = {}) const;

  /// Of the values of all points that all series of this name have.
  double sum(const std::string& metric) const;

  /// All accepted logs, in the order of their arrival.
  std::vector<nlohmann::json> logs() const;

  /// Calls `holds` every 5 ms until it is true; false if it never is within `timeout`.
  bool wait_until(const std::function<bool()>& holds,
                  std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;

private:
  Behaviour next_behaviour();
  Behaviour treat(const HttpRequest& http, const Behaviour& behaviour);
  void accept(const IntakeRequest& request);

  const std::string api_key_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<Behaviour> script_;
  Judge judge_;
  std::vector<IntakeRequest> requests_;
  Violations violations_;
  std::map<SeriesId, StoredPoints> series_;
  std::vector<nlohmann::json> logs_;
  HttpServer server_;  // the last: its threads use all the others
};

}  // namespace chouette::test
