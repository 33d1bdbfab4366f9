// The pages for users: every command is marked with where it was run (docs/contributing.md,
// "Commands in the docs"), every link leads somewhere, the index has every page. Blocks that are
// marked with this file are run here, as they stand on the page.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/agent.hpp"
#include "support/child_process.hpp"
#include "support/intake.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

constexpr std::string_view this_test = "tests/integration/docs_test.cpp";
/// The Walkthrough in extension_test.cpp runs each of its blocks that are fenced as "sh".
constexpr std::string_view walked_through = "docs/plugins.md";

fs::path repository() {
  return fs::path(CHOUETTE_DOCS).parent_path();
}

/// All pages for users and for those who contribute, relative to the repository.
Lines pages() {
  Lines found{"README.md", "docker/README.md"};
  for (const auto& entry : fs::directory_iterator(CHOUETTE_DOCS)) {
    if (entry.path().extension() == ".md")
      found.push_back("docs/" + entry.path().filename().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// An indented block of a page.
struct Block {
  std::string place;  ///< PAGE:LINE
  std::string mark;   ///< Its comment without `<!--` and `-->`; empty if there is none.
  Lines lines;        ///< Without the indentation.

  std::string text() const {
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
  }
};

constexpr std::string_view indentation = "    ";

/// The blocks of a page; what is wrong with its marks otherwise becomes a failure of the test.
std::vector<Block> blocks_of(const std::string& page) {
  static const std::regex comment("<!-- (.*) -->");
  std::vector<Block> blocks;
  std::string mark;
  bool fenced = false;
  bool open = false;  // the last block may go on
  bool may_begin = true;
  int number = 0;
  for (const auto& line : lines_of(read_file(repository() / page))) {
    const auto place = page + ':' + std::to_string(++number);
    std::smatch match;
    if (line.starts_with("```")) {
      fenced = !fenced;
      EXPECT_TRUE(!fenced || line.size() > 3) << place << ": a fence without a language";
      EXPECT_TRUE(line != "```sh" || page == walked_through) << place << ": nobody runs this";
      open = false;
    } else if (fenced) {
      continue;
    } else if (line.empty()) {
      if (open) blocks.back().lines.emplace_back();
      may_begin = true;
      continue;
    } else if (line.starts_with(indentation) && (open || may_begin)) {
      if (!open) blocks.push_back({place, mark, {}});
      open = true;
      mark.clear();
      blocks.back().lines.push_back(line.substr(indentation.size()));
    } else {
      EXPECT_EQ(mark, "") << place << ": no block follows the mark";
      open = false;
      mark = std::regex_match(line, match, comment) ? match[1].str() : "";
    }
    may_begin = !mark.empty();
  }
  EXPECT_EQ(mark, "") << page << ": no block follows the mark";
  EXPECT_FALSE(fenced) << page << ": a fence without an end";
  for (auto& block : blocks) {
    while (block.lines.back().empty()) block.lines.pop_back();
  }
  return blocks;
}

std::vector<Block> all_blocks() {
  std::vector<Block> all;
  for (const auto& page : pages()) {
    for (auto& block : blocks_of(page)) all.push_back(std::move(block));
  }
  return all;
}

bool is_command(const Block& block) {
  return block.mark.starts_with("run by: ") || block.mark.starts_with("tried: ") ||
         block.mark.starts_with("not tried");
}

/// The files that are said to run a block: all words that are paths.
Lines runners(const Block& block) {
  Lines files;
  if (!block.mark.starts_with("run by: ")) return files;
  std::istringstream words(block.mark.substr(std::string_view("run by: ").size()));
  for (std::string word; words >> word;) {
    if (word.ends_with(',')) word.pop_back();
    if (word.find('/') != std::string::npos) files.push_back(word);
  }
  return files;
}

/// The name of the program that a line begins with; none for a comment and for nothing.
std::optional<std::string> program_of(const std::string& line) {
  static const std::regex assignment("[A-Za-z_]+=.*");
  static const std::set<std::string> before{"sudo", "(umask", "077;", "$"};
  std::istringstream words(line.substr(0, line.find(" # ")));
  for (std::string word; words >> word;) {
    if (word.starts_with('#')) return std::nullopt;
    if (before.contains(word) || std::regex_match(word, assignment)) continue;
    return fs::path(word).filename().string();
  }
  return std::nullopt;
}

/// The programs that a block of commands calls, by its lines' beginnings. If there are lines that
/// begin with "$ ", the others are what is printed.
std::set<std::string> programs_of(const Block& block) {
  const auto prompts = [](const std::string& line) { return line.starts_with("$ "); };
  const bool with_output = std::any_of(block.lines.begin(), block.lines.end(), prompts);
  std::set<std::string> programs;
  bool goes_on = false;
  for (const auto& line : block.lines) {
    if (const auto program = program_of(line);
        program && !goes_on && (!with_output || prompts(line))) {
      programs.insert(*program);
    }
    goes_on = line.ends_with('\\') || line.ends_with('|') || line.ends_with("&&");
  }
  return programs;
}

TEST(Docs, EachBlockIsMarked) {
  static const std::regex known(
      "run by: .+|tried: [0-9]{4}-[0-9]{2}, .+|not tried(: .+)?|output|configuration(: .+)?");
  for (const auto& block : all_blocks()) {
    EXPECT_TRUE(std::regex_match(block.mark, known))
        << block.place << ": the mark is \"" << block.mark << "\"; see docs/contributing.md";
  }
}

/// Without the lines that are comments.
std::string without_comments(const std::string& text) {
  std::string code;
  for (const auto& line : lines_of(text)) {
    const auto begin = std::min(line.find_first_not_of(' '), line.size());
    const auto rest = std::string_view(line).substr(begin);
    if (!rest.starts_with('#') && !rest.starts_with("//")) code += line + '\n';
  }
  return code;
}

TEST(Docs, WhatIsSaidToRunABlockCallsItsPrograms) {
  for (const auto& block : all_blocks()) {
    if (!block.mark.starts_with("run by: ")) continue;
    const auto files = runners(block);
    EXPECT_FALSE(files.empty()) << block.place;
    std::string texts;
    for (const auto& file : files) {
      EXPECT_TRUE(fs::is_regular_file(repository() / file)) << block.place << ": " << file;
      texts += file + '\n' + without_comments(read_file(repository() / file));
    }
    // What names the page takes the commands from it.
    const auto page = fs::path(block.place.substr(0, block.place.find(':'))).filename().string();
    const auto is_this = [](const std::string& file) { return file == this_test; };
    if (std::any_of(files.begin(), files.end(), is_this) || texts.find(page) != std::string::npos) {
      continue;
    }
    for (const auto& program : programs_of(block)) {
      EXPECT_NE(texts.find(program), std::string::npos)
          << block.place << ": " << program << " is not in " << block.mark;
    }
  }
}

TEST(Docs, WhatIsNoCommandDoesNotBeginLikeOne) {
  const auto blocks = all_blocks();
  std::set<std::string> programs;
  for (const auto& block : blocks) {
    if (is_command(block)) programs.merge(programs_of(block));
  }
  EXPECT_TRUE(programs.contains("docker-compose"));
  for (const auto& block : blocks) {
    if (block.mark.empty() || is_command(block)) continue;
    for (const auto& line : block.lines) {
      const auto program = program_of(line);
      EXPECT_FALSE(program && programs.contains(*program)) << block.place << ": " << line;
    }
  }
}

/// The anchor of a heading, as GitHub makes it.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      anchor += '-';
    } else if (std::isalnum(byte) != 0 || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(byte));
    }
  }
  return anchor;
}

