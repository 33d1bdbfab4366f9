#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace chouette {

/// A request. Header values may hold secrets: they are shown nowhere.
struct HttpRequest {
  std::string method;                ///< GET or POST.
  std::string url;                   ///< http:// or https://
  std::vector<std::string> headers;  ///< "Name: value"
  std::string body;
  std::chrono::milliseconds timeout;  ///< For the whole exchange.
};

/// An answer, of whatever status.
struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< Names in lower case; the last of a name counts.
  std::string body;                            ///< The first 64 KiB; the rest is dropped.
};

/// No answer, or only a part of one. One line, with no secrets.
struct HttpError {
  std::string message;
  bool stopped = false;  ///< Given up because the process is to stop.
};

/// Talks HTTP; connections are kept between requests. TLS certificates are always verified,
/// redirects are not followed (a key must not reach another host), proxies are taken from the usual
/// variables. For one thread.
class HttpClient {
public:
  /// Once `stop` is requested, a request under way gets `grace` to finish and is then given up.
  explicit HttpClient(std::stop_token stop,
                      std::chrono::milliseconds grace = std::chrono::milliseconds{1500});
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Blocks until the answer is there, the timeout is over, or the process is to stop.
  tl::expected<HttpResponse, HttpError> perform(const HttpRequest& request);

private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace chouette
