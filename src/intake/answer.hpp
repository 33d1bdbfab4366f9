#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "http/http_client.hpp"

namespace chouette {

/// What an intake's answer means for the records that were sent.
enum class Verdict {
  accepted,         ///< 2xx: they are delivered and may be deleted.
  records_refused,  ///< 400: at least one of them will never be taken.
  too_large,        ///< 413: the same records in smaller requests may be taken.
  key_refused,      ///< 401, 403: nothing will be taken before a person changes the key.
  try_later,        ///< Any other answer, or none: keep them and try again.
  stopping,         ///< The request was given up because the process is to stop.
};

struct Answer {
  Verdict verdict = Verdict::try_later;
  std::string reason;  ///< For the log, one line: "HTTP 403: Forbidden", "Connection refused".
  std::optional<std::chrono::seconds> retry_after = {};  ///< How long the intake asks to wait.
  std::optional<double> clock_offset = {};  ///< Seconds that the device's clock is behind.
};

/// Reads an answer of a Datadog intake (v1 API).
Answer read_answer(const tl::expected<HttpResponse, HttpError>& result);

}  // namespace chouette
