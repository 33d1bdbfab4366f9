#include "support/doc_tables.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <sstream>

#include "support/child_process.hpp"

namespace chouette::test {
namespace {

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace

std::vector<DocRow> rows_of_page(const std::string& page, const std::string& heading) {
  const auto marks = heading.substr(0, heading.find(' ') + 1);
  std::vector<DocRow> rows;
  std::istringstream lines(page);
  bool within = heading.empty();
  for (std::string line; std::getline(lines, line);) {
    if (!heading.empty() && line.starts_with(marks)) within = line == heading;
    if (!within || !line.starts_with("| `")) continue;
    auto& row = rows.emplace_back();
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
  }
  return rows;
}

std::vector<std::string> quoted_in(const std::string& text) {
  std::vector<std::string> found;
  for (auto at = text.find('`'); at != std::string::npos;) {
    const auto end = text.find('`', at + 1);
    if (end == std::string::npos) break;
    found.push_back(text.substr(at + 1, end - at - 1));
    at = text.find('`', end + 1);
  }
  return found;
}

std::string read_page(const std::string& name) {
  auto page = read_file(std::string(CHOUETTE_DOCS) + '/' + name);
  EXPECT_NE(page, "") << name;
  return page;
}

}  // namespace chouette::test
