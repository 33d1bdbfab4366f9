#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "config/config.hpp"
#include "config/settings_table.hpp"

namespace chouette {
namespace {

using testing::HasSubstr;

TEST(SettingsTable, NamesEachVariableOnce) {
  std::set<std::string> names;
  for (const auto& setting : settings_table()) {
    for (const auto& name : names_of(setting)) {
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_TRUE(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a'; })) << name;
    }
  }
}

TEST(SettingsTable, KeepsGroupsTogether) {
  std::set<std::string_view> groups;
  std::string_view last;
  for (const auto& setting : settings_table()) {
    if (setting.group == last) continue;
    last = setting.group;
    EXPECT_TRUE(groups.insert(last).second) << last;
  }
}

TEST(SettingsTable, HasNoDefaultForASecret) {
  for (const auto& setting : settings_table()) {
    if (setting.is_secret()) {
      EXPECT_EQ(setting.default_text, "") << setting.name;
    }
  }
}

TEST(SettingsHelp, FitsEightyColumnsOfAscii) {
  std::istringstream lines(settings_help());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80) << line;
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(SettingsHelp, ShowsEachNameAndDefault) {
  const auto help = settings_help();
  const auto page = settings_markdown();
  for (const auto& setting : settings_table()) {
    for (const auto& name : names_of(setting)) {
      EXPECT_THAT(help, HasSubstr(name));
      EXPECT_THAT(page, HasSubstr("`" + name + "`"));
    }
    const auto default_text =
        setting.default_text.empty() ? "none" : std::string(setting.default_text);
    EXPECT_THAT(help, HasSubstr("  " + std::string(setting.name) + " (default: " + default_text));
    if (!setting.default_text.empty()) {
      EXPECT_THAT(page, HasSubstr("`" + default_text + "`"));
    }
  }
}

// The page that is checked in is what the table says. When this fails, the new page lies in the
// file named: copy it over the old one.
TEST(SettingsMarkdown, IsTheCheckedInPage) {
  std::ifstream file(CHOUETTE_DOCS "/configuration.md", std::ios::binary);
  std::ostringstream page;
  page << file.rdbuf();
  if (page.str() == settings_markdown()) return;
  const std::string renewed = testing::TempDir() + "configuration.md";
  std::ofstream(renewed, std::ios::binary) << settings_markdown();
  FAIL() << "docs/configuration.md is out of date; the new page is " << renewed;
}

}  // namespace
}  // namespace chouette
