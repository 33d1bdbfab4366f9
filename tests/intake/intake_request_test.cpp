// What DatadogIntake puts on the wire besides the body: each header is sent with each request.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "intake/deflate.hpp"
#include "intake/intake.hpp"
#include "support/http_server.hpp"

namespace chouette {
namespace {

using testing::Each;
using testing::Key;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

const std::string key(32, 'k');

/// Keeps what it is sent.
class Site {
public:
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + "/api/v1/series";
  }

  std::vector<test::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

private:
  test::Behaviour take(const test::HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return test::answer(202, R"({"status":"ok"})");
  }

  mutable std::mutex mutex_;
  std::vector<test::HttpRequest> requests_;
  test::HttpServer server_{{.begin = test::answer_ok,
                            .treat = [this](const test::HttpRequest& request,
                                            const test::Behaviour&) { return take(request); }}};
};

std::vector<test::HttpRequest> sent(const std::vector<std::string>& bodies) {
  const Site site;
  DatadogIntake intake({.url = site.url(),
                        .api_key = std::make_shared<ApiKey>(Secret(key)),
                        .timeout = 5s,
                        .wall = [] { return 1795416000.0; }},
                       {});
  for (const auto& body : bodies) {
    EXPECT_EQ(intake.post(body).verdict, Verdict::accepted);
  }
  return site.requests();
}

/// Of the request's first line and its headers, as HTTP/1.1 writes them.
std::size_t head_bytes(const test::HttpRequest& request) {
  auto bytes = (request.method + ' ' + request.target + ' ' + request.version + "\r\n\r\n").size();
  for (const auto& [name, value] : request.headers) {
    bytes += (name + ": " + value + "\r\n").size();
  }
  return bytes;
}

TEST(IntakeRequest, HasOnlyTheHeadersThatItNeeds) {
  const auto requests = sent({deflate(R"({"series":[]})")});
  ASSERT_THAT(requests, SizeIs(1));
  const auto& request = requests[0];
  // Firewalls in front of an intake may refuse who names no User-Agent.
  EXPECT_THAT(request.headers, UnorderedElementsAre(Key("host"), Key("user-agent"),
                                                    Key("content-type"), Key("content-encoding"),
                                                    Key("dd-api-key"), Key("content-length")));
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_EQ(request.header("content-encoding"), "deflate");
  EXPECT_EQ(request.header("dd-api-key"), key);
  EXPECT_THAT(request.header("user-agent"), StartsWith("chouette-iot/"));
  EXPECT_LE(head_bytes(request), 230U);
}

// From 1 MB on, libcurl would ask with "Expect: 100-continue" and wait for the answer.
TEST(IntakeRequest, AsksForNothingBeforeALargeBody) {
  for (const auto& request : sent({std::string(1'500'000, 'x')})) {
    EXPECT_EQ(request.headers.count("expect"), 0U);
    EXPECT_EQ(request.body.size(), 1'500'000U);
  }
}

TEST(IntakeRequest, KeepsToOneConnection) {
  const auto requests = sent({"a", "b", "c"});
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_THAT(requests, Each(testing::Field(&test::HttpRequest::connection, 1U)));
}

}  // namespace
}  // namespace chouette
