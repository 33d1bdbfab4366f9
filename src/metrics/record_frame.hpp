#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chouette {

/// A raw record's JSON cut where it differs from the next record of its series.
struct FramedRecord {
  std::string_view before;
  std::string_view list;  ///< From a bracket to the next one; empty if there is
  double value = 0;       ///< a number instead.
  std::string_view between;
  double timestamp = 0;
  std::string_view after;
};

/// Cuts at the first texts that look like the fields `value` and `timestamp`; whether they are is
/// to be seen. None where there are none in this order, which is that of chouette-iot-client,
/// or with odd numbers.
std::optional<FramedRecord> cut(std::string_view json);

/// A record with the same frame: all but value and timestamp.
std::string joined(const FramedRecord& frame, std::string_view value, std::string_view timestamp);

/// A point's JSON cut where it differs from the next point of its series.
struct FramedPoint {
  std::string_view before;
  std::int64_t second = 0;
  double value = 0;
  std::string_view after;
};

/// Cuts at the first text that looks like the field `points` with a single point in it. None where
/// there is none, or with odd numbers.
std::optional<FramedPoint> cut_point(std::string_view json);

}  // namespace chouette
