#include "commands/check_intake.hpp"

#include <gtest/gtest.h>

namespace chouette {
namespace {

constexpr auto url = "https://api.example/api";

HttpResult answer(int status, std::string body = {}) {
  return HttpResponse{status, {}, std::move(body), false};
}

HttpResult no_answer(std::string message) {
  return tl::unexpected(HttpError{std::move(message), false});
}

bool advises(const Finding& finding, std::string_view part) {
  return finding.advice.find(part) != std::string::npos;
}

TEST(IntakeCheck, TakesTheKeyOnlyIfTheIntakeSaysThatItIsValid) {
  EXPECT_EQ(judge_key(answer(200, R"({"valid":true})"), url, true).level, Level::ok);
  for (const auto* body : {R"({"valid":false})", R"({"valid":"true"})", "{}", "[true]", "",
                           "<html>Sign in to this wireless network</html>"}) {
    const auto finding = judge_key(answer(200, body), url, true);
    EXPECT_EQ(finding.level, Level::failed) << body;
    EXPECT_TRUE(advises(finding, "DATADOG_URL")) << body;
  }
}

TEST(IntakeCheck, SaysThatTheKeyIsRefused) {
  for (const int status : {401, 403}) {
    const auto finding = judge_key(answer(status, "{}"), url, true);
    EXPECT_EQ(finding.level, Level::failed);
    EXPECT_TRUE(advises(finding, "API_KEY"));
    EXPECT_EQ(judge_key(answer(status), url, false).level, Level::ok) << "none was sent";
  }
}

TEST(IntakeCheck, WarnsWhereTheKeyCannotBeChecked) {
  EXPECT_EQ(judge_key(answer(404), url, true).level, Level::warning);
  EXPECT_EQ(judge_key(answer(429), url, true).level, Level::warning);
}

TEST(IntakeCheck, FailsForAnswersThatAreNotTheIntakes) {
  for (const int status : {302, 407, 500, 502, 503}) {
    EXPECT_EQ(judge_key(answer(status), url, true).level, Level::failed) << status;
    EXPECT_EQ(judge_logs(answer(status), url).level, Level::failed) << status;
  }
  for (const int status : {200, 202, 400, 403, 404, 405}) {
    EXPECT_EQ(judge_logs(answer(status), url).level, Level::ok) << status;
  }
}

TEST(IntakeCheck, AdvisesByWhatCurlSays) {
  const auto advice = [](const char* message) {
    const auto finding = judge_logs(no_answer(message), url);
    EXPECT_EQ(finding.level, Level::failed);
    EXPECT_NE(finding.text.find(message), std::string::npos);
    return finding;
  };
  EXPECT_TRUE(advises(advice("Could not resolve host: api.example"), "resolv.conf"));
  EXPECT_TRUE(advises(advice("Could not resolve proxy: proxy"), "HTTPS_PROXY"));
  EXPECT_TRUE(
      advises(advice("SSL certificate problem: self-signed certificate"), "ca-certificates"));
  EXPECT_TRUE(advises(advice("Connection timed out after 10000 milliseconds"), "firewall"));
  EXPECT_TRUE(advises(advice("Failed to connect to localhost port 1"), "link"));
}

TEST(ClockCheck, ComparesWithTheIntakesClock) {
  constexpr double now = 1795416000;
  EXPECT_EQ(judge_clock(now, 0).level, Level::ok);
  EXPECT_EQ(judge_clock(now, -60).level, Level::ok);
  EXPECT_EQ(judge_clock(now, std::nullopt).level, Level::ok);
  const auto behind = judge_clock(now, 300);
  EXPECT_EQ(behind.level, Level::warning);
  EXPECT_NE(behind.text.find("5 min behind"), std::string::npos) << behind.text;
  EXPECT_EQ(judge_clock(now, -300).level, Level::warning);
  EXPECT_NE(judge_clock(now, -300).text.find("ahead of"), std::string::npos);
  EXPECT_EQ(judge_clock(now, 3700).level, Level::failed) << "all points are too old";
  EXPECT_EQ(judge_clock(now, -700).level, Level::failed) << "all points are in the future";
}

TEST(ClockCheck, FailsForAClockThatIsNotSet) {
  EXPECT_EQ(judge_clock(0, std::nullopt).level, Level::failed);
  EXPECT_EQ(judge_clock(1704067199, 0).level, Level::failed);
  EXPECT_EQ(judge_clock(1704067200, 0).level, Level::ok);
}

}  // namespace
}  // namespace chouette
