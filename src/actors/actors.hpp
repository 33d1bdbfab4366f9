#pragma once

#include <caf/all.hpp>
#include <chouette/plugin.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "queue/batch.hpp"
#include "queue/packed_strings.hpp"
#include "queue/queue.hpp"

/// All messages and interfaces of the agent's actors. Messages never leave the process.
namespace chouette {

// Redis actor: owns all queue I/O.

struct Oldest {
  QueueName queue;
};
struct OldestRecord {
  std::optional<double> timestamp;
};
/// Raw records stamped before it are to be aggregated.
struct Take {
  double until;
};
/// The oldest bucket in which a queue has raw records within `among`.
struct ListBucket {
  Taken among;
  std::chrono::seconds interval;
  std::size_t limit;  ///< Of keys.
};
struct Bucket {
  TimeRange range{};
  PackedStrings keys;  ///< None: there is no such bucket.
};
struct Fetch {
  QueueName queue;
  PackedStrings keys;
  PackedStrings next = {};  ///< The keys of the next Fetch, if they are known already.
};
/// Keys and values in one go, for one who is busy meanwhile.
struct Read {
  QueueName queue;
  BatchRange range;
};
struct Replace {
  QueueName from;
  PackedStrings keys;
  QueueName to;
  Additions added;
};
struct Trim {
  QueueName queue;
  std::size_t keep;
};
struct AskSize {
  QueueName queue;
};
/// An answer that is a number of records.
struct RecordCount {
  std::size_t records;
};
struct AskSecondsTaken {
  std::int64_t bucket;
};
struct Expire {
  QueueName queue;
  double before;
};
struct ScanHashes {
  std::string pattern;
  std::string cursor;
};

// Cleaner: removes what is too old, on its own timer and when asked.

struct CleanUp {};
struct CleanedUp {};

// Plugin runner: captures when asked.

struct CaptureNow {
  std::int64_t now;  ///< Unix time of the points, in seconds.
};
struct Captured {
  Capture capture;
  std::chrono::duration<double> took;
};

/// An actor's own timer. Nobody else sends it but tests.
struct Tick {};

}  // namespace chouette

// The Redis actor's errors are the queue's; their context is the text for the log.
CAF_ERROR_CODE_ENUM(chouette::QueueErrc, "queue")

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::PackedStrings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Expired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Oldest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::OldestRecord)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Take)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::optional<chouette::Taken>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::ListBucket)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Bucket)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Fetch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Replace)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Trim)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::AskSize)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::RecordCount)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::SecondsTaken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::AskSecondsTaken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Expire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::ScanHashes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::HashSizes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::CleanUp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::CleanedUp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::CaptureNow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Captured)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chouette::Tick)

namespace chouette {

/// Owns all queue I/O. Each request is answered, at the latest after a few of its timeouts; an
/// error is a QueueErrc, and already logged.
using redis_actor = caf::typed_actor<
    caf::replies_to<Oldest>::with<OldestRecord>, caf::replies_to<Take>::with<std::optional<Taken>>,
    caf::replies_to<ListBucket>::with<Bucket>, caf::replies_to<Fetch>::with<PackedStrings>,
    caf::replies_to<Read>::with<Batch>, caf::reacts_to<Replace>,
    caf::replies_to<AskSecondsTaken>::with<SecondsTaken>, caf::replies_to<Expire>::with<Expired>,
    caf::replies_to<Trim>::with<RecordCount>, caf::replies_to<AskSize>::with<RecordCount>,
    caf::replies_to<ScanHashes>::with<HashSizes>>;

/// Removes what is older than its time to live. Answers when that is done, or could not be done.
using cleaner_actor = caf::typed_actor<caf::replies_to<CleanUp>::with<CleanedUp>>;

/// Takes closed buckets from the raw queue and puts their points into the wrapped queue.
using aggregator_actor = caf::typed_actor<caf::reacts_to<Tick>>;

/// Asks the plugins and stores what they capture.
using collector_actor = caf::typed_actor<caf::reacts_to<Tick>>;

/// Runs one plugin on a thread of its own. Ends with an error if the plugin throws.
using plugin_actor = caf::typed_actor<caf::replies_to<CaptureNow>::with<Captured>>;

/// Delivers a queue to its intake, on a thread of its own.
using sender_actor = caf::typed_actor<caf::reacts_to<Tick>>;

}  // namespace chouette
