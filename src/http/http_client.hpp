#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace chouette {

/// Whom to trust and who to be in TLS, in place of the system's CAs and no certificate.
struct TlsSettings {
  std::string ca;           ///< Path of CAs in PEM form. Empty: the system's.
  std::string certificate;  ///< Path of a client certificate in PEM form. Empty: none.
  std::string key;          ///< Path of its key in PEM form.
  bool verify = true;       ///< Whether the server's certificate and name are checked.
};

/// A request. Header values may hold secrets: they are shown nowhere.
struct HttpRequest {
  std::string method;                ///< GET or POST.
  std::string url;                   ///< http:// or https://
  std::vector<std::string> headers;  ///< "Name: value"
  std::string body = {};
  std::chrono::milliseconds timeout;  ///< For the whole exchange.
  TlsSettings tls = {};
  std::string unix_socket = {};          ///< Connect to this path instead of the URL's host.
  bool direct = false;                   ///< Not through a proxy, whatever the variables say.
  std::size_t body_limit = 64UL * 1024;  ///< Bytes of the answer's body that are kept.
};

/// An answer, of whatever status.
struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< Names in lower case; the last of a name counts.
  std::string body;                            ///< At most the request's body_limit.
  bool cut_off = false;                        ///< There was more of the body, which is dropped.
};

/// No answer, or only a part of one. One line, with no secrets.
struct HttpError {
  std::string message;
  bool stopped = false;  ///< Given up because the process is to stop.
};

using HttpResult = tl::expected<HttpResponse, HttpError>;

/// Talks HTTP; connections are kept between requests. Redirects are not followed (a key must not
/// reach another host), proxies are taken from the usual variables. For one thread.
class HttpClient {
public:
  /// Once `stop` is requested, a request under way gets `grace` to finish and is then given up.
  explicit HttpClient(std::stop_token stop,
                      std::chrono::milliseconds grace = std::chrono::milliseconds{1500});
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Blocks until the answer is there, the timeout is over, or the process is to stop.
  HttpResult perform(const HttpRequest& request);

  /// Performs all requests side by side. The results are in their order.
  std::vector<HttpResult> perform_all(std::span<const HttpRequest> requests);
  std::vector<HttpResult> perform_all(std::initializer_list<HttpRequest> requests) {
    return perform_all(std::span(requests.begin(), requests.size()));
  }

private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace chouette
