#include "json_oracle.hpp"

#include <exception>

namespace chouette::fuzz {

namespace {

/// src/ reads at least this deep.
constexpr int deep = 15;

std::size_t count_members(const nlohmann::json& json) {
  std::size_t count = json.is_object() ? json.size() : 0;
  if (json.is_structured()) {
    for (const auto& item : json) {
      count += count_members(item);
    }
  }
  return count;
}

}  // namespace

Oracle read_with_nlohmann(std::string_view text) {
  Oracle oracle;
  // nlohmann takes a NUL for the end.
  oracle.comparable = text.find('\0') == std::string_view::npos;
  std::size_t members = 0;
  const auto look = [&](int depth, nlohmann::json::parse_event_t event, const nlohmann::json&) {
    members += event == nlohmann::json::parse_event_t::key ? 1 : 0;
    oracle.comparable = oracle.comparable && depth <= deep;
    return true;
  };
  try {
    oracle.document = nlohmann::json::parse(text, look);
  } catch (const std::exception&) {
    return oracle;
  }
  oracle.comparable = oracle.comparable && count_members(*oracle.document) == members;
  return oracle;
}

}  // namespace chouette::fuzz
