#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace chouette::test {

/// What a board printed, and what is to be made of it.
struct RecordedLine {
  std::string name;
  std::string line;      ///< Without its end.
  std::string expected;  ///< One metric a line.
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline RecordedLine recorded_line(const std::string& name) {
  const auto folder = std::filesystem::path(CHOUETTE_FIXTURES) / "tegrastats";
  RecordedLine recorded{.name = name, .expected = text_of(folder / (name + ".expected"))};
  std::istringstream lines(text_of(folder / (name + ".txt")));
  do {
    std::getline(lines, recorded.line);
  } while (recorded.line.starts_with('#'));
  return recorded;
}

inline std::vector<RecordedLine> recorded_lines() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(
           std::filesystem::path(CHOUETTE_FIXTURES) / "tegrastats")) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  std::vector<RecordedLine> all;
  std::transform(names.begin(), names.end(), std::back_inserter(all), recorded_line);
  return all;
}

}  // namespace chouette::test
