#pragma once

#include <chouette/metric.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chouette {

class JsonReader;

/// What is added to each series on its way out.
struct SeriesExtras {
  std::vector<std::string> global_tags;
  std::string host;  ///< Empty: none.
};

/// What one payload may hold, well within the intake's limits (v1/series: 3,200,000 B sent,
/// 62,914,560 B raw; the Agent keeps under 10,000 points).
struct PayloadLimits {
  std::size_t points = 10000;
  std::size_t bytes = 5UL * 1024 * 1024;  ///< Before compression.
};

/// Collects wrapped metrics and writes them as `{"series": […]}` with one object for each series.
/// Two points of a series in one second become one: the sum of counts and rates, the last gauge.
class MetricsPayload {
public:
  enum class Added {
    yes,
    full,       ///< Not added: send this payload first.
    malformed,  ///< Not added, and never will be: it is no series of the v1 API.
  };

  explicit MetricsPayload(SeriesExtras extras, PayloadLimits limits = {});
  ~MetricsPayload();

  /// Adds a record of the queue `wrapped_metrics`. An empty payload is never full.
  Added add(std::string_view record);

  std::size_t points() const { return points_; }
  std::size_t series() const { return index_.size(); }
  bool empty() const { return points_ == 0; }

  /// The JSON of all that was added; the payload is empty afterwards.
  std::string take();

private:
  struct Series;
  struct Record;

  SeriesExtras extras_;
  PayloadLimits limits_;
  std::unique_ptr<JsonReader> reader_;
  std::vector<Series> series_;
  std::unordered_map<std::string, std::size_t> index_;
  std::size_t points_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace chouette
