#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/actors.hpp"
#include "actors/clock.hpp"
#include "intake/backoff.hpp"
#include "intake/deflate.hpp"
#include "intake/halving.hpp"
#include "intake/intake.hpp"
#include "intake/payload.hpp"
#include "logging/fault.hpp"
#include "metrics/losses.hpp"
#include "metrics/self_metrics.hpp"
#include "queue/clock_history.hpp"
#include "status/status_board.hpp"

namespace chouette {

struct SenderSettings {
  std::string name;  ///< For the log: MetricsSender.
  std::string kind;  ///< What is sent: metrics or logs.
  QueueName queue;
  QueueName rejected;
  std::function<std::unique_ptr<Payload>(Restamp restamp)> make_payload;
  std::shared_ptr<Intake> intake;
  std::chrono::seconds interval;
  double offset = 0;  ///< Seconds; keeps a fleet from posting in the same second.
  std::size_t bulk_size = 0;
  std::chrono::seconds time_to_live{14400};  ///< Of records; so long a jump of the clock matters.
  bool self_metrics = false;
  std::shared_ptr<LossBook> losses = std::make_shared<LossBook>();
  std::shared_ptr<StatusBoard> board = std::make_shared<StatusBoard>();
  std::uint64_t seed = 0;  ///< Of the jitter.
  WallClock wall = wall_time;
};

struct SenderState {
  static inline const char* name = "sender";

  /// What the release under way has done so far.
  struct Release {
    ReleaseReport report;
    std::size_t delivered = 0;  ///< The agent's own metrics too.
    std::size_t requests = 0;
    bool ending = false;  ///< Nothing more is read, sent or removed.
  };

  SenderSettings settings;
  redis_actor redis;
  cleaner_actor cleaner;
  Losses* losses = nullptr;  ///< Those of settings.kind.
  std::optional<Backoff> backoff;
  std::optional<ClockHistory> clocks;
  Throttle throttle;
  Fault fault;
  Fault clock_unset;
  Fault clock_wrong;

  bool busy = false;                                       ///< A release is under way.
  std::optional<caf::actor_clock::time_point> not_before;  ///< After a failure: the next try.
  Release release;
  std::unique_ptr<Payload> payload;   ///< Empty between two requests.
  std::optional<Deflater> deflater;   ///< Once something is sent, until the release ends.
  Batch batch;                        ///< What is being sent and removed.
  Halving halving{0};                 ///< What of it to send next.
  std::size_t delivered_from = 0;     ///< Its records from here on were delivered as a trial.
  Batch ahead;                        ///< What comes after it, once that is read.
  bool reading = false;               ///< It is not read yet.
  std::size_t changes = 0;            ///< Removals of what was sent, and the like, under way.
  std::size_t rejected_in_a_row = 0;  ///< Since the intake last accepted something.
};

/// The end of a wait after a failure.
struct TryAgain {};

}  // namespace chouette

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::TryAgain)

namespace chouette {

using sender_impl = sender_actor::extend<caf::reacts_to<TryAgain>>;

/// Spawn it detached: its requests block.
sender_impl::behavior_type sender(sender_impl::stateful_pointer<SenderState> self,
                                  redis_actor redis, cleaner_actor cleaner,
                                  SenderSettings settings);

}  // namespace chouette
