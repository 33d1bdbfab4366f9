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

#include "intake/payload.hpp"

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
class MetricsPayload : public Payload {
public:
  /// Each point's time goes through `restamp`, if there is one.
  explicit MetricsPayload(Extras extras, PayloadLimits limits = {}, Restamp restamp = {});
  ~MetricsPayload() override;

  Added add(std::string_view record) override;
  std::size_t size() const override { return points_; }
  std::size_t size_of_others() const override { return points_ - own_points_; }
  std::string take() override;

  std::size_t series() const { return index_.size(); }

private:
  struct Series;
  struct Record;

  Extras extras_;
  PayloadLimits limits_;
  Restamp restamp_;
  std::unique_ptr<JsonReader> reader_;
  std::vector<Series> series_;
  std::unordered_map<std::string, std::size_t> index_;
  std::size_t points_ = 0;
  std::size_t own_points_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace chouette
