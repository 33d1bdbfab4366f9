#pragma once

#include <chouette/plugin.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rpi/rpi.hpp"
#include "support/temp_dir.hpp"

namespace chouette::test {

/// A /sys of its own, laid out after a list in tests/fixtures/rpi, that a test may change.
class Pi {
public:
  /// Nothing below /sys.
  Pi() { std::filesystem::create_directories(sys() / "block"); }

  explicit Pi(const std::string& name) {
    std::ifstream list(std::filesystem::path(CHOUETTE_FIXTURES) / "rpi" / name);
    if (!list) throw std::runtime_error("no fixture " + name);
    for (std::string line; std::getline(list, line);) {
      const auto end = line.find(' ');
      const auto path = line.substr(0, end);
      const auto sign = line.substr(end + 1, 2);
      const auto rest = line.size() > end + 3 ? line.substr(end + 3) : "";
      if (sign == "->") {
        link(path, rest.substr(1));
      } else {
        write(path, rest + "\n");
      }
    }
  }

  std::filesystem::path sys() const { return folder_ / "sys"; }
  std::filesystem::path operator/(std::string_view path) const { return sys() / path; }

  void write(std::string_view path, std::string_view text) const {
    std::filesystem::create_directories((*this / path).parent_path());
    std::ofstream(*this / path, std::ios::binary) << text;
  }

  void link(std::string_view path, const std::string& target) const {
    std::filesystem::create_directories((*this / path).parent_path());
    std::filesystem::create_symlink(target, *this / path);
  }

  void remove(std::string_view path) const {
    if (std::filesystem::remove_all(*this / path) == 0) {
      throw std::runtime_error("no " + std::string(path));
    }
  }

  std::unique_ptr<Plugin> plugin(std::vector<std::string> kinds) const {
    return make_rpi_plugin(
        {.metrics = std::move(kinds), .roots = {.proc = "/nowhere", .sys = sys().string()}});
  }

  Capture capture(std::vector<std::string> kinds) const {
    return plugin(std::move(kinds))->capture(1700001000);
  }

private:
  TempDir folder_;
};

/// Values by name and tags, without the prefix: `temperature zone:cpu-thermal`. Throws if a series
/// has two points.
inline std::map<std::string, double> values_of(const Capture& capture) {
  constexpr std::string_view prefix = "Chouette.rpi.";
  std::map<std::string, double> values;
  for (const auto& metric : capture.metrics) {
    if (!metric.name.starts_with(prefix)) throw std::runtime_error(metric.name);
    auto key = metric.name.substr(prefix.size());
    for (const auto& tag : metric.tags) key += " " + tag;
    if (!values.emplace(key, metric.value).second) throw std::runtime_error("twice: " + key);
  }
  return values;
}

}  // namespace chouette::test
