#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "http/http_client.hpp"
#include "intake/answer.hpp"
#include "logging/secret.hpp"

namespace chouette {

/// Where series are delivered. For one thread; `post` blocks.
class MetricsIntake {
public:
  virtual ~MetricsIntake() = default;

  /// Posts a payload in zlib format and reads the answer.
  virtual Answer post(const std::string& deflated) = 0;
};

struct IntakeSettings {
  std::string url;  ///< DATADOG_URL, without a trailing slash.
  Secret api_key;
  std::chrono::milliseconds timeout;
};

/// POST <url>/v1/series. The key travels in the DD-API-KEY header and nowhere else.
class DatadogMetricsIntake : public MetricsIntake {
public:
  /// A request under way when `stop` is requested is given a moment to finish.
  DatadogMetricsIntake(IntakeSettings settings, std::stop_token stop);

  Answer post(const std::string& deflated) override;

private:
  IntakeSettings settings_;
  HttpClient client_;
};

}  // namespace chouette
