#include "support/intake.hpp"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <string>
#include <vector>

// A fake that lets everything pass proves nothing: here each of its rules is broken once, and each
// of its misbehaviours is felt by a real client.

namespace chouette::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int zlib_format = 15;
constexpr int gzip_format = 15 + 16;
constexpr int bare_format = -15;

std::string compress(const std::string& text, int format = zlib_format) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

struct Reply {
  CURLcode error = CURLE_OK;
  int status = 0;
  std::string body;
  milliseconds elapsed{0};
};

std::size_t append_body(char* data, std::size_t, std::size_t size, void* body) {
  static_cast<std::string*>(body)->append(data, size);
  return size;
}

class Client {
public:
  std::vector<std::string> headers;
  long timeout_ms = 5000;

  explicit Client(const std::string& key)
      : headers{"Content-Type: application/json", "Content-Encoding: deflate",
                "DD-API-KEY: " + key} {}

  Reply post(const std::string& url, const std::string& body, const char* method = "POST") {
    curl_slist* list = nullptr;
    for (const auto& header : headers) list = curl_slist_append(list, header.c_str());
    Reply reply;
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
    const auto begin = steady_clock::now();
    reply.error = curl_easy_perform(curl);
    reply.elapsed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    curl_slist_free_all(list);
    return reply;
  }

private:
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_{curl_easy_init(), curl_easy_cleanup};
};

json gauge(const std::string& metric = "m", double value = 1, int second = 1'600'000'000) {
  return {{"metric", metric}, {"type", "gauge"}, {"points", {{second, value}}}, {"tags", {"a:b"}}};
}

json count(double value = 1, int second = 1'600'000'000) {
  return {{"metric", "c"}, {"type", "count"}, {"interval", 10}, {"points", {{second, value}}}};
}

std::string series(const std::vector<json>& list) {
  return json{{"series", list}}.dump();
}

class IntakeTest : public testing::Test {
protected:
  Reply post_metrics(const std::string& text) {
    return client.post(intake.metrics_url() + "/v1/series", compress(text));
  }
  Reply post_logs(const std::string& text) {
    return client.post(intake.logs_url() + "/v1/input", compress(text));
  }

  Intake intake;
  Client client{intake.api_key()};
};

