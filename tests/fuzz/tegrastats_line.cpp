// Reads any text as a line of tegrastats: without harm, and with nothing but usable values.

#include "tegrastats/tegrastats_line.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "input.hpp"

namespace chouette::fuzz {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 60;

void check_memory(const std::optional<TegraMemory>& memory) {
  check(!memory ||
            (memory->used >= 0 && memory->free >= 0 && memory->used <= most_bytes - memory->free),
        "memory in range");
}

void check_values(const std::vector<TegraValue>& values, double least, double most) {
  std::set<std::string> names;
  for (const auto& [name, value] : values) {
    check(std::isfinite(value) && value >= least && value <= most, "a value in range");
    check(names.insert(name).second, "each name once");
    check(!name.empty() && name.size() <= 64 &&
              std::all_of(
                  name.begin(), name.end(),
                  [](char c) { return c > ' ' && c <= '~' && c != '@' && c != ',' && c != ':'; }),
          "a name that may be a tag");
  }
  check(values.size() <= 100, "a bounded number of values");
}

void run(std::string_view text) {
  const auto line = parse_tegrastats(text);
  check_memory(line.ram);
  check_memory(line.swap);
  check(!line.gpu || (*line.gpu >= 0 && *line.gpu <= 100), "a percentage");
  check_values(line.temperatures, -64, 191);
  check_values(line.powers, 0, HUGE_VAL);

  // What follows cannot change what was understood, but for the busiest of several GPUs.
  const auto longer = parse_tegrastats(std::string(text) + " RAM 1/1MB XYZ@1C XYZ 1/1");
  check(!line.ram || line.ram == longer.ram, "the first memory counts");
  check(std::equal(line.temperatures.begin(), line.temperatures.end(), longer.temperatures.begin()),
        "zones in their order");
  check(std::equal(line.powers.begin(), line.powers.end(), longer.powers.begin()),
        "rails in their order");
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
