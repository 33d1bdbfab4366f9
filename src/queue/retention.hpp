#pragma once

#include <chrono>
#include <deque>
#include <optional>

namespace chouette {

/// Decides what is too old to be kept, on a device whose clock may be unset at boot and may jump.
///
/// It trusts the wall clock only if that moved in step with the steady clock since the last call,
/// and only from 2024 on. After a jump records bear stamps of both times; for as long as records
/// may live, the clock that makes them younger decides.
class Retention {
public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// `time_to_live`: how old a record may become.
  explicit Retention(std::chrono::seconds time_to_live);

  /// Everything stamped before the returned Unix time may be deleted; nothing may where there is
  /// none. `wall` is the Unix time in seconds, `steady` the steady clock at the same moment.
  std::optional<double> expire_before(double wall, SteadyTime steady);

private:
  struct FormerClock {
    double offset;   ///< Its wall time less the steady time.
    double left_at;  ///< The steady time of the jump away from it.
  };

  double time_to_live_;
  std::optional<double> offset_;
  double last_steady_ = 0;
  std::deque<FormerClock> former_;
};

/// 2024-01-01: a clock that shows less was not set since the device was started.
inline constexpr double earliest_credible_time = 1704067200;

}  // namespace chouette
