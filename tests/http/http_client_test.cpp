#include "http/http_client.hpp"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.hpp"
#include "support/free_port.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

namespace chouette {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// Keeps what was asked, and answers as `behaviour` says.
class Site {
public:
  explicit Site(test::Behaviour behaviour = test::answer(200, "{}"))
      : behaviour_(std::move(behaviour)) {}

  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
  }

  std::vector<test::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  /// For the requests that begin from now on.
  void behave(test::Behaviour behaviour) {
    const std::lock_guard lock(mutex_);
    behaviour_ = std::move(behaviour);
  }

  std::size_t connections() const { return server_.connections(); }
  void set_down() { server_.set_down(); }
  void set_up() { server_.set_up(); }

private:
  mutable std::mutex mutex_;
  test::Behaviour behaviour_;
  std::vector<test::HttpRequest> requests_;
  test::HttpServer server_{
      {.begin =
           [this] {
             const std::lock_guard lock(mutex_);
             return behaviour_;
           },
       .treat =
           [this](const test::HttpRequest& request, const test::Behaviour& behaviour) {
             const std::lock_guard lock(mutex_);
             requests_.push_back(request);
             return behaviour;
           }}};
};

/// Sends one client the bytes it is told to, whatever that asks, and closes the connection.
class RawSite {
public:
  explicit RawSite(std::string answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        listen(listener_, 1) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("no port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawSite() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  RawSite(const RawSite&) = delete;
  RawSite& operator=(const RawSite&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

private:
  void serve() const {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) {
      return;
    }
    std::string request;
    char byte = 0;
    while (request.find("\r\n\r\n") == std::string::npos && recv(client, &byte, 1, 0) == 1) {
      request += byte;
    }
    for (std::size_t sent = 0; sent < answer_.size();) {
      const auto n = send(client, answer_.data() + sent, answer_.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) {
        break;
      }
      sent += static_cast<std::size_t>(n);
    }
    shutdown(client, SHUT_WR);
    while (recv(client, &byte, 1, 0) == 1) {
    }
    close(client);
  }

  std::string answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

HttpRequest get(const std::string& url, milliseconds timeout = seconds(5)) {
  return {.method = "GET", .url = url, .headers = {}, .body = {}, .timeout = timeout};
}

HttpRequest post(const std::string& url, const std::string& body,
                 milliseconds timeout = seconds(5)) {
  return {.method = "POST",
          .url = url,
          .headers = {"Content-Type: application/json", "DD-API-KEY: s3cret"},
          .body = body,
          .timeout = timeout};
}

tl::expected<HttpResponse, HttpError> answer_of(const std::string& bytes) {
  const RawSite site(bytes);
  return HttpClient({}).perform(get(site.url()));
}

template <class Call>
milliseconds duration_of(Call call) {
  const auto begin = steady_clock::now();
  call();
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

/// A proxy that the machine happens to have must not come between.
class HttpClientTest : public testing::Test {
protected:
  void SetUp() override {
    for (const auto* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                             "no_proxy", "NO_PROXY"}) {
      const auto* value = std::getenv(name);
      former_.emplace_back(name,
                           value == nullptr ? std::nullopt : std::optional<std::string>(value));
      unsetenv(name);
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : former_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }

private:
  std::vector<std::pair<std::string, std::optional<std::string>>> former_;
};

TEST_F(HttpClientTest, PostsWhatItIsGiven) {
  const Site site(test::answer(202, R"({"status": "ok"})"));
  std::string body(300'000, 'x');
  body[0] = '\0';
  body[1] = '\xff';
  const auto response = HttpClient({}).perform(post(site.url("/api/v1/series"), body));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->body, R"({"status": "ok"})");
  ASSERT_THAT(site.requests(), SizeIs(1));
  const auto request = site.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/v1/series");
  EXPECT_EQ(request.body, body);
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_EQ(request.header("dd-api-key"), "s3cret");
  EXPECT_EQ(request.header("content-length"), "300000");
  EXPECT_THAT(request.header("user-agent"), HasSubstr("chouette-iot/"));
  EXPECT_EQ(request.headers.count("expect"), 0U);
}

TEST_F(HttpClientTest, PostsAnEmptyBody) {
  const Site site;
  ASSERT_TRUE(HttpClient({}).perform(post(site.url(), "")));
  EXPECT_EQ(site.requests().at(0).method, "POST");
  EXPECT_EQ(site.requests().at(0).header("content-length"), "0");
}

TEST_F(HttpClientTest, Gets) {
  const Site site(test::answer(200, "text"));
  const auto response = HttpClient({}).perform(get(site.url("/stats/summary?a=b")));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "text");
  EXPECT_EQ(site.requests().at(0).method, "GET");
  EXPECT_EQ(site.requests().at(0).target, "/stats/summary?a=b");
  EXPECT_EQ(site.requests().at(0).body, "");
}

TEST_F(HttpClientTest, KeepsNothingOfTheRequestBefore) {
  const Site site;
  HttpClient client({});
  ASSERT_TRUE(client.perform(post(site.url(), "body")));
  ASSERT_TRUE(client.perform(get(site.url())));
  ASSERT_TRUE(client.perform(post(site.url(), "other")));
  const auto requests = site.requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[1].method, "GET");
  EXPECT_EQ(requests[1].body, "");
  EXPECT_EQ(requests[1].headers.count("dd-api-key"), 0U);
  EXPECT_EQ(requests[2].method, "POST");
  EXPECT_EQ(requests[2].body, "other");
}

TEST_F(HttpClientTest, ReturnsAnAnswerOfWhateverStatus) {
  Site site;
  HttpClient client({});
  for (const int status : {200, 202, 204, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503}) {
    site.behave(test::answer(status, status == 204 ? "" : "reason"));
    const auto response = client.perform(post(site.url(), "body"));
    ASSERT_TRUE(response) << status << " " << response.error().message;
    EXPECT_EQ(response->status, status);
    EXPECT_EQ(response->body, status == 204 ? "" : "reason");
  }
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
  const Site other;
  Site site;
  for (const int status : {301, 302, 303, 307, 308}) {
    site.behave(test::answer(status, "", {{"Location", other.url("/elsewhere")}}));
    const auto response = HttpClient({}).perform(post(site.url(), "body"));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, status);
    EXPECT_EQ(response->headers.at("location"), other.url("/elsewhere"));
  }
  EXPECT_EQ(other.connections(), 0U);
}

TEST_F(HttpClientTest, ReadsHeaders) {
  const auto response = answer_of(
      "HTTP/1.1 429 Slow Down\r\nRetry-After: 17\r\nX-RATELIMIT-reset:  60 \t\r\nEmpty:\r\n"
      "Colons: a:b: c\r\nTwice: one\r\ntwice: two\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 429);
  EXPECT_THAT(response->headers,
              UnorderedElementsAre(Pair("retry-after", "17"), Pair("x-ratelimit-reset", "60"),
                                   Pair("empty", ""), Pair("colons", "a:b: c"),
                                   Pair("twice", "two"), Pair("content-length", "0")));
}

TEST_F(HttpClientTest, ForgetsTheHeadersOfAnInterimAnswer) {
  const auto response = answer_of(
      "HTTP/1.1 100 Continue\r\nInterim: yes\r\n\r\n"
      "HTTP/1.1 202 Accepted\r\nFinal: yes\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->headers.count("interim"), 0U);
  EXPECT_EQ(response->headers.at("final"), "yes");
  EXPECT_EQ(response->body, "ok");
}

TEST_F(HttpClientTest, TakesAnAnswerThatEndsWithTheConnection) {
  const auto response = answer_of("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "until the end");
}

TEST_F(HttpClientTest, TakesAChunkedAnswer) {
  const auto response = answer_of(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "abcde");
}

TEST_F(HttpClientTest, KeepsTheFirst64KiBOfABody) {
  for (const std::size_t size : {65535U, 65536U, 65537U, 1'000'000U}) {
    std::string body(size, 'x');
    body.front() = 'a';
    body[std::min<std::size_t>(size, 65536) - 1] = 'z';
    Site site(test::answer(200, body));
    HttpClient client({});
    const auto response = client.perform(get(site.url()));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, body.substr(0, 65536));
    // The rest was read: the connection can be used again.
    ASSERT_TRUE(client.perform(get(site.url())));
    EXPECT_EQ(site.connections(), 1U);
  }
}

TEST_F(HttpClientTest, HasNoAnswerWherePartOfItIsMissing) {
  for (const auto* bytes : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
                            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
                            "garbage\r\n\r\n", "\x15\x03\x01", "SSH-2.0-OpenSSH\r\n"}) {
    const auto response = answer_of(bytes);
    EXPECT_FALSE(response) << bytes;
    if (!response) {
      EXPECT_THAT(response.error().message, Not(IsEmpty()));
      EXPECT_THAT(response.error().message, Not(HasSubstr("\n")));
      EXPECT_FALSE(response.error().stopped);
    }
  }
}

TEST_F(HttpClientTest, ReusesItsConnection) {
  const Site site;
  HttpClient client({});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client.perform(post(site.url(), "body")));
  }
  EXPECT_EQ(site.connections(), 1U);
  HttpClient moved(std::move(client));
  ASSERT_TRUE(moved.perform(get(site.url())));
  EXPECT_EQ(site.connections(), 1U);
}

