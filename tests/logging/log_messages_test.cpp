// docs/log-messages.md and the messages in the sources, compared in both directions.

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/raw_metric.hpp"
#include "support/child_process.hpp"
#include "support/doc_tables.hpp"

namespace chouette::test {
namespace {

namespace fs = std::filesystem;

/// A message's pattern and its level, as the page has them.
using Message = std::pair<std::string, std::string>;

const std::map<std::string, std::string> level_names{{"debug", "DEBUG"},
                                                     {"info", "INFO"},
                                                     {"warn", "WARNING"},
                                                     {"error", "ERROR"},
                                                     {"critical", "CRITICAL"}};

std::size_t skip_space(std::string_view source, std::size_t at) {
  while (at < source.size() && std::isspace(static_cast<unsigned char>(source[at])) != 0) ++at;
  return at;
}

/// The string literal, in as many pieces as it comes, that stands at `at`; none if something else
/// does.
std::optional<std::string> literal_at(std::string_view source, std::size_t at) {
  std::optional<std::string> text;
  for (at = skip_space(source, at); at < source.size() && source[at] == '"';
       at = skip_space(source, at + 1)) {
    if (!text) text.emplace();
    for (++at; at < source.size() && source[at] != '"'; ++at) {
      if (source[at] == '\\') ++at;
      *text += source[at];
    }
  }
  return text;
}

/// A format string as the page writes it: one … for whatever stands in its place.
std::string pattern_of(const std::string& format) {
  constexpr std::string_view ellipsis = "…";
  std::string pattern;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '{') {
      pattern += format[at];
      continue;
    }
    at = format.find('}', at);
    if (at == std::string::npos) break;
    if (!pattern.ends_with(ellipsis)) pattern += ellipsis;
  }
  return pattern;
}

std::vector<fs::path> sources_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") paths.push_back(entry.path());
  }
  return paths;
}

const fs::path root = fs::path(CHOUETTE_DOCS).parent_path();

/// Calls `take` with what follows each `call` in the sources below `folder`.
template <class Take>
void for_each_call(const fs::path& folder, const std::string& call, Take take) {
  for (const auto& path : sources_in(folder)) {
    const auto source = read_file(path);
    for (auto at = source.find(call); at != std::string::npos; at = source.find(call, at + 1)) {
      take(path, std::string_view(source).substr(at + call.size()));
    }
  }
}

std::set<Message> messages_in_sources() {
  std::set<Message> messages;
  for (const auto* const folder : {"src", "plugins"}) {
    for (const auto& [function, level] : level_names) {
      const auto call = "spdlog::" + function + '(';
      for_each_call(root / folder, call, [&, &level = level](const fs::path& path, auto rest) {
        const auto format = literal_at(rest, 0);
        ASSERT_TRUE(format) << path << ": the text of " << call << " is no literal";
        messages.emplace(pattern_of(*format), level);
      });
    }
    for (const auto* const other : {"spdlog::log(", "spdlog::trace(", "SPDLOG_", "->log("}) {
      for_each_call(root / folder, other, [&](const fs::path& path, auto) {
        ADD_FAILURE() << path << ": this test does not see messages by " << other;
      });
    }
  }
  return messages;
}

std::set<Message> messages_on_page() {
  std::set<Message> messages;
  for (const auto& row : rows_of_page(read_page("log-messages.md"))) {
    if (!row[0].starts_with("`[")) continue;
    EXPECT_EQ(row.size(), 4U) << row[0];
    for (const auto& cell : row) EXPECT_NE(cell, "") << row[0];
    EXPECT_TRUE(messages.emplace(quoted_in(row[0]).at(0), row.at(1)).second) << row[0];
  }
  return messages;
}

TEST(LogMessagesPage, HasEachMessageOfTheSourcesAndNoOther) {
  const auto written = messages_in_sources();
  const auto documented = messages_on_page();
  EXPECT_GE(written.size(), 30U);
  for (const auto& [pattern, level] : written) {
    EXPECT_TRUE(documented.contains({pattern, level}))
        << "docs/log-messages.md lacks the row\n| `" << pattern << "` | " << level
        << " | meaning | what to do |";
  }
  for (const auto& [pattern, level] : documented) {
    EXPECT_TRUE(written.contains({pattern, level}))
        << "docs/log-messages.md has a message that nothing writes: " << level << ' ' << pattern;
  }
}

// Texts that actors put together before they log them.
TEST(LogMessagesPage, HasTheTextsThatMessagesArePutTogetherFrom) {
  const auto quoted = quoted_in(read_page("log-messages.md"));
  const std::set<std::string> on_page(quoted.begin(), quoted.end());
  std::size_t checked = 0;
  for_each_call(root / "src/actors", "fmt::format(", [&](const fs::path& path, auto rest) {
    const auto format = literal_at(rest, 0);
    if (!format || format->find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos) return;
    EXPECT_TRUE(on_page.contains(pattern_of(*format))) << path << ": " << pattern_of(*format);
    ++checked;
  });
  EXPECT_GE(checked, 6U);
  for (std::size_t i = 0; i < malformed_kinds; ++i) {
    const std::string reason(describe(static_cast<Malformed>(i)));
    EXPECT_TRUE(on_page.contains(reason)) << reason;
  }
}

TEST(LogMessagesPage, IsReadAsItIsMeant) {
  EXPECT_EQ(literal_at("\n  \"a {} \"\n  \"\\\"b\\\"\", 1)", 0), "a {} \"b\"");
  EXPECT_EQ(literal_at(" text)", 0), std::nullopt);
  EXPECT_EQ(pattern_of("[{}] took {:.0f} s {}{}"), "[…] took … s …");
}

}  // namespace
}  // namespace chouette::test
