#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "http/http_client.hpp"
#include "support/child_process.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_front.hpp"

namespace chouette {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// CAs are dear to make.
test::Authority& authority() {
  static test::Authority authority;
  return authority;
}
test::Authority& other_authority() {
  static test::Authority authority;
  return authority;
}

/// Answers every request with `body`; keeps what was asked.
class Page {
public:
  explicit Page(std::string body = "hello") : body_(std::move(body)) {}

  std::uint16_t port() const { return server_.port(); }

  std::vector<test::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

private:
  std::string body_;
  mutable std::mutex mutex_;
  std::vector<test::HttpRequest> requests_;
  test::HttpServer server_{{.begin = [] { return test::answer_ok(); },
                            .treat =
                                [this](const test::HttpRequest& request, const test::Behaviour&) {
                                  const std::lock_guard lock(mutex_);
                                  requests_.push_back(request);
                                  return test::answer(200, body_);
                                }}};
};

/// The same over TLS.
class TlsSite {
public:
  struct Settings {
    test::Certificate certificate = authority().issue_server();
    std::string client_ca = {};
    std::string body = "hello";
  };

  explicit TlsSite(const Settings& settings)
      : site_(settings.body),
        front_(site_.port(),
               {.certificate = settings.certificate, .client_ca = settings.client_ca}) {}
  TlsSite() : TlsSite(Settings()) {}

  std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(front_.port()) + "/";
  }
  HttpRequest get(TlsSettings tls) const {
    return {.method = "GET",
            .url = url(),
            .headers = {"Authorization: Bearer s3cret"},
            .timeout = seconds(5),
            .tls = std::move(tls)};
  }

  std::vector<test::HttpRequest> requests() const { return site_.requests(); }
  const test::TlsFront& front() const { return front_; }

private:
  Page site_;
  test::TlsFront front_;
};

TlsSettings trusting(const test::Authority& ca) {
  return {.ca = ca.path()};
}
TlsSettings trusting(const test::Authority& ca, const test::Certificate& client) {
  return {.ca = ca.path(), .certificate = client.path, .key = client.key};
}

