#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "metrics/record_frame.hpp"
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
  /// Not 0: name, type and tags are those of each metric with this number.
  std::size_t spelling = 0;
};

/// Reads raw metrics. Remembers the texts around value and timestamp, so that of most records only
/// these two are read: JSON and merging take 0.6 times the time then. Keeps its memory between
/// calls; for one thread.
class RawMetricParser {
public:
  RawMetricParser();
  ~RawMetricParser();
  RawMetricParser(const RawMetricParser&) = delete;
  RawMetricParser& operator=(const RawMetricParser&) = delete;

  /// What it returns lives until the next call. Never throws for anything that `json` may hold.
  tl::expected<const RawMetric*, Malformed> parse(std::string_view json);

  /// True if there is no room for more and what is remembered has been of little use since it was
  /// asked last.
  bool is_stale();

  /// Forgets what was remembered; numbers of `spelling` begin anew.
  void forget();

private:
  struct Reader;
  /// A spelling of a series that is remembered.
  struct Known {
    std::string before, between, after;  ///< Its frame.
    std::string name, type;
    RawMetric metric;  ///< The last one that was read.

    bool frames(const FramedRecord& record) const;
  };

  const RawMetric* read_known(const FramedRecord& record, std::size_t hash);
  bool is_worth_remembering(const FramedRecord& record, std::size_t hash);
  bool remember(const FramedRecord& record, std::size_t hash);
  std::optional<Malformed> read(std::string_view json);

  std::unique_ptr<Reader> reader_;
  RawMetric metric_;
  /// Has the only list of elements until the next call: each may be long.
  RawMetric* with_elements_ = nullptr;
  /// By their frames' hashes; of two with the same hash the first.
  std::unordered_map<std::size_t, Known> spellings_;
  std::size_t bytes_ = 0;  ///< Of the frames.
  /// By the frames' hashes: a series is remembered at the second sight, for there may be more of
  /// them than there is room for.
  std::bitset<65536> seen_;
  std::size_t known_ = 0;     ///< Records of series that are remembered,
  std::size_t left_out_ = 0;  ///< and that would be, if there were room.
};

}  // namespace chouette
