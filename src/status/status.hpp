#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics/losses.hpp"

namespace chouette {

/// What is known of an actor without which the agent is of no use.
struct ActorStatus {
  std::string name;
  double silent = 0;    ///< Seconds since it last answered.
  double patience = 0;  ///< Seconds of silence that may be: it may be waiting for the intake.

  bool alive() const { return silent <= patience; }
};

struct RedisStatus {
  bool reachable = false;
  std::string error;  ///< Why not; empty before the first attempt.
};

/// A queue in Redis. Nothing of it is known while Redis is away.
struct QueueStatus {
  std::string name;                  ///< One of `named_queues`.
  std::optional<std::size_t> depth;  ///< Records.
  std::optional<double> oldest;      ///< Unix time of the oldest record.
};

/// One of the two ways to the intake. Times are Unix times in seconds.
struct DeliveryStatus {
  std::string kind;  ///< metrics or logs.
  std::optional<double> last_release;
  std::optional<double> next_release;
  std::optional<double> last_success;  ///< When the intake last accepted something.
  std::string last_answer;             ///< "HTTP 202", "HTTP 403: Forbidden", "Connection refused".
  bool failing = false;                ///< The intake takes nothing: the queue stands still.
  std::uint64_t delivered = 0;         ///< Points or logs since the start.
  std::uint64_t bytes = 0;             ///< As sent, since the start.
};

/// What the intake says of the API key.
enum class KeyStatus : std::uint8_t { unknown, accepted, refused };

std::string_view to_string(KeyStatus status);

struct PluginStatus {
  std::string name;
  std::optional<double> last_success;  ///< Unix time of the last capture without a fault.
  std::optional<double> last_failure;
  std::vector<std::string> faults;  ///< Of the last capture.
  std::optional<double> duration;   ///< Seconds that the last answered capture took.
  std::uint64_t captures = 0;       ///< Asked for since the start.
  std::uint64_t failures = 0;
};

/// What the agent knows of itself at one moment.
struct Status {
  std::string version;
  double time = 0;    ///< Unix time.
  double uptime = 0;  ///< Seconds.
  std::vector<ActorStatus> actors;
  RedisStatus redis;
  std::vector<QueueStatus> queues;
  std::vector<DeliveryStatus> deliveries;
  KeyStatus key = KeyStatus::unknown;
  std::optional<double> clock_offset;  ///< Seconds that the device's clock is behind the intake's.
  std::vector<PluginStatus> plugins;
  LossCounts lost_metrics{};  ///< Since the start, by reason.
  LossCounts lost_logs{};

  /// All actors answer.
  bool alive() const;
  /// And Redis is reachable.
  bool ready() const { return alive() && redis.reachable; }
};

}  // namespace chouette
