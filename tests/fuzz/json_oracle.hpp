#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace chouette::fuzz {

/// Where the readers of JSON in src/ may differ from nlohmann's.
struct Oracle {
  std::optional<nlohmann::json> document;  ///< None: not JSON.
  bool comparable = true;  ///< Not if it has NULs, a member twice or is nested deeply.
};

/// What nlohmann makes of `text`.
Oracle read_with_nlohmann(std::string_view text);

}  // namespace chouette::fuzz
