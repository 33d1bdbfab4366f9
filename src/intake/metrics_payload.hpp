#pragma once

#include <chouette/metric.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "intake/payload.hpp"
#include "metrics/record_frame.hpp"

namespace chouette {

class JsonReader;

/// What one payload may hold, well within the intake's limits (v1/series: 3,200,000 B sent,
/// 62,914,560 B raw; the Agent keeps under 10,000 points).
struct PayloadLimits {
  std::size_t points = 10000;
  std::size_t bytes = 5UL * 1024 * 1024;  ///< Before compression.
};

/// Collects wrapped metrics and writes them as `{"series": […]}` with one object for each series.
/// Two points of a series in one second become one: the sum of counts and rates, the last gauge.
/// Remembers up to some thousand series from one request to the next, and of those that come twice
/// in a request the texts around the point, as the agent writes them: of most records only the
/// point is read, in half of the time.
class MetricsPayload : public Payload {
public:
  /// Each point's time goes through `restamp`, if there is one.
  explicit MetricsPayload(Extras extras, PayloadLimits limits = {}, Restamp restamp = {});
  ~MetricsPayload() override;

  Added add(std::string_view record) override;
  std::size_t size() const override { return points_; }
  std::size_t size_of_others() const override { return points_ - own_points_; }
  std::string take() override;

  std::size_t series() const { return filled_.size(); }

private:
  struct Point;
  struct Series;
  struct Record;

  Series* known_series(const FramedPoint& point);
  Series& series_of(Record record);
  Added add(Series& series, std::span<const Point> points);
  void remember(const FramedPoint& point, Series& series);
  const std::string& frame_of(const FramedPoint& point);

  Extras extras_;
  PayloadLimits limits_;
  Restamp restamp_;
  std::unique_ptr<JsonReader> reader_;
  std::list<Series> series_;     ///< All that are remembered,
  std::vector<Series*> filled_;  ///< and those that have points.
  std::unordered_map<std::string_view, Series*> by_head_;
  std::unordered_map<std::string, Series*> by_frame_;  ///< By the texts around a point.
  std::string frame_;                                  ///< Here for its memory's sake.
  std::size_t points_ = 0;
  std::size_t own_points_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace chouette