/// A proxy that the machine happens to have must not come between.
class HttpTls : public testing::Test {
protected:
  void SetUp() override {
    if (test::find_program("openssl").empty()) GTEST_SKIP() << "openssl is not installed";
    for (const auto* name :
         {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
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

  std::string write_file(const std::string& name, const std::string& text) const {
    std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  test::TempDir folder_;

private:
  std::vector<std::pair<std::string, std::optional<std::string>>> former_;
};

/// That the request failed, before it was sent, with one line that shows nothing secret.
void expect_refused(const HttpResult& result, const TlsSite& site) {
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().stopped);
  EXPECT_THAT(result.error().message, AllOf(Not(IsEmpty()), Not(HasSubstr("\n")),
                                            Not(HasSubstr("s3cret")), Not(HasSubstr("BEGIN"))));
  EXPECT_THAT(site.requests(), IsEmpty());
}

// the server's certificate

TEST_F(HttpTls, AcceptsAServerThatTheCaVouchesFor) {
  const TlsSite site;
  const auto response = HttpClient({}).perform(site.get(trusting(authority())));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(site.requests().at(0).header("authorization"), "Bearer s3cret");
}

TEST_F(HttpTls, ComparesTheNameInTheUrl) {
  const TlsSite site({.certificate = authority().issue_server("DNS:localhost")});
  auto request = site.get(trusting(authority()));
  expect_refused(HttpClient({}).perform(request), site);
  request.url = site.url("localhost");
  const auto response = HttpClient({}).perform(request);
  ASSERT_TRUE(response) << response.error().message;
}

TEST_F(HttpTls, RefusesAServerThatOnlyAnotherCaVouchesFor) {
  const TlsSite site;
  const auto result = HttpClient({}).perform(site.get(trusting(other_authority())));
  expect_refused(result, site);
  EXPECT_THAT(result.error().message, HasSubstr("certificate"));
  EXPECT_EQ(site.front().handshakes(), 0U);
}

TEST_F(HttpTls, RefusesAServerThatTheSystemDoesNotTrust) {
  const TlsSite site;
  expect_refused(HttpClient({}).perform(site.get({})), site);
}

TEST_F(HttpTls, AcceptsAnyServerWhereItIsNotToVerify) {
  const TlsSite site({.certificate = other_authority().issue_server("DNS:elsewhere.example")});
  const auto response = HttpClient({}).perform(site.get({.verify = false}));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "hello");
}

TEST_F(HttpTls, VerifiesAnewWhereTheRequestBeforeDidNot) {
  const TlsSite site;
  HttpClient client({});
  ASSERT_TRUE(client.perform(site.get({.verify = false})));
  EXPECT_FALSE(client.perform(site.get({})));
  EXPECT_FALSE(client.perform(site.get(trusting(other_authority()))));
  EXPECT_THAT(site.requests(), SizeIs(1));
}

TEST_F(HttpTls, SaysWhichFileOfCasCannotBeRead) {
  const TlsSite site;
  for (const auto& path : {std::string("/nowhere/ca.pem"), write_file("ca.pem", "s3cret"),
                           write_file("empty.pem", "")}) {
    const auto result = HttpClient({}).perform(site.get({.ca = path}));
    expect_refused(result, site);
    EXPECT_THAT(result.error().message, HasSubstr(path));
  }
}

// the client's certificate

TEST_F(HttpTls, ShowsItsCertificate) {
  const TlsSite site({.client_ca = authority().path()});
  const auto tls = trusting(authority(), authority().issue_client("agent"));
  const auto response = HttpClient({}).perform(site.get(tls));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_THAT(site.front().clients(), ElementsAre("agent"));
}

TEST_F(HttpTls, IsRefusedWithoutTheCertificateThatTheServerRequires) {
  const TlsSite site({.client_ca = authority().path()});
  expect_refused(HttpClient({}).perform(site.get(trusting(authority()))), site);
  const auto stranger = other_authority().issue_client("stranger");
  expect_refused(HttpClient({}).perform(site.get(trusting(authority(), stranger))), site);
  EXPECT_THAT(site.front().clients(), IsEmpty());
}

TEST_F(HttpTls, IsNotWhoItWasInTheRequestBefore) {
  const TlsSite site({.client_ca = authority().path()});
  const auto one = authority().issue_client("one");
  const auto two = authority().issue_client("two");
  HttpClient client({});
  ASSERT_TRUE(client.perform(site.get(trusting(authority(), one))));
  EXPECT_FALSE(client.perform(site.get(trusting(authority()))));
  ASSERT_TRUE(client.perform(site.get(trusting(authority(), two))));
  ASSERT_TRUE(client.perform(site.get(trusting(authority(), one))));
  EXPECT_THAT(site.requests(), SizeIs(3));
  EXPECT_THAT(site.front().clients(),
              AnyOf(ElementsAre("one", "two"), ElementsAre("one", "two", "one")));
}

TEST_F(HttpTls, SaysWhichOfItsFilesCannotBeUsed) {
  const TlsSite site({.client_ca = authority().path()});
  const auto client = authority().issue_client("agent");
  const auto other = authority().issue_client("other");
  for (const auto& path : {std::string("/nowhere/file.pem"), write_file("garbage.pem", "s3cret"),
                           write_file("empty.pem", "")}) {
    const auto certificate =
        HttpClient({}).perform(site.get(trusting(authority(), {path, client.key})));
    expect_refused(certificate, site);
    EXPECT_THAT(certificate.error().message, HasSubstr(path));
    const auto key = HttpClient({}).perform(site.get(trusting(authority(), {client.path, path})));
    expect_refused(key, site);
    EXPECT_THAT(key.error().message, HasSubstr(path));
  }
  expect_refused(HttpClient({}).perform(site.get(trusting(authority(), {client.path, other.key}))),
                 site);
}

/// Puts a pipe that brings nothing in the place of the standard input.
class SilentInput {
public:
  SilentInput() {
    if (pipe(ends_) != 0 || dup2(ends_[0], STDIN_FILENO) < 0) throw std::runtime_error("no pipe");
  }
  ~SilentInput() {
    dup2(former_, STDIN_FILENO);
    for (const int fd : {former_, ends_[0], ends_[1]}) close(fd);
  }
  SilentInput(const SilentInput&) = delete;
  SilentInput& operator=(const SilentInput&) = delete;

private:
  int former_ = dup(STDIN_FILENO);
  int ends_[2] = {-1, -1};
};

TEST_F(HttpTls, AsksNobodyForTheKeysPassPhrase) {
  const TlsSite site({.client_ca = authority().path()});
  const auto client = authority().issue_client("agent");
  const std::string locked = folder_ / "locked.key";
  const auto* path = std::getenv("PATH");
  test::ChildProcess lock(
      {"openssl", "ec", "-in", client.key, "-aes128", "-passout", "pass:phrase", "-out", locked},
      {{"PATH", path == nullptr ? "/usr/bin:/bin" : path}});
  ASSERT_EQ(lock.wait(seconds(30)), (test::ExitStatus{.code = 0})) << lock.err();
  const SilentInput silence;
  const auto begin = steady_clock::now();
  const auto result =
      HttpClient({}).perform(site.get(trusting(authority(), {client.path, locked})));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
  expect_refused(result, site);
}

// connections

TEST_F(HttpTls, ReusesItsConnection) {
  const TlsSite site({.client_ca = authority().path()});
  const auto tls = trusting(authority(), authority().issue_client("agent"));
  HttpClient client({});
  for (int i = 0; i < 3; ++i) {
    const auto response = client.perform(site.get(tls));
    ASSERT_TRUE(response) << response.error().message;
  }
  EXPECT_EQ(site.front().handshakes(), 1U);
}

TEST_F(HttpTls, TrustsEachOfManyRequestsByItsOwnSettings) {
  const TlsSite site;
  const TlsSite other({.certificate = other_authority().issue_server(), .body = "other"});
  const auto results = HttpClient({}).perform_all(
      {site.get(trusting(authority())), other.get(trusting(authority())),
       other.get(trusting(other_authority())), site.get(trusting(other_authority())),
       site.get({.verify = false})});
  ASSERT_THAT(results, SizeIs(5));
  ASSERT_TRUE(results[0]);
  EXPECT_EQ(results[0]->body, "hello");
  EXPECT_FALSE(results[1]);
  ASSERT_TRUE(results[2]);
  EXPECT_EQ(results[2]->body, "other");
  EXPECT_FALSE(results[3]);
  ASSERT_TRUE(results[4]);
  EXPECT_EQ(results[4]->body, "hello");
}

TEST_F(HttpTls, GoesThroughAProxyUnlessItIsToGoDirectly) {
  const TlsSite site;
  const Page proxy;
  auto request = site.get(trusting(authority()));
  for (const auto* name : {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}) {
    setenv(name, ("http://127.0.0.1:" + std::to_string(proxy.port())).c_str(), 1);
    const auto before = proxy.requests().size();
    request.direct = true;
    const auto response = HttpClient({}).perform(request);
    EXPECT_TRUE(response) << name << ": " << response.error().message;
    EXPECT_THAT(proxy.requests(), SizeIs(before)) << name;
    request.direct = false;
    HttpClient({}).perform(request);
    EXPECT_THAT(proxy.requests(), SizeIs(testing::Gt(before))) << name;
    EXPECT_EQ(proxy.requests().back().method, "CONNECT") << name;
    unsetenv(name);
  }
}

// the answer's length

TEST_F(HttpTls, KeepsNoMoreOfABodyThanItsLimit) {
  const std::string body = "0123456789";
  const TlsSite site({.body = body});
  HttpClient client({});
  for (const std::size_t limit : {0U, 1U, 9U, 10U, 11U, 1'000'000'000U}) {
    auto request = site.get(trusting(authority()));
    request.body_limit = limit;
    const auto response = client.perform(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, body.substr(0, limit));
    EXPECT_EQ(response->cut_off, limit < body.size()) << limit;
  }
  EXPECT_EQ(site.front().handshakes(), 1U);
}

TEST_F(HttpTls, KeepsTheBeginningOfALongBody) {
  std::string body(3'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i % 23);
  const TlsSite site({.body = body});
  HttpClient client({});
  auto request = site.get(trusting(authority()));
  request.body_limit = 2'999'999;
  auto response = client.perform(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->cut_off);
  EXPECT_TRUE(response->body == body.substr(0, request.body_limit));
  request.body_limit = body.size();
  response = client.perform(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_FALSE(response->cut_off);
  EXPECT_TRUE(response->body == body);
  EXPECT_EQ(site.front().handshakes(), 1U);
}

}  // namespace
}  // namespace chouette