TEST_F(HttpClientTest, ConnectsAnewWhereItsConnectionWasClosedMeanwhile) {
  Site site(test::answer(200, "{}", {{"Connection", "close"}}));
  HttpClient client({});
  ASSERT_TRUE(client.perform(post(site.url(), "one")));
  ASSERT_TRUE(client.perform(post(site.url(), "two")));
  EXPECT_EQ(site.connections(), 2U);
  site.behave(test::answer_ok());
  ASSERT_TRUE(client.perform(post(site.url(), "three")));
  site.set_down();
  site.set_up();
  const auto response = client.perform(post(site.url(), "four"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(site.requests().back().body, "four");
}

TEST_F(HttpClientTest, SaysWhenItIsRefused) {
  const auto url = "http://127.0.0.1:" + std::to_string(test::find_free_port()) + "/";
  std::optional<tl::expected<HttpResponse, HttpError>> response;
  const auto duration = duration_of([&] { response = HttpClient({}).perform(post(url, "body")); });
  ASSERT_FALSE(*response);
  EXPECT_FALSE(response->error().stopped);
  EXPECT_THAT(response->error().message, Not(IsEmpty()));
  EXPECT_THAT(response->error().message, Not(HasSubstr("s3cret")));
  EXPECT_LT(duration, seconds(2));
}

TEST_F(HttpClientTest, SaysWhenTheConnectionBreaks) {
  Site site;
  for (const auto& behaviour : {test::reset_inside(), test::lose_answer(), test::close_unread()}) {
    site.behave(behaviour);
    HttpClient client({});
    const auto response = client.perform(post(site.url(), std::string(2'000'000, 'x')));
    ASSERT_FALSE(response);
    EXPECT_FALSE(response.error().stopped);
    EXPECT_THAT(response.error().message, Not(IsEmpty()));
    site.behave(test::answer_ok());
    EXPECT_TRUE(client.perform(post(site.url(), "again")));
  }
}

TEST_F(HttpClientTest, EndsWithItsTimeout) {
  Site site;
  for (const auto& behaviour :
       {test::stall(), test::never_answer(), test::answer_late(seconds(20)),
        test::answer_slowly(milliseconds(100), test::answer(200, std::string(1000, 'x')))}) {
    site.behave(behaviour);
    HttpClient client({});
    std::optional<tl::expected<HttpResponse, HttpError>> response;
    const auto duration = duration_of(
        [&] { response = client.perform(post(site.url(), "body", milliseconds(300))); });
    ASSERT_FALSE(*response);
    EXPECT_FALSE(response->error().stopped);
    EXPECT_THAT(response->error().message, HasSubstr("timed out"));
    EXPECT_GE(duration, milliseconds(250));
    EXPECT_LT(duration, seconds(2));
    // What comes late is not taken for the next answer.
    site.behave(test::answer(202, "next"));
    const auto next = client.perform(post(site.url(), "body"));
    ASSERT_TRUE(next);
    EXPECT_EQ(next->body, "next");
  }
}

TEST_F(HttpClientTest, PerformsRequestsSideBySideAndKeepsTheirOrder) {
  constexpr int count = 100;  // more than there are connections
  const Site late(test::answer_late(milliseconds(200), test::answer(200, "late")));
  const Site quick(test::answer(201, "quick"));
  std::vector<HttpRequest> requests;
  for (int i = 0; i < count; ++i) {
    requests.push_back(get(i % 2 == 0 ? late.url() : quick.url(), seconds(20)));
  }
  HttpClient client({});
  std::vector<HttpResult> results;
  const auto duration = duration_of([&] { results = client.perform_all(requests); });
  ASSERT_THAT(results, SizeIs(count));
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i]) << results[i].error().message;
    EXPECT_EQ(results[i]->body, i % 2 == 0 ? "late" : "quick");
  }
  EXPECT_LT(duration, seconds(5));  // one after the other: 10 s
  EXPECT_THAT(client.perform_all({}), IsEmpty());
}

