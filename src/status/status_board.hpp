#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "status/status.hpp"

namespace chouette {

/// Where actors write down what they know of themselves, for those who ask. Thread-safe; nobody
/// holds it long, so that it can be read while everything else hangs.
class StatusBoard {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// `now` is when the agent started.
  explicit StatusBoard(std::string version = {}, Time now = std::chrono::steady_clock::now());

  /// Changes anything but the actors, version and times: `change` gets the Status.
  template <class Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change(status_);
  }

  /// Adds an actor, that counts as having answered just now. Returns its number.
  std::size_t watch(std::string name, std::chrono::seconds patience, Time now);

  /// Actor number `i` has answered.
  void answered(std::size_t i, Time now);

  /// All that is known at the Unix time `wall`.
  Status read(double wall, Time now) const;

private:
  mutable std::mutex mutex_;
  Time started_;
  std::vector<Time> answered_;  ///< By actor.
  Status status_;
};

}  // namespace chouette
