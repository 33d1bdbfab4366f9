#include "support/json_oracle.hpp"

#include <algorithm>
#include <utility>

namespace chouette::test {

namespace {

using nlohmann::json;

/// src/ reads at least this deep.
constexpr int deep = 15;

std::size_t count_members(const json& document) {
  std::size_t count = document.is_object() ? document.size() : 0;
  if (document.is_structured()) {
    for (const auto& item : document) {
      count += count_members(item);
    }
  }
  return count;
}

}  // namespace

NlohmannReading read_with_nlohmann(std::string_view text, const JsonLook& look) {
  NlohmannReading reading;
  std::size_t members = 0;
  const auto note = [&](int depth, json::parse_event_t event, const json& value) {
    members += event == json::parse_event_t::key ? 1 : 0;
    reading.depth = std::max(reading.depth, depth);
    if (look) {
      look(depth, event, value);
    }
    return true;
  };
  auto document = json::parse(text, note, false);
  // nlohmann takes a NUL for the end.
  reading.comparable = text.find('\0') == std::string_view::npos && reading.depth <= deep;
  if (!document.is_discarded()) {
    reading.comparable = reading.comparable && count_members(document) == members;
    reading.document = std::move(document);
  }
  return reading;
}

}  // namespace chouette::test
