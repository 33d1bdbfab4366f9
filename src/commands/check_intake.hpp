#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "commands/finding.hpp"
#include "http/http_client.hpp"
#include "logging/secret.hpp"

namespace chouette {

/// Where to look, as far as the settings are right.
struct IntakeToCheck {
  std::string metrics_url;  ///< DATADOG_URL; empty: not asked.
  std::string logs_url;     ///< DATADOG_LOGS_URL; empty: not asked.
  Secret api_key;           ///< Empty: only whether the intake answers.
  std::chrono::milliseconds timeout{10000};
};

/// What the answer to GET v1/validate says about the key and the way there.
Finding judge_key(const HttpResult& result, const std::string& url, bool with_key);

/// Whether the intake for logs can be reached: it may answer anything.
Finding judge_logs(const HttpResult& result, const std::string& url);

/// `now`: the device's Unix time in seconds. `offset`: by how many seconds that is behind the
/// intake's clock, if that is known.
Finding judge_clock(double now, std::optional<double> offset);

/// Asks both side by side, and compares clocks. Sends nothing but the key, to the metrics' alone.
Findings check_intake(const IntakeToCheck& intake);

}  // namespace chouette
