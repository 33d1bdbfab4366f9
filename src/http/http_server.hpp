#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "http/listen_address.hpp"

namespace chouette {

/// What a page is at the moment.
struct HttpPage {
  int status = 200;
  std::string content_type;
  std::string body;
};

/// Serves a few small pages by GET on threads of its own, two requests at a time; each may take 5
/// s. Ends with the object.
class HttpServer {
public:
  using Pages = std::map<std::string, std::function<HttpPage()>, std::less<>>;  ///< By path.

  /// Begins to listen. The functions in `pages` are called from the server's threads. Takes over a
  /// unix socket that nobody listens on any more; everybody on the machine may connect to it. An
  /// error is a line that says why.
  static tl::expected<HttpServer, std::string> listen(const ListenAddress& address, Pages pages);

  ~HttpServer();
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;

  /// The port, also where 0 was asked for.
  std::uint16_t port() const;

private:
  struct Running;
  explicit HttpServer(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

}  // namespace chouette
