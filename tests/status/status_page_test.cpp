// docs/status.md and what the agent tells, compared in both directions.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "status/status_texts.hpp"
#include "support/doc_tables.hpp"

namespace chouette::test {
namespace {

using nlohmann::json;

/// Everything that may be known is known.
Status full() {
  Status status;
  status.version = "1.2.3";
  status.time = 1795416000;
  status.uptime = 12600;
  status.actors = {{.name = "aggregator", .silent = 2, .patience = 120}};
  status.redis = {true, "Redis answers: OOM"};
  status.queues = {{"points", 12, 1795415990}};
  status.deliveries = {{.kind = "metrics",
                        .last_release = 1795415990,
                        .next_release = 1795416050,
                        .last_success = 1795415990,
                        .last_answer = "HTTP 202",
                        .delivered = 1234567,
                        .bytes = 61728}};
  status.key = KeyStatus::accepted;
  status.clock_offset = 0.2;
  status.plugins = {{.name = "host",
                     .last_success = 1795415990,
                     .last_failure = 1795415990,
                     .faults = {"fs: Input/output error"},
                     .duration = 0.0021,
                     .captures = 420,
                     .failures = 1}};
  return status;
}

/// Nothing that may be unknown is known.
Status bare() {
  Status status;
  status.actors.emplace_back();
  status.queues.emplace_back();
  status.deliveries.emplace_back();
  status.plugins.emplace_back();
  return status;
}

std::string type_of(const json& value) {
  if (value.is_boolean()) return "boolean";
  if (value.is_string()) return "text";
  if (value.is_array()) return "list of texts";
  if (value.is_number_unsigned()) return "whole number";
  return value.is_number() ? "number" : "null";
}

/// Types by path: `redis.error`, `queues[].name`.
void add_fields(const json& value, const std::string& path,
                std::map<std::string, std::string>& to) {
  const bool of_objects =
      value.is_array() &&
      std::any_of(value.begin(), value.end(), [](const json& item) { return item.is_object(); });
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      add_fields(member, path.empty() ? name : path + '.' + name, to);
    }
  } else if (of_objects) {
    for (const auto& item : value) add_fields(item, path + "[]", to);
  } else {
    to[path] = type_of(value);
  }
}

/// As the page writes them: "number or null".
std::map<std::string, std::string> fields_told() {
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> without;
  add_fields(json::parse(to_json(full())), "", types);
  add_fields(json::parse(to_json(bare())), "", without);
  for (auto& [path, type] : types) {
    if (without[path] == "null") type += " or null";
  }
  return types;
}

TEST(StatusPage, HasEachFieldOfStatusWithItsTypeAndNoOther) {
  std::map<std::string, std::string> documented;
  for (const auto& row : rows_of_page(read_page("status.md"), "## Fields of /status")) {
    EXPECT_EQ(row.size(), 4U) << row[0];
    EXPECT_TRUE(documented.emplace(quoted_in(row[0]).at(0), row.at(1)).second) << row[0];
  }
  EXPECT_EQ(documented, fields_told());
}

struct Family {
  std::string type;
  std::set<std::string> labels;
  bool operator==(const Family&) const = default;
};

void PrintTo(const Family& family, std::ostream* out) {
  *out << family.type;
  for (const auto& label : family.labels) *out << ' ' << label;
}

/// Types and labels by name.
std::map<std::string, Family> families_told() {
  std::map<std::string, Family> families;
  std::istringstream lines(to_prometheus(full()));
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark;
    std::string kind;
    if (line.starts_with("# TYPE ")) {
      words >> mark >> kind >> name;
      words >> families[name].type;
    } else if (line.starts_with(name + '{')) {
      // No label's value has a comma here.
      std::istringstream labels(line.substr(name.size() + 1, line.find('}') - name.size() - 1));
      for (std::string label; std::getline(labels, label, ',');) {
        families[name].labels.insert(label.substr(0, label.find('=')));
      }
    }
  }
  return families;
}

TEST(StatusPage, HasEachMetricWithItsTypeAndLabelsAndNoOther) {
  std::map<std::string, Family> documented;
  for (const auto& row : rows_of_page(read_page("status.md"), "## Metrics of /metrics")) {
    EXPECT_EQ(row.size(), 4U) << row[0];
    const auto labels = quoted_in(row.at(2));
    EXPECT_TRUE(
        documented
            .emplace(quoted_in(row[0]).at(0), Family{row.at(1), {labels.begin(), labels.end()}})
            .second)
        << row[0];
  }
  EXPECT_EQ(documented, families_told());
}

}  // namespace
}  // namespace chouette::test
