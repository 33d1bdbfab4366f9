#include "http/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "version.hpp"

namespace chouette {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t body_limit = 64UL * 1024;

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void initialise_curl() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(result);
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& body = static_cast<HttpResponse*>(user)->body;
  const auto length = size * count;
  body.append(data, std::min(length, body_limit - std::min(body_limit, body.size())));
  return length;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  return begin == std::string_view::npos
             ? std::string_view{}
             : text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& headers = static_cast<HttpResponse*>(user)->headers;
  const std::string_view line(data, size * count);
  if (line.rfind("HTTP/", 0) == 0) {
    headers.clear();  // A proxy's answer or "100 Continue" stood before.
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(trimmed(line.substr(0, colon)));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    headers[name] = trimmed(line.substr(colon + 1));
  }
  return line.size();
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  curl_easy_setopt(easy, option, value);
}

}  // namespace

struct HttpClient::Handles {
  std::unique_ptr<CURLM, FreeMulti> multi;
  std::unique_ptr<CURL, FreeEasy> easy;
  std::stop_token stop;
  std::chrono::milliseconds grace;

  void prepare(const HttpRequest& request, const curl_slist* headers, HttpResponse& response,
               std::array<char, CURL_ERROR_SIZE>& error) const;
  std::optional<CURLcode> run() const;
};

HttpClient::HttpClient(std::stop_token stop, std::chrono::milliseconds grace) {
  initialise_curl();
  handles_ = std::make_unique<Handles>(
      Handles{.multi = std::unique_ptr<CURLM, FreeMulti>(curl_multi_init()),
              .easy = std::unique_ptr<CURL, FreeEasy>(curl_easy_init()),
              .stop = std::move(stop),
              .grace = grace});
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

void HttpClient::Handles::prepare(const HttpRequest& request, const curl_slist* headers,
                                  HttpResponse& response,
                                  std::array<char, CURL_ERROR_SIZE>& error) const {
  auto* handle = easy.get();
  curl_easy_reset(handle);  // Keeps connections and TLS sessions.
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_HTTPHEADER, headers);
  set(handle, CURLOPT_USERAGENT, (std::string("chouette-iot/") + version).c_str());
  if (request.method == "POST") {
    set(handle, CURLOPT_POST, 1L);
    set(handle, CURLOPT_POSTFIELDS, request.body.data());
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  } else {
    set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle, CURLOPT_ERRORBUFFER, error.data());
  set(handle, CURLOPT_WRITEFUNCTION, on_body);
  set(handle, CURLOPT_WRITEDATA, &response);
  set(handle, CURLOPT_HEADERFUNCTION, on_header);
  set(handle, CURLOPT_HEADERDATA, &response);
}

/// Drives the request to its end; nothing if it was given up because of `stop`.
std::optional<CURLcode> HttpClient::Handles::run() const {
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi.get()); });
  std::optional<Clock::time_point> give_up;
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) {
      return CURLE_FAILED_INIT;
    }
    int queued = 0;
    if (const auto* message = curl_multi_info_read(multi.get(), &queued)) {
      return message->data.result;
    }
    if (stop.stop_requested() && !give_up) {
      give_up = Clock::now() + grace;
    }
    std::chrono::milliseconds wait{1000};
    if (give_up) {
      wait = std::chrono::duration_cast<std::chrono::milliseconds>(*give_up - Clock::now());
      if (wait.count() <= 0) {
        return std::nullopt;
      }
    }
    curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
}

tl::expected<HttpResponse, HttpError> HttpClient::perform(const HttpRequest& request) {
  if (handles_->stop.stop_requested()) {
    return tl::unexpected(HttpError{"the agent is stopping", true});
  }
  std::unique_ptr<curl_slist, FreeList> headers;
  // No "Expect: 100-continue": it costs a round trip, and some gateways do not answer it.
  headers.reset(curl_slist_append(nullptr, "Expect:"));
  for (const auto& header : request.headers) {
    curl_slist_append(headers.get(), header.c_str());
  }
  HttpResponse response;
  std::array<char, CURL_ERROR_SIZE> error{};
  handles_->prepare(request, headers.get(), response, error);
  curl_multi_add_handle(handles_->multi.get(), handles_->easy.get());
  const auto result = handles_->run();
  curl_multi_remove_handle(handles_->multi.get(), handles_->easy.get());
  if (!result) {
    return tl::unexpected(HttpError{"given up, for the agent is stopping", true});
  }
  if (*result != CURLE_OK) {
    const std::string_view detail(error.data());
    return tl::unexpected(
        HttpError{detail.empty() ? curl_easy_strerror(*result) : std::string(detail), false});
  }
  long status = 0;
  curl_easy_getinfo(handles_->easy.get(), CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

}  // namespace chouette
