#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "http/http_client.hpp"
#include "intake/answer.hpp"
#include "intake/api_key.hpp"

namespace chouette {

/// Where payloads are delivered. For one thread; `post` blocks.
class Intake {
public:
  virtual ~Intake() = default;

  /// Posts a payload in zlib format and reads the answer.
  virtual Answer post(const std::string& deflated) = 0;
};

struct IntakeSettings {
  std::string url;  ///< Whole: DATADOG_URL/v1/series or DATADOG_LOGS_URL/v1/input.
  std::shared_ptr<ApiKey> api_key;
  std::chrono::milliseconds timeout;
  std::function<double()> wall;  ///< Unix time in seconds, to compare with the intake's.
};

/// Datadog's. The key travels in the DD-API-KEY header and nowhere else. Where it is refused, and
/// has been replaced since, the payload is posted once more at once.
class DatadogIntake : public Intake {
public:
  /// A request under way when `stop` is requested is given a moment to finish.
  DatadogIntake(IntakeSettings settings, std::stop_token stop);

  Answer post(const std::string& deflated) override;

private:
  Answer post_once(const std::string& deflated);

  IntakeSettings settings_;
  HttpClient client_;
};

}  // namespace chouette