TEST_F(IntakeTest, TakesWhatIsRightAndKeepsItAsDatadogWould) {
  const auto reply = post_metrics(series({gauge("g", 2.5), count(3)}));
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"status": "ok"})");
  EXPECT_EQ(post_metrics(series({count(4), gauge("g", 7, 1'600'000'001)})).status, 202);

  EXPECT_THAT(intake.violations(), IsEmpty());
  const StoredPoints g{{1'600'000'000, {2.5, "gauge", 0}}, {1'600'000'001, {7, "gauge", 0}}};
  EXPECT_EQ(intake.points("g"), g);
  EXPECT_EQ(intake.points("g", {"a:b"}), g);
  EXPECT_THAT(intake.points("g", {"a:c"}), IsEmpty());
  EXPECT_EQ(intake.points("c"), (StoredPoints{{1'600'000'000, {4, "count", 10}}}))
      << "the later write wins";
  EXPECT_EQ(intake.sum("g"), 9.5);
  EXPECT_EQ(intake.series().size(), 2);
}

TEST_F(IntakeTest, TellsSeriesApartByTagsInAnyOrderAndHost) {
  auto one = gauge();
  one["tags"] = {"x:1", "a:2"};
  auto same = one;
  same["tags"] = {"a:2", "x:1"};
  auto other = one;
  other["host"] = "pi";
  EXPECT_EQ(post_metrics(series({one, other})).status, 202);
  EXPECT_EQ(post_metrics(series({same})).status, 202);
  EXPECT_THAT(intake.violations(), IsEmpty());
  EXPECT_EQ(intake.series().size(), 2);
  EXPECT_EQ(intake.series().begin()->first, (SeriesId{"m", "a:2,x:1", ""}));
}

TEST_F(IntakeTest, RefusesEachWrongSeries) {
  struct Case {
    std::string payload;
    const char* violation;
  };
  const auto with = [](json base, const char* field, json value) {
    base[field] = std::move(value);
    return series({std::move(base)});
  };
  const auto without = [](json base, const char* field) {
    base.erase(field);
    return series({std::move(base)});
  };
  const std::vector<Case> cases{
      {"nonsense", "not JSON"},
      {R"({"series": [{"metric": "m", "points": [[1, 1e999]], "type": "gauge"}]})", "not JSON"},
      {R"({"series": [{"metric": "m", "points": [[1, NaN]], "type": "gauge"}]})", "not JSON"},
      {"[]", "not an object with `series`"},
      {"{}", "not an object with `series`"},
      {R"({"series": []})", "`series` is not a list with something"},
      {R"({"series": {}})", "`series` is not a list with something"},
      {R"({"series": [1]})", "series is not an object"},
      {json{{"series", {gauge()}}, {"more", 1}}.dump(), "more fields"},
      {with(gauge(), "metric", ""), "metric is not a name"},
      {with(gauge(), "metric", 1), "metric is not a name"},
      {without(gauge(), "metric"), "metric is not a name"},
      {with(gauge(), "type", "distribution"), "type is not gauge"},
      {without(gauge(), "type"), "type is not gauge"},
      {with(gauge(), "points", json::array()), "points is not a list"},
      {without(gauge(), "points"), "points is not a list"},
      {with(gauge(), "points", {{1, 2, 3}, {4, 5}}), "point is not a pair"},
      {with(gauge(), "points", {{1.5, 2}, {4, 5}}), "time is not a whole number"},
      {with(gauge(), "points", {{"1", 2}, {4, 5}}), "time is not a whole number"},
      {with(gauge(), "points", {{1, "2"}, {4, 5}}), "value is not a number"},
      {with(gauge(), "points", {{1, nullptr}, {4, 5}}), "value is not a number"},
      {with(gauge(), "points", {{1, 2}, {1, 3}}), "two points in one second"},
      {with(gauge(), "interval", 10), "a gauge with an interval"},
      {without(count(), "interval"), "interval is not a whole number"},
      {with(count(), "interval", 0), "interval is not a whole number"},
      {with(count(), "interval", -10), "interval is not a whole number"},
      {with(count(), "interval", 1.5), "interval is not a whole number"},
      {with(count(), "interval", nullptr), "interval is not a whole number"},
      {with(gauge(), "tags", "a:b"), "tags is not a list"},
      {with(gauge(), "tags", {"a:b", 1}), "tags is not a list"},
      {with(gauge(), "tags", nullptr), "tags is not a list"},
      {with(gauge(), "host", 1), "host is not a string"},
      {with(gauge(), "device", "sda"), "unknown field"},
      {series({gauge(), count(), gauge("m", 2, 5)}), "two objects for one series"},
  };
  for (const auto& [payload, violation] : cases) {
    EXPECT_EQ(post_metrics(payload).status, 400) << payload;
    EXPECT_THAT(intake.take_violations(), Contains(HasSubstr(violation))) << payload;
  }
  EXPECT_THAT(intake.series(), IsEmpty());
  EXPECT_EQ(intake.metric_requests().size(), cases.size());
}

TEST_F(IntakeTest, RefusesEachWrongLog) {
  EXPECT_EQ(post_logs(R"([{"message": "hi", "ddtags": "a:b,c:d"}, {}])").status, 200);
  EXPECT_THAT(intake.violations(), IsEmpty());
  EXPECT_THAT(intake.logs(), SizeIs(2));

  const std::vector<std::pair<std::string, const char*>> cases{
      {"{}", "not a list"},
      {"[]", "not a list with something"},
      {"[1]", "log is not an object"},
      {R"([{"ddtags": ["a:b"]}])", "ddtags is not a string"},
      {json::array({{{"message", std::string(1'000'001, 'x')}}}).dump(), "above 1 MB"},
      {json(std::vector<json>(1001, json::object())).dump(), "more than 1,000"},
  };
  for (const auto& [payload, violation] : cases) {
    EXPECT_EQ(post_logs(payload).status, 400) << payload.substr(0, 200);
    EXPECT_THAT(intake.take_violations(), Contains(HasSubstr(violation)));
  }
  EXPECT_THAT(intake.logs(), SizeIs(2));
}

TEST_F(IntakeTest, RefusesAnyCompressionButZlibFormat) {
  const auto url = intake.metrics_url() + "/v1/series";
  const auto text = series({gauge()});
  const auto good = compress(text);
  for (const auto& body :
       {text, compress(text, gzip_format), compress(text, bare_format), good + "x",
        good.substr(0, good.size() - 1), good.substr(0, good.size() / 2), std::string()}) {
    EXPECT_EQ(client.post(url, body).status, 400);
    EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("zlib format")));
  }
  EXPECT_THAT(intake.series(), IsEmpty());
}

TEST_F(IntakeTest, RefusesWrongHeaders) {
  const auto good = client.headers;
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases{
      {{"Content-Type: text/plain", good[1], good[2]}, "Content-Type"},
      {{good[0], good[2]}, "Content-Encoding"},
      {{good[0], "Content-Encoding: gzip", good[2]}, "Content-Encoding"},
      {{good[0], good[1], good[2], "Host:"}, "no Host"},
      {{good[0], good[1], good[2], "Transfer-Encoding: chunked"}, "no Content-Length"},
      {{good[0], good[1], good[2], "X-Key: " + intake.api_key()}, "another header: x-key"},
  };
  for (const auto& [headers, violation] : cases) {
    client.headers = headers;
    EXPECT_EQ(post_metrics(series({gauge()})).status, 400) << violation;
    EXPECT_THAT(intake.take_violations(), Contains(HasSubstr(violation)));
  }
}

TEST_F(IntakeTest, RefusesAWrongKeyAndAKeyInTheUrl) {
  EXPECT_EQ(client.post(intake.metrics_url() + "/v1/series?api_key=1", "").status, 404);
  EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("key in the URL")));
  EXPECT_EQ(client.post(intake.metrics_url() + "/v1/series?k=" + intake.api_key(), "").status, 404);
  EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("key in the URL")));

  for (const char* header : {"DD-API-KEY: other", "X-Nothing: 1"}) {
    client.headers.back() = header;
    const auto reply = post_metrics(series({gauge()}));
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.body, R"({"errors":["Forbidden"]})");
    EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("DD-API-KEY is not the key")));
  }
  EXPECT_THAT(intake.series(), IsEmpty());
}

