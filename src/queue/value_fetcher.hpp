#pragma once

#include <cstddef>
#include <optional>

#include "queue/packed_strings.hpp"
#include "queue/queue.hpp"
#include "queue/redis_connection.hpp"

namespace chouette {

/// `Queue::fetch` on a connection, on which Redis always has something to look for.
class ValueFetcher {
public:
  QueueResult<PackedStrings> fetch(RedisConnection& connection, QueueName queue,
                                   const PackedStrings& keys, const PackedStrings& next = {});

  /// True if the connection has no answer under way.
  bool settled() const { return !ahead_ || ahead_->under_way() == 0; }

  /// Reads the answers under way, so that something else can be asked.
  QueueResult<void> settle(RedisConnection& connection);

  /// Only where no answer is under way, or the connection is lost. To be called then, and when the
  /// values ahead may not be asked for soon.
  void forget() { ahead_.reset(); }

private:
  struct Fetching {
    QueueName queue;
    PackedStrings keys;
    PackedStrings values = {};
    std::size_t asked = 0;     ///< For how many of the keys.
    std::size_t answered = 0;  ///< For how many of them.
    std::optional<QueueError> refusal = {};

    std::size_t under_way() const { return asked - answered; }
    bool complete() const { return answered == keys.size(); }
  };

  static QueueResult<void> ask_pieces(RedisConnection& connection, Fetching& now, Fetching& then);
  static QueueResult<void> receive_piece(RedisConnection& connection, Fetching& fetching);

  std::optional<Fetching> ahead_;
};

}  // namespace chouette
