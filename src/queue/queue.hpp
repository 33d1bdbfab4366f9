#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "queue/packed_strings.hpp"

namespace chouette {

/// A queue in Redis: a sorted set of record keys by Unix time and a hash of their JSON texts.
struct QueueName {
  std::string_view keys;    ///< Redis key of the sorted set: record key -> timestamp.
  std::string_view values;  ///< Redis key of the hash: record key -> JSON.

  bool operator==(const QueueName&) const = default;
};

inline constexpr QueueName raw_metrics{"chouette:metrics:raw.keys", "chouette:metrics:raw.values"};
/// Raw metrics that are set aside to be aggregated: see `Queue::take`.
inline constexpr QueueName raw_taken{"chouette:metrics:raw.taken.keys",
                                     "chouette:metrics:raw.taken.values"};
/// Redis key of a timestamp: what of `raw_taken` lies before it is aggregated already.
inline constexpr std::string_view taken_until_key = "chouette:metrics:raw.taken.until";

inline constexpr QueueName wrapped_metrics{"chouette:metrics:wrapped.keys",
                                           "chouette:metrics:wrapped.values"};
inline constexpr QueueName wrapped_logs{"chouette:logs:wrapped.keys",
                                        "chouette:logs:wrapped.values"};

/// What the intake will never take, kept for people to look at.
inline constexpr QueueName rejected_metrics{"chouette:metrics:rejected.keys",
                                            "chouette:metrics:rejected.values"};
inline constexpr QueueName rejected_logs{"chouette:logs:rejected.keys",
                                         "chouette:logs:rejected.values"};

/// Why a queue could not do what it was asked.
enum class QueueErrc : std::uint8_t {
  unreachable = 1,  ///< No connection, or it broke, or no answer in time.
  refused,          ///< The server answered, with an error: AUTH, OOM, LOADING, READONLY, ...
  wrong_type,       ///< A queue's key holds something else than a sorted set or a hash.
};

struct QueueError {
  QueueErrc code;
  std::string message;  ///< For the log: one line, no secrets.
};

template <class T>
using QueueResult = tl::expected<T, QueueError>;

/// A record to be stored. As it brings its key along, storing it twice stores it once.
struct NewRecord {
  std::string key;    ///< A random UUID: `make_record_key()`.
  double timestamp;   ///< Unix time in seconds: the record's score.
  std::string value;  ///< JSON.
};

/// A random (version 4) UUID. Thread-safe.
std::string make_record_key();

/// Timestamps `from <= t < to`; an infinite end is part of the range.
struct TimeRange {
  double from;
  double to;

  bool contains(double timestamp) const {
    return timestamp >= from && (timestamp < to || to == std::numeric_limits<double>::infinity());
  }

  bool operator==(const TimeRange&) const = default;
};

inline constexpr TimeRange all_time{-std::numeric_limits<double>::infinity(),
                                    std::numeric_limits<double>::infinity()};

/// What expiring a queue removed.
struct Expired {
  std::size_t records = 0;  ///< Older than asked.
  std::size_t halves = 0;   ///< Values whose key is missing.
  std::size_t left = 0;     ///< Keys that are left, besides those that came meanwhile.
};

/// The most that one call of `expire` removes.
inline constexpr std::size_t expire_batch = 10000;

/// In which seconds series have points: marks of a series and a second each, kept in sets by
/// bucket. A set lives for an hour after it was last added to: Datadog drops what is older.
struct SecondsTaken {
  std::int64_t bucket;              ///< Unix time at which the bucket begins.
  std::vector<std::int64_t> marks;  ///< Hashes: equal for equal series and second.
};
inline constexpr std::string_view seconds_prefix = "chouette:metrics:seconds:";
inline constexpr std::chrono::seconds seconds_lifetime{3600};

/// What `replace` adds, in one transaction with what it removes.
struct Additions {
  std::vector<NewRecord> records;
  std::vector<SecondsTaken> seconds = {};
  /// From now on the records of `raw_taken` before it count as removed.
  std::optional<double> taken_until = {};
};

/// Raw records to be aggregated: those of `range` in `queue`.
struct Taken {
  QueueName queue;  ///< `raw_metrics`, or `raw_taken`: nobody else adds records to that one.
  TimeRange range;

  bool operator==(const Taken&) const = default;
};

/// Hashes in Redis, beside the queues, and how many fields each has.
struct HashSizes {
  struct Hash {
    std::string key;
    std::size_t fields;

    bool operator==(const Hash&) const = default;
  };
  std::vector<Hash> hashes;
  std::string cursor;  ///< Where to go on; "0" at the end.
};

/// The storage between applications and the intake. Each call either happens as a whole or not at
/// all; after an `unreachable` error it may have happened, and repeating it with the same records
/// does no harm. Called from one thread at a time.
class Queue {
public:
  virtual ~Queue() = default;

  /// The timestamp of the oldest record within `range`; none if there is no such record.
  virtual QueueResult<std::optional<double>> oldest(QueueName queue,
                                                    TimeRange range = all_time) = 0;

  /// Keys of at most `limit` records within `range`, oldest first, without the `skip` oldest.
  virtual QueueResult<PackedStrings> list(QueueName queue, TimeRange range, std::size_t limit,
                                          std::size_t skip = 0) = 0;

  /// The values of `keys`, in their order; absent where a key has no value. Those of `next`, if it
  /// is the `keys` of the next call of `fetch`, may be looked for meanwhile.
  virtual QueueResult<PackedStrings> fetch(QueueName queue, const PackedStrings& keys,
                                           const PackedStrings& next = {}) = 0;

  /// Adds `records`.
  virtual QueueResult<void> store(QueueName queue, const std::vector<NewRecord>& records) = 0;

  /// Removes `keys` from `from`, adds records to `to` and marks seconds, in one transaction.
  virtual QueueResult<void> replace(QueueName from, const PackedStrings& keys, QueueName to,
                                    const Additions& added) = 0;

  /// Where the raw records before `until` are to be read and removed; nothing if there are none. To
  /// be called again when they are aggregated, and after a failure or a restart. Where they are
  /// many, both keys of the queue become those of `raw_taken`, which saves their removal one by
  /// one, and what is younger is put back; if that needs more than one call, `range` is empty
  /// meanwhile.
  virtual QueueResult<std::optional<Taken>> take(double until) = 0;

  /// The marks of the bucket that begins at `bucket`.
  virtual QueueResult<std::vector<std::int64_t>> seconds_taken(std::int64_t bucket) = 0;

  /// Removes `keys`; those that are gone already do not matter.
  virtual QueueResult<void> remove(QueueName queue, const PackedStrings& keys) = 0;

  /// Removes what is older than `before`, up to `expire_batch` records, and values that had no key
  /// in two calls in a row.
  virtual QueueResult<Expired> expire(QueueName queue, double before) = 0;

  /// Removes the oldest records beyond `keep`, up to `expire_batch` of them; returns how many.
  virtual QueueResult<std::size_t> trim(QueueName queue, std::size_t keep) = 0;

  /// How many records wait; of `raw_metrics` also those that are set aside.
  virtual QueueResult<std::size_t> size(QueueName queue) = 0;

  /// One step through all keys, from `cursor`, "0" at first: the hashes among some thousand of them
  /// whose keys match the glob `pattern`. From "0" to "0" each hash that is there throughout comes
  /// up, maybe repeatedly. What is no hash is left out.
  virtual QueueResult<HashSizes> hash_sizes(const std::string& pattern,
                                            const std::string& cursor) = 0;
};

}  // namespace chouette
