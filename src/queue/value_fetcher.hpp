#pragma once

#include <cstddef>
#include <list>
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

  /// Asks for more of what will be wanted next, to be read when its turn comes.
  QueueResult<void> ask_ahead(RedisConnection& connection);

  /// Only where the connection has no answer under way, or is lost. To be called then, and when the
  /// values ahead may not be asked for soon.
  void forget() { windows_.clear(); }

private:
  struct Window {
    QueueName queue;
    PackedStrings keys;
    PackedStrings values = {};
    std::size_t asked = 0;     ///< For how many of the keys.
    std::size_t answered = 0;  ///< For how many of them.
    std::optional<QueueError> refusal = {};
  };

  QueueResult<void> ask_pieces(RedisConnection& connection, std::size_t most_under_way);

  std::list<Window> windows_;  ///< The one that is fetched, or will be, and the next.
};

}  // namespace chouette
