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

/// So many connections at a time; further requests wait, within their timeouts.
constexpr long connection_limit = 64;

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

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  return begin == std::string_view::npos
             ? std::string_view{}
             : text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  curl_easy_setopt(easy, option, value);
}

/// One request under way.
struct Exchange {
  std::unique_ptr<CURL, FreeEasy> easy{curl_easy_init()};
  std::unique_ptr<curl_slist, FreeList> headers;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::size_t body_limit = 0;
  HttpResponse response;
  std::optional<CURLcode> outcome;

  void prepare(const HttpRequest& request);
  /// `driven` tells why it has not come to its end, if it has not.
  HttpResult result(CURLMcode driven);
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  auto& body = exchange.response.body;
  const auto length = size * count;
  const auto room = exchange.body_limit - body.size();
  body.append(data, std::min(length, room));
  exchange.response.cut_off |= length > room;
  return length;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& headers = static_cast<Exchange*>(user)->response.headers;
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

void set_tls(CURL* handle, const TlsSettings& tls) {
  set(handle, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set(handle, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.ca.empty()) {
    set(handle, CURLOPT_CAINFO, tls.ca.c_str());
    set(handle, CURLOPT_CAPATH, nullptr);  // Or the system's would be trusted besides.
  }
  if (!tls.certificate.empty()) {
    set(handle, CURLOPT_SSLCERT, tls.certificate.c_str());
    set(handle, CURLOPT_SSLKEY, tls.key.c_str());
    set(handle, CURLOPT_KEYPASSWD, "");  // Or OpenSSL asks the terminal for that of a locked key.
  }
}

void Exchange::prepare(const HttpRequest& request) {
  auto* handle = easy.get();
  curl_easy_reset(handle);
  error = {};
  response = {};
  outcome.reset();
  body_limit = request.body_limit;
  // No "Expect: 100-continue": it costs a round trip, and some gateways do not answer it.
  headers.reset(curl_slist_append(nullptr, "Expect:"));
  // Nor "Accept: */*", which says what none at all says, at each request.
  curl_slist_append(headers.get(), "Accept:");
  for (const auto& header : request.headers) {
    curl_slist_append(headers.get(), header.c_str());
  }
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_HTTPHEADER, headers.get());
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
  // A name server that does not answer must not outlast the timeout, nor hold up a stop.
  set(handle, CURLOPT_QUICK_EXIT, 1L);
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set_tls(handle, request.tls);
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  if (!request.unix_socket.empty()) {
    set(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  }
  if (request.direct || !request.unix_socket.empty()) {
    set(handle, CURLOPT_PROXY, "");
  }
  set(handle, CURLOPT_ERRORBUFFER, error.data());
  set(handle, CURLOPT_WRITEFUNCTION, on_body);
  set(handle, CURLOPT_WRITEDATA, this);
  set(handle, CURLOPT_HEADERFUNCTION, on_header);
  set(handle, CURLOPT_HEADERDATA, this);
  set(handle, CURLOPT_PRIVATE, this);
}

HttpResult Exchange::result(CURLMcode driven) {
  if (!outcome && driven != CURLM_OK) {
    return tl::unexpected(HttpError{curl_multi_strerror(driven), false});
  }
  if (!outcome) {
    return tl::unexpected(HttpError{"given up, for the agent is stopping", true});
  }
  if (*outcome != CURLE_OK) {
    const std::string_view detail(error.data());
    return tl::unexpected(
        HttpError{detail.empty() ? curl_easy_strerror(*outcome) : std::string(detail), false});
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return std::move(response);
}

/// That of the transfer that has ended.
Exchange& exchange_of(CURL* easy) {
  char* exchange = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
  return *static_cast<Exchange*>(static_cast<void*>(exchange));
}

}  // namespace

struct HttpClient::Handles {
  std::unique_ptr<CURLM, FreeMulti> multi;
  std::stop_token stop;
  std::chrono::milliseconds grace;
  std::vector<std::unique_ptr<Exchange>> exchanges;  ///< Kept: a handle is dear to make.

  CURLMcode run(std::size_t count) const;
};

HttpClient::HttpClient(std::stop_token stop, std::chrono::milliseconds grace) {
  initialise_curl();
  handles_ = std::make_unique<Handles>(
      Handles{.multi = std::unique_ptr<CURLM, FreeMulti>(curl_multi_init()),
              .stop = std::move(stop),
              .grace = grace,
              .exchanges = {}});
  curl_multi_setopt(handles_->multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, connection_limit);
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

/// Drives the first `count` exchanges to their ends, or until they are given up because of `stop`
/// (CURLM_OK) or of a failure of libcurl's as a whole.
CURLMcode HttpClient::Handles::run(std::size_t count) const {
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi.get()); });
  std::optional<Clock::time_point> give_up;
  for (std::size_t ended = 0; ended < count;) {
    int running = 0;
    if (const auto code = curl_multi_perform(multi.get(), &running); code != CURLM_OK) {
      return code;
    }
    int queued = 0;
    while (const auto* message = curl_multi_info_read(multi.get(), &queued)) {
      exchange_of(message->easy_handle).outcome = message->data.result;
      ++ended;
    }
    if (ended == count) {
      break;
    }
    if (stop.stop_requested() && !give_up) {
      give_up = Clock::now() + grace;
    }
    std::chrono::milliseconds wait{1000};
    if (give_up) {
      wait = std::chrono::duration_cast<std::chrono::milliseconds>(*give_up - Clock::now());
      if (wait.count() <= 0) {
        break;
      }
    }
    const auto longest = static_cast<int>(wait.count());
    if (const auto code = curl_multi_poll(multi.get(), nullptr, 0, longest, nullptr);
        code != CURLM_OK) {
      return code;
    }
  }
  return CURLM_OK;
}

HttpResult HttpClient::perform(const HttpRequest& request) {
  return std::move(perform_all({&request, 1}).front());
}

std::vector<HttpResult> HttpClient::perform_all(std::span<const HttpRequest> requests) {
  if (handles_->stop.stop_requested()) {
    return {requests.size(), tl::unexpected(HttpError{"the agent is stopping", true})};
  }
  auto& exchanges = handles_->exchanges;
  while (exchanges.size() < requests.size()) {
    exchanges.push_back(std::make_unique<Exchange>());
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    exchanges[i]->prepare(requests[i]);
    curl_multi_add_handle(handles_->multi.get(), exchanges[i]->easy.get());
  }
  const auto driven = handles_->run(requests.size());
  std::vector<HttpResult> results;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    curl_multi_remove_handle(handles_->multi.get(), exchanges[i]->easy.get());
    results.push_back(exchanges[i]->result(driven));
  }
  return results;
}

}  // namespace chouette
