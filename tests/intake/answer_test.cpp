#include "intake/answer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chouette {
namespace {

Answer answer(int status, const std::string& body = {}) {
  return read_answer(HttpResponse{.status = status, .headers = {}, .body = body});
}

Answer no_answer(const std::string& message, bool stopped) {
  return read_answer(tl::unexpected(HttpError{message, stopped}));
}

TEST(ReadAnswer, TakesAny2xxAsAccepted) {
  for (const int status : {200, 201, 202, 204, 299}) {
    EXPECT_EQ(answer(status).verdict, Verdict::accepted) << status;
  }
}

TEST(ReadAnswer, KnowsWhatTheStatusSaysOfTheRecords) {
  EXPECT_EQ(answer(400).verdict, Verdict::records_refused);
  EXPECT_EQ(answer(413).verdict, Verdict::too_large);
  EXPECT_EQ(answer(401).verdict, Verdict::key_refused);
  EXPECT_EQ(answer(403).verdict, Verdict::key_refused);
}

// A record is only ever given up because of a 400: all else may be the fault of what lies between.
TEST(ReadAnswer, KeepsTheRecordsAfterAnyOtherAnswer) {
  for (int status = 0; status < 700; ++status) {
    if (status / 100 == 2 || status == 400 || status == 401 || status == 403 || status == 413) {
      continue;
    }
    EXPECT_EQ(answer(status).verdict, Verdict::try_later) << status;
  }
}

TEST(ReadAnswer, KeepsTheRecordsWithoutAnAnswer) {
  const auto read = no_answer("Connection refused", false);
  EXPECT_EQ(read.verdict, Verdict::try_later);
  EXPECT_EQ(read.reason, "Connection refused");
  EXPECT_EQ(no_answer("given up", true).verdict, Verdict::stopping);
}

TEST(ReadAnswer, GivesTheReasonOnOneShortLine) {
  EXPECT_EQ(answer(202).reason, "HTTP 202");
  EXPECT_EQ(answer(403, R"({"errors":["Forbidden"]})").reason,
            R"(HTTP 403: {"errors":["Forbidden"]})");
  EXPECT_EQ(answer(502, "<html>\r\n\t<b>\x1b[1m\x7f</b>").reason,
            "HTTP 502: <html>   <b> [1m </b>");
  EXPECT_EQ(answer(500, std::string(65536, 'x')).reason, "HTTP 500: " + std::string(120, 'x'));
}

}  // namespace
}  // namespace chouette
