#include "support/gauges.hpp"

#include <algorithm>

namespace chouette {

void Gauges::add_fault(std::string_view what, std::string_view why) {
  std::string fault = std::string(what) + ": " + std::string(why);
  std::replace_if(
      fault.begin(), fault.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  capture_.faults.push_back(std::move(fault));
}

}  // namespace chouette
