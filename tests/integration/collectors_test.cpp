// All built-in plugins in the real agent, everything switched on: what arrives is what
// docs/collectors.md says.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "plugins.hpp"
#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/plugin_surroundings.hpp"

namespace chouette::test {
namespace {

using Names = std::set<std::string>;

/// A row of the tables in docs/collectors.md.
struct Row {
  std::string type;
  Names tags;
};

/// The words between backquotes.
Names words_of(const std::string& cell) {
  Names words;
  for (std::size_t at = cell.find('`'); at != std::string::npos;) {
    const auto end = cell.find('`', at + 1);
    words.insert(cell.substr(at + 1, end - at - 1));
    at = cell.find('`', end + 1);
  }
  return words;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::map<std::string, Row> documented() {
  std::map<std::string, Row> rows;
  std::ifstream page(std::string(CHOUETTE_DOCS) + "/collectors.md");
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) {
      continue;
    }
    std::istringstream text(line.substr(2));
    std::vector<std::string> cells;
    for (std::string cell; std::getline(text, cell, '|');) {
      cells.push_back(cell);
    }
    EXPECT_EQ(cells.size(), 6U) << line;
    const auto name = *words_of(cells.at(0)).begin();
    EXPECT_TRUE(rows.emplace(name, Row{trimmed(cells.at(2)), words_of(cells.at(3))}).second)
        << name;
  }
  return rows;
}

struct Arrived {
  std::set<std::string> types;
  std::set<Names> tags;
};

std::map<std::string, Arrived> arrived_at(const Intake& intake) {
  std::map<std::string, Arrived> all;
  for (const auto& [id, points] : intake.series()) {
    auto& arrived = all[id.metric];
    Names keys;
    std::istringstream tags(id.tags);
    for (std::string tag; std::getline(tags, tag, ',');) {
      keys.insert(tag.substr(0, tag.find(':')));
    }
    arrived.tags.insert(keys);
    for (const auto& [second, point] : points) {
      arrived.types.insert(point.type);
    }
  }
  return all;
}

std::string all_plugins() {
  std::string all;
  for (const auto& row : plugin_table()) {
    all += (all.empty() ? "" : ",") + std::string(row.name);
  }
  return all;
}

bool is_own(const std::string& name) {
  return name.starts_with("chouette.");
}

TEST(Collectors, SendWhatTheirDocumentationSaysAndNothingElse) {
  const PluginSurroundings around;
  const Intake intake;
  auto settings = around.settings_for_all_metrics();
  settings["COLLECTOR_PLUGINS"] = all_plugins();
  AgentProcess agent(around.redis(), intake, settings);
  const auto rows = documented();
  Names missing;
  const auto complete = [&] {
    const auto arrived = arrived_at(intake);
    missing.clear();
    for (const auto& [name, row] : rows) {
      if (!is_own(name) && !arrived.contains(name)) {
        missing.insert(name);
      }
    }
    return missing.empty() && arrived.contains("chouette.plugin.duration") &&
           arrived.contains("chouette.dispatched.metrics.number");
  };
  EXPECT_TRUE(intake.wait_until(complete, std::chrono::seconds(30)))
      << "missing: " << testing::PrintToString(missing);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  for (const auto& [name, arrived] : arrived_at(intake)) {
    if (name == "door.open") {
      continue;  // the command's
    }
    const auto row = rows.find(name);
    if (row == rows.end()) {
      ADD_FAILURE() << name << " is not documented";
      continue;
    }
    EXPECT_EQ(arrived.types, std::set<std::string>{row->second.type}) << name;
    EXPECT_EQ(arrived.tags, std::set<Names>{row->second.tags}) << name;
  }
  EXPECT_EQ(intake.sum("door.open") > 0, true);
  EXPECT_EQ(agent.count_in_log("plugin"), 1U) << agent.out();  // the line at the start names them
  EXPECT_TRUE(intake.violations().empty()) << testing::PrintToString(intake.violations());
}

}  // namespace
}  // namespace chouette::test
