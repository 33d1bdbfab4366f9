#include "metrics/wrappers.hpp"

#include <algorithm>
#include <array>

#include "metrics/wrappers/datadog.hpp"
#include "metrics/wrappers/simple.hpp"

namespace chouette {

std::span<const WrapperEntry> wrapper_table() {
  static constexpr std::array<WrapperEntry, 2> table{{
      {"datadog", make_datadog_wrapper},
      {"simple", make_simple_wrapper},
  }};
  return table;
}

std::unique_ptr<Wrapper> make_wrapper(std::string_view name, const WrapperSettings& settings) {
  const auto table = wrapper_table();
  const auto entry = std::find_if(table.begin(), table.end(),
                                  [name](const WrapperEntry& row) { return row.name == name; });
  return entry == table.end() ? nullptr : entry->make(settings);
}

}  // namespace chouette
