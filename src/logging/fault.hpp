#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace chouette {

/// A fault that lasts: said when it begins and when it ends, not each time round.
class Fault {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// True if this is the beginning, which is to be logged.
  bool begin(Time now);

  /// How long the fault lasted, which is to be logged; nothing if there was none.
  std::optional<std::chrono::seconds> end(Time now);

  bool lasts() const { return since_.has_value(); }

private:
  std::optional<Time> since_;
};

/// Things that may go wrong a thousand times a second: said at most once a minute for each kind.
class Throttle {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Counts `count` more of `kind`. Returns how many there were since the last time it returned
  /// a number, which is to be logged; nothing within a minute of that.
  std::optional<std::uint64_t> add(std::string_view kind, std::uint64_t count, Time now);

private:
  struct Kind {
    std::uint64_t unsaid = 0;
    std::optional<Time> said;
  };
  std::map<std::string, Kind, std::less<>> kinds_;
};

/// "45 s", "12 min", "3.5 h": for the log.
std::string to_text(std::chrono::seconds duration);

}  // namespace chouette
