#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chouette {

/// The most that a rejected queue keeps; the oldest make room.
inline constexpr std::size_t rejected_limit = 1000;

/// A record that the intake refused, as it is kept for people.
struct RejectedRecord {
  std::string answer;  ///< What the intake said.
  std::string record;  ///< The record as it was queued.
};

/// `{"answer": "…", "record": "…"}`
std::string to_json(const RejectedRecord& rejected);

/// None if it is not such a text.
std::optional<RejectedRecord> read_rejected(std::string_view json);

}  // namespace chouette
