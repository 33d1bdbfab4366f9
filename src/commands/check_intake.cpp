#include "commands/check_intake.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "intake/answer.hpp"
#include "intake/retry_after.hpp"
#include "logging/fault.hpp"
#include "queue/clock_history.hpp"

namespace chouette {
namespace {

constexpr auto metrics_subject = "Intake";
constexpr auto logs_subject = "Logs intake";
constexpr auto clock_subject = "Clock";
/// A clock that is off by less is well.
constexpr double clock_tolerance = 60;
/// Datadog drops points without a word that are further ahead, or longer ago.
constexpr double furthest_ahead = 600;
constexpr double longest_ago = 3600;

enum HttpStatus : std::uint16_t {
  success = 200,
  redirect = 300,
  bad_request = 400,
  unauthorized = 401,
  forbidden = 403,
  not_found = 404,
  proxy_key_needed = 407,
  server_error = 500,
};

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Whether `text` contains one of `parts`.
bool has(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

/// By libcurl's words; those that are not known get a general answer.
std::string advice_for_no_answer(std::string_view message) {
  if (has(message, {"proxy"})) {
    return "Check HTTPS_PROXY and NO_PROXY, and whether the proxy lets this device through.";
  }
  if (has(message, {"resolve"})) {
    return "Does this device have a name server (/etc/resolv.conf), and is the URL spelled right?";
  }
  if (has(message, {"certificate", "SSL", "TLS"})) {
    return "Install the package ca-certificates and check the clock. If a proxy reads along, its "
           "CA must be among the system's.";
  }
  if (has(message, {"timed out", "timeout"})) {
    return "Something on the way drops packets: check the link, the firewall and HTTPS_PROXY.";
  }
  return "Check the link, the firewall, HTTPS_PROXY and the URL. The agent keeps everything in "
         "Redis meanwhile.";
}

bool is_valid(const std::string& body) {
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  return answer.is_object() && answer.value("valid", nlohmann::json()) == true;
}

/// What is wrong with an answer whatever was asked; none if nothing is.
std::optional<Finding> judge_way(const char* subject, const HttpResult& result,
                                 const std::string& url) {
  if (!result) {
    return Finding{Level::failed, subject, url + ": " + result.error().message,
                   advice_for_no_answer(result.error().message)};
  }
  const auto status = result->status;
  const auto text = url + ": " + read_answer(result).reason;
  if (status == proxy_key_needed) {
    return Finding{Level::failed, subject, text, advice_for_no_answer("proxy")};
  }
  if (status >= redirect && status < bad_request) {
    return Finding{Level::failed, subject, text,
                   "Redirects are not followed, for the key must reach no other host: set the URL "
                   "of the intake itself."};
  }
  if (status >= server_error) {
    return Finding{Level::failed, subject, text,
                   "The intake, or a proxy before it, has a fault: try again later. The agent "
                   "keeps everything in Redis meanwhile."};
  }
  return std::nullopt;
}

std::string duration(double seconds) {
  return to_text(std::chrono::seconds{std::llround(seconds)});
}

}  // namespace

Finding judge_key(const HttpResult& result, const std::string& url, bool with_key) {
  if (auto finding = judge_way(metrics_subject, result, url)) return *finding;
  const auto status = result->status;
  if (!with_key) return {Level::ok, metrics_subject, url + " answers; there is no key to check"};
  const auto text = url + ": " + read_answer(result).reason;
  if (status == success && is_valid(result->body)) {
    return {Level::ok, metrics_subject, url + " accepts the API key"};
  }
  if (status == success) {
    return {Level::failed, metrics_subject, text,
            "This is no answer of Datadog's: check DATADOG_URL, and whether a portal or proxy "
            "answers in its place."};
  }
  if (status == unauthorized || status == forbidden) {
    return {Level::failed, metrics_subject,
            url + " refuses the API key (HTTP " + std::to_string(status) + ")",
            "Check API_KEY: an API key, not an application key, and of the organisation at this "
            "site (DD_SITE)."};
  }
  if (status == not_found) {
    return {Level::warning, metrics_subject, text,
            "It answers, but cannot check keys. DATADOG_URL of Datadog's own ends in /api."};
  }
  return {Level::warning, metrics_subject, text, "The key could not be checked: try again later."};
}

Finding judge_logs(const HttpResult& result, const std::string& url) {
  if (auto finding = judge_way(logs_subject, result, url)) return *finding;
  return {Level::ok, logs_subject, url + " answers"};
}

Finding judge_clock(double now, std::optional<double> offset) {
  if (now < earliest_credible_time) {
    return {Level::failed, clock_subject, "it is not set: it shows a time before 2024",
            "Nothing is sent before it is: check NTP (timedatectl), or set it by hand."};
  }
  if (!offset) return {Level::ok, clock_subject, "it is set; not compared with the intake's"};
  const auto away = std::abs(*offset);
  if (away <= clock_tolerance) {
    return {Level::ok, clock_subject, "it agrees with the intake's to a minute"};
  }
  const auto dropped = -*offset > furthest_ahead || *offset > longest_ago;
  return {dropped ? Level::failed : Level::warning, clock_subject,
          "it is " + duration(away) + (*offset > 0 ? " behind" : " ahead of") + " the intake's",
          std::string(dropped ? "Datadog drops points with such times without a word. "
                              : "Points appear at a wrong time. ") +
              "Check NTP (timedatectl)."};
}

Findings check_intake(const IntakeToCheck& intake) {
  std::vector<HttpRequest> requests;
  if (!intake.metrics_url.empty()) {
    HttpRequest request{.method = "GET",
                        .url = intake.metrics_url + "/v1/validate",
                        .headers = {},
                        .timeout = intake.timeout};
    if (!intake.api_key.empty()) {
      request.headers.push_back("DD-API-KEY: " + intake.api_key.reveal());
    }
    requests.push_back(std::move(request));
  }
  if (!intake.logs_url.empty()) {
    requests.push_back({.method = "GET",
                        .url = intake.logs_url + "/v1/input",
                        .headers = {},
                        .timeout = intake.timeout});
  }
  HttpClient client({});
  const auto results = client.perform_all(requests);
  const auto now = wall_time();
  Findings findings;
  std::optional<double> offset;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto is_metrics = i == 0 && !intake.metrics_url.empty();
    findings.push_back(is_metrics
                           ? judge_key(results[i], intake.metrics_url, !intake.api_key.empty())
                           : judge_logs(results[i], intake.logs_url));
    if (results[i] && !offset) offset = clock_offset(*results[i], now);
  }
  findings.push_back(judge_clock(now, offset));
  return findings;
}

}  // namespace chouette
