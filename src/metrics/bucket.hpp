#pragma once

#include <chrono>

#include "queue/queue.hpp"

namespace chouette {

/// How long after its end a bucket stays open, so that a metric stamped just before the end and
/// stored just after is not late: 1 s, or a quarter of a short interval.
double closing_grace(std::chrono::seconds interval);

/// The end of the latest closed bucket at `now`: everything stamped before it may be aggregated.
/// Times are Unix times in seconds.
double closed_before(double now, std::chrono::seconds interval);

/// The bucket that `timestamp` lies in. All time before 1970 is one bucket, for out there a bucket
/// of a few seconds is smaller than the distance between two doubles.
TimeRange bucket_of(double timestamp, std::chrono::seconds interval);

}  // namespace chouette
