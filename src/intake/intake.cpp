#include "intake/intake.hpp"

#include <utility>

#include "intake/retry_after.hpp"

namespace chouette {

DatadogIntake::DatadogIntake(IntakeSettings settings, std::stop_token stop)
    : settings_(std::move(settings)), client_(std::move(stop)) {}

Answer DatadogIntake::post(const std::string& deflated) {
  auto answer = post_once(deflated);
  // A file that cannot be read now is no news: the refusal is said already.
  if (answer.verdict == Verdict::key_refused && settings_.api_key->refresh().value_or(false)) {
    answer = post_once(deflated);
  }
  return answer;
}

Answer DatadogIntake::post_once(const std::string& deflated) {
  const auto result =
      client_.perform({.method = "POST",
                       .url = settings_.url,
                       .headers = {"Content-Type: application/json", "Content-Encoding: deflate",
                                   "DD-API-KEY: " + settings_.api_key->get().reveal()},
                       .body = deflated,
                       .timeout = settings_.timeout});
  auto answer = read_answer(result);
  if (result) {
    const auto now = settings_.wall();
    answer.retry_after = retry_after(*result, now);
    answer.clock_offset = clock_offset(*result, now);
  }
  return answer;
}

}  // namespace chouette
