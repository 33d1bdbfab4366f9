#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "metrics/text_list.hpp"

namespace chouette {

/// What is wrong with a record that an application wrote.
enum class Malformed : std::uint8_t {
  half,       ///< A key without a value, or a value without a key.
  json,       ///< Not JSON, or a number that no double holds (NaN, Infinity, 1e999).
  object,     ///< JSON, but not an object.
  metric,     ///< No `metric`, not a string, or empty.
  type,       ///< No `type`, or not a string.
  value,      ///< No `value`, or not of the kind that the type asks for.
  timestamp,  ///< No `timestamp`, not a number, or not within the years 0 to 9999.
  tags,       ///< Neither null, an object of scalars nor a list of strings.
};
inline constexpr std::size_t malformed_kinds = 8;

/// For the log: "is not JSON", "has no usable timestamp", ...
std::string_view describe(Malformed reason);

/// A raw metric as an application wrote it (SPEC of the queue `raw_metrics`).
struct RawMetric {
  std::string_view name;
  std::string_view type;
  double timestamp = 0;               ///< Unix time in seconds.
  double value = 0;                   ///< Unless the type is `set`.
  std::vector<std::string> elements;  ///< Of a `set`: one text for each, equal for equal elements.
  TextList tags;                      ///< As written: in any order, maybe repeated.
};

/// Reads raw metrics. Keeps its memory between calls; for one thread.
class RawMetricParser {
public:
  RawMetricParser();
  ~RawMetricParser();
  RawMetricParser(const RawMetricParser&) = delete;
  RawMetricParser& operator=(const RawMetricParser&) = delete;

  /// What it returns lives until the next call. Never throws for anything that `json` may hold.
  tl::expected<const RawMetric*, Malformed> parse(std::string_view json);

private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
  RawMetric metric_;
};

}  // namespace chouette
