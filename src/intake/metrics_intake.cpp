#include "intake/metrics_intake.hpp"

#include <utility>

namespace chouette {

DatadogMetricsIntake::DatadogMetricsIntake(IntakeSettings settings, std::stop_token stop)
    : settings_(std::move(settings)), client_(std::move(stop)) {}

Answer DatadogMetricsIntake::post(const std::string& deflated) {
  return read_answer(
      client_.perform({.method = "POST",
                       .url = settings_.url + "/v1/series",
                       .headers = {"Content-Type: application/json", "Content-Encoding: deflate",
                                   "DD-API-KEY: " + settings_.api_key.reveal()},
                       .body = deflated,
                       .timeout = settings_.timeout}));
}

}  // namespace chouette
