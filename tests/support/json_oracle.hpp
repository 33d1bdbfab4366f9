#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace chouette::test {

/// What nlohmann makes of a text, and where the readers of JSON in src/ may differ from it.
struct NlohmannReading {
  std::optional<nlohmann::json> document;  ///< None: not JSON.
  int depth = 0;                           ///< Lists and objects around the innermost value.
  bool comparable = true;  ///< Not if it has NULs, a member twice or is nested deeply.
};

/// Is told of each value, with the depth that it has, as nlohmann comes by it.
using JsonLook = std::function<void(int, nlohmann::json::parse_event_t, const nlohmann::json&)>;

/// For any `text`; recurses as deeply as it is nested.
NlohmannReading read_with_nlohmann(std::string_view text, const JsonLook& look = {});

}  // namespace chouette::test
