#pragma once

#include <chouette/metric.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace chouette {

/// What one capture of a plugin brought.
struct Capture {
  std::vector<WrappedMetric> metrics;
  std::vector<std::string> faults;  ///< One line for each thing that could not be read and why.
  std::uint64_t malformed = 0;      ///< Metrics that the source gave and that make no sense.
};

/// A source of metrics, asked once every CAPTURE_INTERVAL.
///
/// Each plugin runs on a thread of its own: `capture` may block, is never called twice at a time,
/// and always from that thread. A capture that takes too long is given up: its answer is dropped,
/// and the plugin is destroyed as soon as `capture` returns. What could not be read is named in
/// `faults` and not sent; zero is a value and is sent. If `capture` throws, the plugin is destroyed
/// and made anew for the next capture.
class Plugin {
public:
  virtual ~Plugin() = default;

  /// Reads everything once. `now` is the Unix time in whole seconds that the points are to carry.
  virtual Capture capture(std::int64_t now) = 0;
};

}  // namespace chouette