TEST_F(HttpClientTest, ARequestThatHangsOrFailsHoldsUpNoOther) {
  const Site silent(test::never_answer());
  const Site good(test::answer(200, "good"));
  const auto nowhere = "http://127.0.0.1:" + std::to_string(test::find_free_port()) + "/";
  HttpClient client({});
  std::vector<HttpResult> results;
  const auto duration = duration_of([&] {
    results = client.perform_all(
        {get(silent.url(), milliseconds(400)), get(good.url()), get(nowhere), get(good.url())});
  });
  EXPECT_FALSE(results.at(0));
  EXPECT_TRUE(results.at(1));
  EXPECT_FALSE(results.at(2));
  EXPECT_TRUE(results.at(3));
  EXPECT_GE(duration, milliseconds(350));
  EXPECT_LT(duration, seconds(2));
  EXPECT_TRUE(client.perform(get(good.url())));
}

TEST_F(HttpClientTest, GivesUpAllRequestsWhenItIsToStop) {
  const Site silent(test::never_answer());
  std::stop_source stop;
  HttpClient client(stop.get_token(), milliseconds(0));
  auto results = std::async(std::launch::async, [&] {
    return client.perform_all(std::vector<HttpRequest>(3, get(silent.url(), seconds(20))));
  });
  EXPECT_TRUE(test::eventually([&] { return silent.connections() == 3; }));
  const auto duration = duration_of([&] {
    stop.request_stop();
    results.wait();
  });
  EXPECT_LT(duration, milliseconds(800));
  for (const auto& result : results.get()) {
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().stopped);
  }
  for (const auto& result : client.perform_all({get(silent.url()), get(silent.url())})) {
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().stopped);
  }
}

