#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "support/http_server.hpp"

namespace chouette::bench {

/// An intake that takes everything, looks at nothing and keeps nothing. It works in this process,
/// whose CPU time tells what it takes.
class Sink {
public:
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
  std::uint16_t port() const { return server_.port(); }
  std::size_t requests() const { return requests_; }
  std::size_t bytes() const { return bytes_; }

private:
  test::Behaviour take(const test::HttpRequest& request) {
    ++requests_;
    bytes_ += request.body.size();
    return test::answer(202, R"({"status":"ok"})");
  }

  std::atomic<std::size_t> requests_{0};
  std::atomic<std::size_t> bytes_{0};
  test::HttpServer server_{{.begin = test::answer_ok,
                            .treat = [this](const test::HttpRequest& request,
                                            const test::Behaviour&) { return take(request); }}};
};

}  // namespace chouette::bench