TEST_F(IntakeTest, RefusesOtherResourcesAndMethods) {
  const auto body = compress(series({gauge()}));
  EXPECT_EQ(client.post(intake.logs_url() + "/v1/series", body).status, 404);
  EXPECT_EQ(client.post(intake.metrics_url() + "/v1/input", body).status, 404);
  EXPECT_EQ(client.post(intake.metrics_url() + "/v1/series", body, "PUT").status, 404);
  EXPECT_THAT(intake.violations(), SizeIs(3));
}

TEST_F(IntakeTest, ValidatesKeys) {
  const auto reply = client.post(intake.metrics_url() + "/v1/validate", "", "GET");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"valid":true})");
  EXPECT_THAT(intake.violations(), IsEmpty());
  client.headers.pop_back();
  EXPECT_EQ(client.post(intake.metrics_url() + "/v1/validate", "", "GET").status, 403);
}

TEST_F(IntakeTest, RefusesPayloadsThatAreTooLarge) {
  std::string noise(most_series_bytes_sent + 1, '\0');
  EXPECT_EQ(client.post(intake.metrics_url() + "/v1/series", noise).status, 413);
  EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("too large as sent")));
  EXPECT_EQ(post_metrics(std::string(most_series_bytes_raw + 1, ' ')).status, 413);
  EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("too large when decompressed")));
  EXPECT_EQ(post_logs(std::string(most_log_bytes_raw + 1, ' ')).status, 413);
  EXPECT_THAT(intake.take_violations(), Contains(HasSubstr("too large when decompressed")));
}

TEST_F(IntakeTest, KeepsConnectionsAliveAndCountsThem) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(post_metrics(series({gauge()})).status, 202);
  EXPECT_EQ(intake.connections(), 1);
  Client another(intake.api_key());
  another.post(intake.metrics_url() + "/v1/series", compress(series({gauge()})));
  EXPECT_EQ(intake.connections(), 2);
  EXPECT_EQ(intake.requests().back().http.connection, 2);
}

TEST_F(IntakeTest, RecordsSizes) {
  const auto text = series({gauge()});
  post_metrics(text);
  const auto request = intake.requests().at(0);
  EXPECT_EQ(request.raw_bytes, text.size());
  EXPECT_EQ(request.sent_bytes, compress(text).size());
  EXPECT_EQ(request.payload, json::parse(text));
  EXPECT_TRUE(request.accepted);
}