/// While it lives, poll() refuses to watch more than one descriptor.
class NoDescriptors {
public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &former_);
    const rlimit none{1, former_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &former_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
  rlimit former_{};
};

TEST_F(HttpClientTest, DoesNotTakeAFailureOfAllForAStop) {
  const Site silent(test::never_answer());
  HttpClient client({});
  auto results = std::async(std::launch::async, [&] {
    return client.perform_all({get(silent.url(), seconds(20)), get(silent.url(), seconds(20))});
  });
  EXPECT_TRUE(test::eventually([&] { return silent.connections() == 2; }));
  {
    const NoDescriptors none;
    ASSERT_EQ(results.wait_for(seconds(10)), std::future_status::ready);
  }
  for (const auto& result : results.get()) {
    ASSERT_FALSE(result);
    EXPECT_FALSE(result.error().stopped);
    EXPECT_EQ(result.error().message, curl_multi_strerror(CURLM_UNRECOVERABLE_POLL));
  }
  const Site good(test::answer(200, "good"));
  EXPECT_TRUE(client.perform(get(good.url())));
}

TEST_F(HttpClientTest, KeepsAsMuchOfABodyAsItIsToldTo) {
  const Site site(test::answer(200, std::string(100000, 'x')));
  HttpClient client({});
  auto request = get(site.url());
  for (const std::size_t limit : {0U, 1U, 65536U, 99999U, 100000U, 200000U}) {
    request.body_limit = limit;
    const auto response = client.perform(request);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body.size(), std::min<std::size_t>(limit, 100000));
    EXPECT_EQ(response->cut_off, limit < 100000);
  }
}

TEST_F(HttpClientTest, RefusesOtherProtocolsAndWhatIsNoUrl) {
  for (const auto& url : {"file:///etc/hostname", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
                          "http://", "", "not a url", "dict://127.0.0.1/"}) {
    EXPECT_FALSE(HttpClient({}).perform(get(url))) << url;
  }
}

TEST_F(HttpClientTest, DoesNotBeginOnceItIsToStop) {
  const Site site;
  std::stop_source stop;
  HttpClient client(stop.get_token());
  ASSERT_TRUE(client.perform(get(site.url())));
  stop.request_stop();
  const auto response = client.perform(get(site.url()));
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().stopped);
  EXPECT_THAT(site.requests(), SizeIs(1));
}

/// Performs a request and asks to stop once it is under way. Returns the answer and how long it
/// took from then on.
std::pair<tl::expected<HttpResponse, HttpError>, milliseconds> perform_and_stop(
    const Site& site, milliseconds grace, milliseconds timeout = seconds(20)) {
  std::stop_source stop;
  HttpClient client(stop.get_token(), grace);
  const auto before = site.connections();
  auto response = std::async(std::launch::async,
                             [&] { return client.perform(post(site.url(), "body", timeout)); });
  EXPECT_TRUE(test::eventually([&] { return site.connections() > before; }));
  std::this_thread::sleep_for(milliseconds(20));
  const auto begin = steady_clock::now();
  stop.request_stop();
  auto result = response.get();
  return {std::move(result), std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin)};
}