bool has_anchor(const fs::path& page, const std::string& anchor) {
  const auto lines = lines_of(read_file(page));
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    const auto begin = line.find_first_not_of('#');
    return line.starts_with('#') && begin != std::string::npos &&
           anchor_of(line.substr(begin + 1)) == anchor;
  });
}

/// The targets of a page's links to files, resolved; the anchor stands behind a '#'.
Lines links_of(const std::string& page) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  const auto text = read_file(repository() / page);
  Lines targets;
  for (std::sregex_iterator match(text.begin(), text.end(), link), end; match != end; ++match) {
    const auto target = (*match)[1].str();
    if (target.find("://") != std::string::npos) continue;
    const auto hash = std::min(target.find('#'), target.size());
    const auto file =
        hash == 0 ? fs::path(page) : fs::path(page).parent_path() / target.substr(0, hash);
    targets.push_back(file.lexically_normal().string() + target.substr(hash));
  }
  return targets;
}

TEST(Docs, EachLinkLeadsSomewhere) {
  for (const auto& page : pages()) {
    for (const auto& target : links_of(page)) {
      const auto hash = target.find('#');
      const auto file = repository() / target.substr(0, hash);
      EXPECT_TRUE(fs::exists(file)) << page << ": " << target;
      if (hash != std::string::npos) {
        EXPECT_TRUE(has_anchor(file, target.substr(hash + 1))) << page << ": " << target;
      }
    }
  }
}

TEST(Docs, TheIndexHasEachPageAndPlugin) {
  const auto links = links_of("docs/README.md");
  for (const auto& page : pages()) {
    if (page == "docs/README.md") continue;
    EXPECT_THAT(links, testing::Contains(page));
  }
  for (const auto& entry : fs::directory_iterator(repository() / "plugins")) {
    if (!fs::exists(entry.path() / "README.md")) continue;
    EXPECT_THAT(links,
                testing::Contains("plugins/" + entry.path().filename().string() + "/README.md"));
  }
  EXPECT_THAT(links_of("README.md"), testing::Contains("docs/README.md"));
}

TEST(Docs, TheCommandsThatAreMarkedWithThisTestSucceed) {
  const auto bash = find_program("bash");
  if (bash.empty()) GTEST_SKIP() << "bash is not installed";
  RedisServer redis;
  Intake intake;
  TempDir folder;
  auto settings = agent_environment(
      redis, intake,
      {{"HTTP_LISTEN", "unix:" + (folder / "http.sock").string()}, {"COLLECTOR_PLUGINS", "host"}});
  AgentProcess agent(settings);
  ASSERT_TRUE(intake.wait_until([&] { return !intake.points("Chouette.host.la").empty(); }));
  settings["PATH"] =
      fs::path(CHOUETTE_EXECUTABLE).parent_path().string() + ':' + std::getenv("PATH");
  settings["HOME"] = folder.path();

  int runs = 0;
  for (const auto& block : all_blocks()) {
    const auto files = runners(block);
    if (std::find(files.begin(), files.end(), this_test) == files.end()) continue;
    if (block.text().find("| jq ") != std::string::npos && find_program("jq").empty()) {
      std::cout << block.place << ": not run, for jq is not installed\n";
      continue;
    }
    ChildProcess commands({bash, "-euo", "pipefail", "-c", "cd; " + block.text()}, settings);
    EXPECT_EQ(commands.wait(60s), (ExitStatus{0, 0}))
        << block.place << '\n'
        << block.text() << commands.out() << commands.err();
    ++runs;
  }
  EXPECT_GE(runs, 1);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
}

}  // namespace
}  // namespace chouette::test
