#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace chouette {

/// How long to wait before an intake that did not answer, or asked for patience, is tried again.
///
/// Doubles with each failure in a row, and picks each wait at random between nearly nothing and
/// that, also once the cap is reached: devices of a fleet that failed together come back apart.
class Backoff {
public:
  /// The same `seed` gives the same waits, so it is to differ between devices. `base` bounds the
  /// wait after the first failure, `cap` all of them.
  explicit Backoff(std::uint64_t seed,
                   std::chrono::milliseconds base = std::chrono::milliseconds{2000},
                   std::chrono::milliseconds cap = std::chrono::milliseconds{64000});

  /// The wait after one more failure: 250 ms or more, up to `base` doubled with each failure in a
  /// row before, or `cap`. If the intake `asked` for a time, that comes on top, in [0, 1 hour].
  std::chrono::milliseconds failed(std::optional<std::chrono::seconds> asked = {});

  /// Ends the row of failures.
  void succeeded();

private:
  std::mt19937_64 random_;
  std::chrono::milliseconds cap_;
  std::chrono::milliseconds base_;
  std::chrono::milliseconds limit_;
};

}  // namespace chouette
