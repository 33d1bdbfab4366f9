#pragma once

#include <chrono>
#include <optional>

#include "queue/clock_history.hpp"

namespace chouette {

/// Decides what is too old to be kept, on a device whose clock may be unset at boot and may jump.
///
/// It trusts the wall clock only if that moved in step with the steady clock since the last call,
/// and only from 2024 on. After a jump records bear stamps of both times; for as long as records
/// may live, the clock that makes them younger decides.
class Retention {
public:
  using SteadyTime = ClockHistory::SteadyTime;

  /// `time_to_live`: how old a record may become.
  explicit Retention(std::chrono::seconds time_to_live);

  /// Everything stamped before the returned Unix time may be deleted; nothing may where there is
  /// none. `wall` is the Unix time in seconds, `steady` the steady clock at the same moment.
  std::optional<double> expire_before(double wall, SteadyTime steady);

private:
  std::chrono::seconds time_to_live_;
  ClockHistory history_;
};

}  // namespace chouette
