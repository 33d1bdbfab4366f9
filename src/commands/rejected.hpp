#pragma once

#include <iosfwd>

#include "queue/queue.hpp"

namespace chouette {

/// `chouette-iot rejected`: prints what the intake refused, a record a line: what it is, the
/// intake's answer, the record. False if Redis could not be read; then it says so on `errors`.
bool list_rejected(Queue& queue, std::ostream& out, std::ostream& errors);

/// `chouette-iot rejected --requeue`: puts all of it back into the queues that are sent.
bool requeue_rejected(Queue& queue, std::ostream& out, std::ostream& errors);

}  // namespace chouette
