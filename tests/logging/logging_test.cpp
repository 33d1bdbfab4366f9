#include "logging/logging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace chouette {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::string_literals;

std::vector<Secret> secrets(const std::vector<std::string>& texts) {
  std::vector<Secret> result;
  result.reserve(texts.size());
  for (const auto& text : texts) {
    result.emplace_back(text);
  }
  return result;
}

/// The line written at 2026-11-23 06:31:57.999 UTC.
std::string line_of(const std::string& message, std::vector<Secret> hidden = {},
                    spdlog::level::level_enum level = spdlog::level::info) {
  const auto time = spdlog::log_clock::time_point(std::chrono::milliseconds(1795415517999));
  const spdlog::details::log_msg entry(time, spdlog::source_loc{}, "name", level, message);
  spdlog::memory_buf_t out;
  make_json_formatter(std::move(hidden))->format(entry, out);
  return {out.data(), out.size()};
}

std::string message_of(const std::string& message, const std::vector<std::string>& hidden = {}) {
  return json::parse(line_of(message, secrets(hidden)))["message"];
}

TEST(JsonFormatter, WritesTheLineThatUsersKnow) {
  EXPECT_EQ(
      line_of("[Aggregator] started"),
      R"({"asctime": "2026-11-23T06:31:57+0000", "levelname": "INFO", "message": "[Aggregator] started"})"
      "\n");
}

TEST(JsonFormatter, NamesLevelsAsPythonDoes) {
  using namespace spdlog::level;
  const auto name_of = [](level_enum level) {
    return json::parse(line_of("x", {}, level))["levelname"].get<std::string>();
  };
  EXPECT_EQ(name_of(debug), "DEBUG");
  EXPECT_EQ(name_of(info), "INFO");
  EXPECT_EQ(name_of(warn), "WARNING");
  EXPECT_EQ(name_of(err), "ERROR");
  EXPECT_EQ(name_of(critical), "CRITICAL");
}

TEST(JsonFormatter, WritesOneLineOfJsonWhateverTheMessageHolds) {
  for (const auto& text : {""s, "two\nlines\r\n"s, R"("quoted" \)"s, "\0\x01\x1f\x7f"s, "é🦉"s,
                           "{} {0} %s %d"s, std::string(100'000, 'x')}) {
    const auto line = line_of(text);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << text;
    EXPECT_EQ(json::parse(line)["message"], text);
  }
}

TEST(JsonFormatter, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(message_of("a\xff"
                       "b\xc3"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
}

TEST(JsonFormatter, ShowsNoSecret) {
  EXPECT_EQ(message_of("key abc123, again abc123abc123.", {"abc123"}), "key ***, again ******.");
  EXPECT_EQ(message_of("abc123", {"abc123"}), "***");
  EXPECT_EQ(message_of("a and b", {"b", "a"}), "*** ***nd ***");
}

TEST(JsonFormatter, ShowsNoSecretThatNeedsEscaping) {
  const std::string secret = "p\"w\\\n\xc3\xa9";
  EXPECT_EQ(message_of("is " + secret + ".", {secret}), "is ***.");
}

TEST(JsonFormatter, ShowsNoPartOfASecretThatHoldsAnother) {
  for (const auto& order :
       {std::vector{"abc"s, "abcdef"s, "cdefgh"s}, std::vector{"abcdef"s, "cdefgh"s, "abc"s}}) {
    EXPECT_EQ(message_of("x abcdef y abc z", order), "x *** y *** z");
  }
}

TEST(JsonFormatter, IsNotUpsetByEmptyOrOddSecrets) {
  EXPECT_EQ(message_of("text", {""}), "text");
  EXPECT_EQ(message_of("a*b", {"*"}), "a***b");
  EXPECT_EQ(message_of("***", {"*"}), "*********");
  EXPECT_EQ(message_of("aaa", {"aa"}), "***a");
}

TEST(JsonFormatter, KeepsItsSecretsWhenCloned) {
  const auto copy = make_json_formatter(secrets({"abc123"}))->clone();
  const spdlog::details::log_msg entry("name", spdlog::level::info, "abc123");
  spdlog::memory_buf_t out;
  copy->format(entry, out);
  EXPECT_THAT(std::string(out.data(), out.size()), Not(HasSubstr("abc123")));
}

class SetUpLogging : public testing::Test {
protected:
  ~SetUpLogging() override { spdlog::set_default_logger(former_); }

  /// The levels of the lines that come out where a message is logged at each level.
  static std::vector<std::string> levels_shown(std::string_view level) {
    testing::internal::CaptureStdout();
    set_up_logging(level, secrets({"abc123"}));
    spdlog::debug("to {}", "abc123");
    spdlog::info("to {}", "abc123");
    spdlog::warn("to {}", "abc123");
    spdlog::error("to {}", "abc123");
    spdlog::critical("to {}", "abc123");
    std::vector<std::string> levels;
    std::istringstream lines(testing::internal::GetCapturedStdout());
    for (std::string line; std::getline(lines, line);) {
      const auto object = json::parse(line);
      EXPECT_EQ(object["message"], "to ***");
      auto time = object["asctime"].get<std::string>();
      std::replace_if(
          time.begin(), time.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
      EXPECT_EQ(time, "0000-00-00T00:00:00+0000");
      levels.push_back(object["levelname"]);
    }
    return levels;
  }

private:
  std::shared_ptr<spdlog::logger> former_ = spdlog::default_logger();
};

TEST_F(SetUpLogging, WritesToStdoutWhatIsAtOrAboveTheLevel) {
  EXPECT_THAT(levels_shown("DEBUG"), ElementsAre("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"));
  EXPECT_THAT(levels_shown("INFO"), ElementsAre("INFO", "WARNING", "ERROR", "CRITICAL"));
  EXPECT_THAT(levels_shown("WARNING"), ElementsAre("WARNING", "ERROR", "CRITICAL"));
  EXPECT_THAT(levels_shown("ERROR"), ElementsAre("ERROR", "CRITICAL"));
  EXPECT_THAT(levels_shown("CRITICAL"), ElementsAre("CRITICAL"));
}

TEST(Secret, ShowsItselfOnlyOnRequest) {
  EXPECT_EQ(Secret("abc").reveal(), "abc");
  EXPECT_FALSE(Secret("abc").empty());
  EXPECT_TRUE(Secret().empty());
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<std::string, Secret>);
}

}  // namespace
}  // namespace chouette
