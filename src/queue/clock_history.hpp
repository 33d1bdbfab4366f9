#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <vector>

namespace chouette {

/// What the wall clock of a device showed that may be unset at boot and may jump: told by the
/// steady clock, which does neither.
///
/// Each jump makes a former clock of the one before it; records keep their stamps. A jump is known
/// from the next observation on, so observe at least once a minute, and before asking anything. A
/// device that was suspended while its steady clock stood still looks like one whose clock jumped
/// forward.
class ClockHistory {
public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// Former clocks are forgotten `remember` after the jump away from them.
  explicit ClockHistory(std::chrono::seconds remember);

  /// `wall` is the Unix time in seconds, `steady` the steady clock at the same moment.
  void observe(double wall, SteadyTime steady);

  /// Whether the wall clock moved in step with the steady one between the last two observations.
  bool in_step() const { return in_step_; }

  /// Whether the wall clock was set since the device was started.
  bool is_set() const;

  /// Everything stamped before the returned Unix time is older than `time_to_live`, by whichever
  /// remembered clock makes it younger. None while the clock is not in step or not set: then
  /// nothing may be deleted. `time_to_live`: up to what is remembered.
  std::optional<double> expire_before(std::chrono::seconds time_to_live) const;

  /// The Unix time that today's clock would have shown when a record was given `stamp`, at most
  /// the present.
  ///
  /// Only a stamp that was surely made by a former clock is moved: one from before a jump forward,
  /// or one of the future after a jump backward. Any other comes back as it is: one that today's
  /// clock may have made, or no clock, as that of an application which writes history. Until the
  /// next jump a stamp is always moved by the same number of whole seconds: what is sent again
  /// bears the same time again, and what was of different seconds stays so.
  double restamp(double stamp) const;

  /// What each remembered former clock would show at the last observation, the latest first.
  std::vector<double> former_walls() const;

private:
  struct FormerClock {
    double offset;      ///< Its wall time less the steady time.
    double first_wall;  ///< No stamp of it is earlier.
    double left_at;     ///< The steady time of the jump away from it, at the latest.
    double shift;       ///< From it to today's clock, as measured at the jumps.
  };

  void add_former(const FormerClock& clock, double drift);

  double remember_;
  std::optional<double> offset_;
  double first_wall_ = 0;
  double wall_ = 0;
  double steady_ = 0;
  bool in_step_ = false;
  std::deque<FormerClock> former_;  ///< The latest first.
};

/// 2024-01-01: a clock that shows less was not set since the device was started.
inline constexpr double earliest_credible_time = 1704067200;

}  // namespace chouette