TEST_F(HttpClientTest, GivesUpARequestAGraceAfterItIsToStop) {
  Site site;
  for (const auto& behaviour : {test::stall(), test::never_answer()}) {
    site.behave(behaviour);
    const auto [response, duration] = perform_and_stop(site, milliseconds(300));
    ASSERT_FALSE(response);
    EXPECT_TRUE(response.error().stopped);
    EXPECT_GE(duration, milliseconds(250));
    EXPECT_LT(duration, milliseconds(1500));
  }
}

TEST_F(HttpClientTest, GivesUpAtOnceWithoutAGrace) {
  const Site site(test::never_answer());
  const auto [response, duration] = perform_and_stop(site, milliseconds(0));
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().stopped);
  EXPECT_LT(duration, milliseconds(800));
}

TEST_F(HttpClientTest, FinishesARequestThatIsAnsweredWithinTheGrace) {
  const Site site(test::answer_late(milliseconds(300), test::answer(202, "late")));
  const auto [response, duration] = perform_and_stop(site, seconds(10));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "late");
  EXPECT_LT(duration, seconds(3));
}

TEST_F(HttpClientTest, KeepsItsTimeoutWithinTheGrace) {
  const Site site(test::never_answer());
  const auto [response, duration] = perform_and_stop(site, seconds(10), milliseconds(400));
  ASSERT_FALSE(response);
  EXPECT_FALSE(response.error().stopped);
  EXPECT_LT(duration, seconds(3));
}

TEST_F(HttpClientTest, GoesThroughAProxyWhereOneIsSet) {
  const Site proxy(test::answer(202, "by proxy"));
  setenv("http_proxy", proxy.url().c_str(), 1);
  const auto response = HttpClient({}).perform(get("http://intake.invalid/api"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "by proxy");
  EXPECT_EQ(proxy.requests().at(0).target, "http://intake.invalid/api");
  setenv("no_proxy", "127.0.0.1", 1);
  const Site direct(test::answer(200, "direct"));
  EXPECT_EQ(HttpClient({}).perform(get(direct.url()))->body, "direct");
  EXPECT_THAT(proxy.requests(), SizeIs(1));
}

/// A server with a certificate that nobody vouches for.
class SelfSigned {
public:
  static bool possible() { return !test::find_program("openssl").empty(); }

  SelfSigned() {
    test::ChildProcess make(
        {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key(), "-out", certificate()},
        environment());
    EXPECT_EQ(make.wait(seconds(30)), (test::ExitStatus{.code = 0})) << make.err();
    server_.emplace(std::vector<std::string>{"openssl", "s_server", "-accept",
                                             "127.0.0.1:" + std::to_string(port_), "-key", key(),
                                             "-cert", certificate(), "-www"},
                    environment());
    EXPECT_TRUE(test::eventually([this] {
      return server_->out().find("ACCEPT") != std::string::npos;
    })) << server_->err();
  }

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/"; }
  std::string certificate() const { return folder_ / "certificate.pem"; }

private:
  std::string key() const { return folder_ / "key.pem"; }
  static test::ChildProcess::Environment environment() {
    const auto* path = std::getenv("PATH");
    return {{"PATH", path == nullptr ? "/usr/bin:/bin" : path}};
  }

  test::TempDir folder_;
  std::uint16_t port_ = test::find_free_port();
  std::optional<test::ChildProcess> server_;
};

TEST_F(HttpClientTest, RefusesACertificateThatNobodyVouchesFor) {
  if (!SelfSigned::possible()) {
    GTEST_SKIP() << "openssl is not installed";
  }
  const SelfSigned site;
  const auto response = HttpClient({}).perform(post(site.url(), "body"));
  ASSERT_FALSE(response);
  EXPECT_FALSE(response.error().stopped);
  EXPECT_THAT(response.error().message,
              AnyOf(HasSubstr("certificate"), HasSubstr("SSL"), HasSubstr("TLS")));
}

TEST_F(HttpClientTest, DoesNotSpeakPlainTextWhereTlsIsAsked) {
  const Site site;
  auto url = site.url();
  url.replace(0, 4, "https");
  EXPECT_FALSE(HttpClient({}).perform(post(url, "body", milliseconds(500))));
  EXPECT_THAT(site.requests(), IsEmpty());
}

}  // namespace
}  // namespace chouette
