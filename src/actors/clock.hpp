#pragma once

#include <caf/timespan.hpp>
#include <chrono>
#include <functional>

namespace chouette {

/// The wall clock: Unix time in seconds. Handed to each actor, so that tests can turn it.
using WallClock = std::function<double()>;

/// The machine's.
double wall_time();

/// How long to wait for the next tick of a timer that beats at wall-clock multiples of `period`
/// plus `offset`. In (0, period].
caf::timespan first_tick(double wall, std::chrono::seconds period, double offset);

/// The same, called at a tick: in (period/2, 1.5 period], so that a clock that is slewed or jumps
/// makes no two ticks of one and leaves no period out.
caf::timespan next_tick(double wall, std::chrono::seconds period, double offset);

}  // namespace chouette
