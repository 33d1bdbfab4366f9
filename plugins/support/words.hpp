#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace chouette {

/// The words of a line, which blanks and line ends separate.
std::vector<std::string_view> words_of(std::string_view line);

/// The number that `text` is as a whole; nothing if it is none, or out of range. Does not depend on
/// the locale. `format` is a base or a std::chars_format, as std::from_chars takes it.
template <class Number, class... Format>
std::optional<Number> to_number(std::string_view text, Format... format) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, format...);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace chouette
