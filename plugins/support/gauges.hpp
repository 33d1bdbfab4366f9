#pragma once

#include <chouette/plugin.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace chouette {

/// Fills one capture with gauges that carry its time, and with faults.
class Gauges {
public:
  Gauges(std::int64_t now, Capture& capture) : now_(now), capture_(capture) {}

  template <class Value>
  void add(std::string name, Tags tags, Value value) {
    capture_.metrics.push_back({.name = std::move(name),
                                .type = SeriesType::gauge,
                                .tags = std::move(tags),
                                .timestamp = now_,
                                .value = static_cast<double>(value)});
  }

  /// Says what could not be read. Control characters, which names of foreign things may hold, are
  /// replaced: a fault is one line.
  void add_fault(std::string_view what, std::string_view why);
  void add_fault(std::string_view what, const std::exception& error) {
    add_fault(what, error.what());
  }

private:
  std::int64_t now_;
  Capture& capture_;
};

}  // namespace chouette
