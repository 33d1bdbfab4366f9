#include "support/intake.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "support/wait.hpp"

namespace chouette::test {

namespace {

using nlohmann::json;

constexpr auto series_target = "/api/v1/series";
constexpr auto logs_target = "/v1/input";
constexpr auto validate_target = "/api/v1/validate";

HttpAnswer errors(int status, const std::string& error) {
  return {status, json{{"errors", {error}}}.dump()};
}

void check_key(const HttpRequest& http, const std::string& key, Violations& violations) {
  if (http.header("dd-api-key") != key) violations.emplace_back("DD-API-KEY is not the key");
  if (http.target.find("api_key") != std::string::npos ||
      http.target.find(key) != std::string::npos) {
    violations.push_back("an API key in the URL: " + http.target);
  }
  for (const auto& [name, value] : http.headers) {
    if (name != "dd-api-key" && value.find(key) != std::string::npos) {
      violations.push_back("the API key in another header: " + name);
    }
  }
}

void check_headers(const HttpRequest& http, Violations& violations) {
  if (http.version != "HTTP/1.1") violations.push_back("not HTTP/1.1: " + http.version);
  if (http.header("host").empty()) violations.emplace_back("no Host header");
  if (http.headers.count("transfer-encoding") != 0 || http.headers.count("content-length") == 0) {
    violations.emplace_back("no Content-Length");
  }
  const auto type = http.header("content-type");
  if (type.substr(0, type.find(';')) != "application/json") {
    violations.push_back("Content-Type is not application/json: " + type);
  }
  if (http.header("content-encoding") != "deflate") {
    violations.push_back("Content-Encoding is not deflate: " + http.header("content-encoding"));
  }
}

// Fills in the payload. The answer is for what cannot be read.
std::optional<HttpAnswer> read_payload(IntakeRequest& request, Violations& violations) {
  const auto most_raw = request.has_logs() ? most_log_bytes_raw : most_series_bytes_raw;
  if (request.sent_bytes > most_series_bytes_sent) {
    violations.push_back("payload too large as sent: " + std::to_string(request.sent_bytes));
    return errors(413, "Payload too large");
  }
  const auto raw = inflate_zlib(request.http.body, most_raw);
  if (!raw) {
    violations.emplace_back("body is not in zlib format, whole, with nothing behind it");
    return errors(400, "Bad Request");
  }
  request.raw_bytes = raw->size();
  if (raw->size() > most_raw) {
    violations.emplace_back("payload too large when decompressed");
    return errors(413, "Payload too large");
  }
  request.payload = json::parse(*raw, nullptr, false);
  if (request.payload.is_discarded()) {
    request.payload = nullptr;
    violations.push_back("body is not JSON: " + raw->substr(0, 200));
    return errors(400, "Bad Request");
  }
  return std::nullopt;
}

// A right answer to a request, and what is wrong with it.
HttpAnswer check(IntakeRequest& request, const std::string& key, Violations& violations) {
  const auto& http = request.http;
  check_key(http, key, violations);
  const bool has_key = http.header("dd-api-key") == key;
  if (http.target == validate_target && http.method == "GET") {
    return has_key ? HttpAnswer{200, R"({"valid":true})"} : errors(403, "Forbidden");
  }
  if (!request.has_metrics() && !request.has_logs()) {
    violations.push_back("no such resource: " + http.method + " " + http.target);
    return errors(404, "Not found");
  }
  check_headers(http, violations);
  const auto unreadable = read_payload(request, violations);
  if (!has_key) return errors(403, "Forbidden");
  if (unreadable) return *unreadable;

  const auto wrong = request.has_metrics() ? check_series_payload(request.payload)
                                           : check_logs_payload(request.payload);
  violations.insert(violations.end(), wrong.begin(), wrong.end());
  if (!violations.empty()) return errors(400, "Bad Request");
  return request.has_metrics() ? HttpAnswer{202, R"({"status": "ok"})"} : HttpAnswer{200, "{}"};
}

bool is_success(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

bool IntakeRequest::has_metrics() const {
  return http.method == "POST" && http.target == series_target;
}

bool IntakeRequest::has_logs() const {
  return http.method == "POST" && http.target == logs_target;
}

Intake::Intake(std::string api_key)
    : api_key_(std::move(api_key)),
      server_({[this] { return next_behaviour(); },
               [this](const HttpRequest& http, const Behaviour& behaviour) {
                 return treat(http, behaviour);
               }}) {}

std::string Intake::metrics_url() const {
  return logs_url() + "/api";
}

std::string Intake::logs_url() const {
  return "http://127.0.0.1:" + std::to_string(port());
}

void Intake::script(const std::vector<Behaviour>& behaviours) {
  const std::lock_guard lock(mutex_);
  script_.insert(script_.end(), behaviours.begin(), behaviours.end());
}

std::size_t Intake::scripted() const {
  const std::lock_guard lock(mutex_);
  return script_.size();
}

void Intake::set_judge(Judge judge) {
  const std::lock_guard lock(mutex_);
  judge_ = std::move(judge);
}

Behaviour Intake::next_behaviour() {
  const std::lock_guard lock(mutex_);
  Behaviour behaviour;
  if (!script_.empty()) {
    behaviour = std::move(script_.front());
    script_.pop_front();
    behaviour.scripted = true;
  }
  return behaviour;
}

Behaviour Intake::treat(const HttpRequest& http, const Behaviour& behaviour) {
  IntakeRequest request;
  request.http = http;
  request.sent_bytes = http.body.size();
  Violations violations;
  const auto right_answer = check(request, api_key_, violations);

  auto result = behaviour;
  if (!behaviour.scripted && violations.empty()) {
    Judge judge;
    {
      const std::lock_guard lock(mutex_);
      judge = judge_;
    }
    if (judge) result = judge(request);
  }
  if (!result.fixed) result.fixed = right_answer;
  // Where the next request begins is not known.
  if (http.headers.count("transfer-encoding") != 0) result.fixed->headers["Connection"] = "close";

  using Kind = Behaviour::Kind;
  const bool answered = result.kind == Kind::answer;
  const bool taken_in =
      answered || result.kind == Kind::lose_answer || result.kind == Kind::never_answer;
  request.status = answered ? result.fixed->status : 0;
  request.accepted =
      taken_in && is_success(result.fixed->status) && is_success(right_answer.status);

  const std::lock_guard lock(mutex_);
  violations_.insert(violations_.end(), violations.begin(), violations.end());
  if (request.accepted) accept(request);
  requests_.push_back(std::move(request));
  return result;
}

void Intake::accept(const IntakeRequest& request) {
  if (request.has_logs()) logs_.insert(logs_.end(), request.payload.begin(), request.payload.end());
  if (!request.has_metrics()) return;
  for (const auto& series : request.payload["series"]) {
    auto& points = series_[{series["metric"], joined_tags(series), series.value("host", "")}];
    for (const auto& point : series["points"]) {
      points[point[0]] = {point[1], series["type"], series.value("interval", std::int64_t{0})};
    }
  }
}

std::vector<IntakeRequest> Intake::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<IntakeRequest> Intake::metric_requests() const {
  auto all = requests();
  std::erase_if(all, [](const IntakeRequest& request) { return !request.has_metrics(); });
  return all;
}

std::vector<IntakeRequest> Intake::log_requests() const {
  auto all = requests();
  std::erase_if(all, [](const IntakeRequest& request) { return !request.has_logs(); });
  return all;
}

Violations Intake::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

Violations Intake::take_violations() {
  const std::lock_guard lock(mutex_);
  return std::exchange(violations_, {});
}

std::map<SeriesId, StoredPoints> Intake::series() const {
  const std::lock_guard lock(mutex_);
  return series_;
}

StoredPoints Intake::points(const std::string& metric, const std::vector<std::string>& tags) const {
  StoredPoints result;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, points] : series_) {
    const auto all_tags = "," + id.tags + ",";
    const auto has = [&](const std::string& tag) {
      return all_tags.find("," + tag + ",") != std::string::npos;
    };
    if (id.metric == metric && std::all_of(tags.begin(), tags.end(), has)) {
      result.insert(points.begin(), points.end());
    }
  }
  return result;
}

double Intake::sum(const std::string& metric) const {
  double sum = 0;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, points] : series_) {
    if (id.metric != metric) continue;
    for (const auto& [second, point] : points) sum += point.value;
  }
  return sum;
}

std::vector<json> Intake::logs() const {
  const std::lock_guard lock(mutex_);
  return logs_;
}

bool Intake::wait_until(const std::function<bool()>& holds,
                        std::chrono::milliseconds timeout) const {
  return eventually(holds, timeout);
}

}  // namespace chouette::test