TEST_F(IntakeTest, FollowsTheScriptOneRequestEach) {
  intake.script({answer(429, "", {{"X-RateLimit-Reset", "7"}}), answer_as_broken_proxy()});
  EXPECT_EQ(intake.scripted(), 2);
  EXPECT_EQ(post_metrics(series({gauge()})).status, 429);
  const auto reply = post_metrics(series({gauge()}));
  EXPECT_EQ(reply.status, 502);
  EXPECT_THAT(reply.body, HasSubstr("<html>"));
  EXPECT_THAT(intake.series(), IsEmpty()) << "refused, so not kept";
  EXPECT_EQ(post_metrics(series({gauge()})).status, 202);
  EXPECT_THAT(intake.violations(), IsEmpty());
  EXPECT_EQ(intake.series().size(), 1);
}

TEST_F(IntakeTest, LooksForViolationsInRefusedRequestsToo) {
  intake.script({answer(503)});
  EXPECT_EQ(post_metrics("[]").status, 503);
  EXPECT_THAT(intake.violations(), SizeIs(1));
}

TEST_F(IntakeTest, ObeysTheJudge) {
  intake.set_judge([](const IntakeRequest& request) {
    return request.raw_bytes > 100 ? answer(413) : answer_ok();
  });
  EXPECT_EQ(post_metrics(series({gauge()})).status, 202);
  EXPECT_EQ(post_metrics(series({gauge(), count()})).status, 413);
  EXPECT_THAT(intake.points("c"), IsEmpty());
  intake.set_judge({});
  EXPECT_EQ(post_metrics(series({gauge(), count()})).status, 202);
}

TEST_F(IntakeTest, AnswersLateAndSlowly) {
  intake.script({answer_late(milliseconds(200)), answer_slowly(milliseconds(20))});
  EXPECT_GE(post_metrics(series({gauge()})).elapsed, milliseconds(200));
  const auto slow = post_metrics(series({gauge()}));
  EXPECT_EQ(slow.body, R"({"status": "ok"})");
  EXPECT_GE(slow.elapsed, milliseconds(16 * 20));
}

TEST_F(IntakeTest, LosesAnswersOfAcceptedRequests) {
  intake.script({lose_answer()});
  EXPECT_EQ(post_metrics(series({count(5)})).error, CURLE_GOT_NOTHING);
  EXPECT_EQ(intake.sum("c"), 5);
  EXPECT_TRUE(intake.requests().at(0).accepted);
  EXPECT_EQ(intake.requests().at(0).status, 0);

  intake.script({never_answer()});
  client.timeout_ms = 200;
  EXPECT_EQ(post_metrics(series({count(6, 7)})).error, CURLE_OPERATION_TIMEDOUT);
  EXPECT_EQ(intake.sum("c"), 11);
}

TEST_F(IntakeTest, StallsWithoutReading) {
  intake.script({stall()});
  client.timeout_ms = 200;
  EXPECT_EQ(post_metrics(series({gauge()})).error, CURLE_OPERATION_TIMEDOUT);
  EXPECT_THAT(intake.requests(), IsEmpty());
}

TEST_F(IntakeTest, ClosesOrResetsConnections) {
  intake.script({close_unread()});
  Client fresh(intake.api_key());
  const auto url = intake.metrics_url() + "/v1/series";
  const auto closed = fresh.post(url, compress(series({gauge()})));
  EXPECT_THAT(closed.error, testing::AnyOf(CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING));

  intake.script({reset_inside()});
  Client another(intake.api_key());
  const auto reset = another.post(url, std::string(500'000, 'x'));
  EXPECT_THAT(reset.error, testing::AnyOf(CURLE_RECV_ERROR, CURLE_SEND_ERROR));
  EXPECT_EQ(reset.status, 0);
  EXPECT_THAT(intake.requests(), IsEmpty());
}

TEST_F(IntakeTest, GoesDownAndComesUpOnTheSamePort) {
  EXPECT_EQ(post_metrics(series({gauge()})).status, 202);
  for (int round = 0; round < 3; ++round) {
    intake.set_down();
    EXPECT_EQ(post_metrics(series({gauge()})).error, CURLE_COULDNT_CONNECT);
    intake.set_up();
    EXPECT_EQ(post_metrics(series({gauge()})).status, 202);
  }
  EXPECT_EQ(intake.connections(), 4);
}

TEST_F(IntakeTest, EndsWhileItHoldsConnections) {
  Client silent(intake.api_key());
  silent.timeout_ms = 100;
  {
    Intake brief(intake.api_key());
    brief.script({stall()});
    silent.post(brief.metrics_url() + "/v1/series", "x");
  }
  SUCCEED();
}

}  // namespace
}  // namespace chouette::test
