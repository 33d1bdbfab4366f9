#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace chouette {

/// Why a record ended without being delivered.
enum class LossReason : std::uint8_t { expired, malformed, unsupported, rejected, overflow };
inline constexpr std::size_t loss_reasons = 5;

std::string_view to_string(LossReason reason);

/// What was lost, by reason.
using LossCounts = std::array<std::uint64_t, loss_reasons>;

/// Counts what is lost, from all actors; a sender takes the counts and tells them. Thread-safe.
class Losses {
public:
  void add(LossReason reason, std::uint64_t count);

  /// The counts since they were last taken.
  LossCounts take();

  /// They could not be told.
  void give_back(const LossCounts& counts);

  /// All counts since the start, taken or not.
  LossCounts total() const;

private:
  mutable std::mutex mutex_;
  LossCounts counts_{};
  LossCounts total_{};
};

/// The losses of metrics and those of logs.
struct LossBook {
  Losses metrics;
  Losses logs;
};

}  // namespace chouette
