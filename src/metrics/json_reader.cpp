#include "metrics/json_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace chouette {

namespace {

// Records nest two levels deep; a limit keeps the slow path's recursion off the stack's end.
constexpr int max_depth = 16;

/// The same JSON with its big integers as doubles; empty if it is no JSON or too deep.
std::string with_big_integers_as_doubles(std::string_view json) {
  const auto limit_depth = [](int depth, auto, auto&) {
    if (depth > max_depth) {
      throw std::length_error("too deep");
    }
    return true;
  };
  if (json.find('\0') != std::string_view::npos) {
    return {};  // nlohmann takes it for the end.
  }
  try {
    // Most of what comes here is no JSON: refused without an exception in a fifth of the time.
    const auto document = nlohmann::json::parse(json, limit_depth, false);
    return document.is_discarded() ? std::string() : document.dump();
  } catch (const std::exception&) {
    return {};
  }
}

template <class Integer>
void append_integer(Integer number, std::string& out) {
  std::array<char, 32> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), result.ptr);
}

/// With an exponent only where Python writes one: below 1e-4 and from 1e16 on.
void append_double(double number, std::string& out) {
  const auto size = std::abs(number);
  const auto plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto begin = out.size();
  std::array<char, 32> text;
  const auto result =
      std::to_chars(text.data(), text.data() + text.size(), number,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(text.data(), result.ptr);
  if (plain && out.find('.', begin) == std::string::npos) {
    out.append(".0");
  }
}

}  // namespace

simdjson::simdjson_result<simdjson::dom::element> JsonReader::parse(std::string_view json) {
  auto document = parser_.parse(json.data(), json.size());
  if (document.error() == simdjson::SUCCESS) {
    return document;
  }
  rewritten_ = with_big_integers_as_doubles(json);
  return parser_.parse(rewritten_);
}

bool append_scalar(const simdjson::dom::element& element, std::string& out) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::STRING:
      out.append(std::string_view(element));
      return true;
    case element_type::INT64:
      append_integer(std::int64_t(element), out);
      return true;
    case element_type::UINT64:
      append_integer(std::uint64_t(element), out);
      return true;
    case element_type::DOUBLE: {
      append_double(double(element), out);
      return true;
    }
    case element_type::BOOL:
      out.append(bool(element) ? "True" : "False");
      return true;
    case element_type::NULL_VALUE:
      out.append("None");
      return true;
    default:
      return false;
  }
}

}  // namespace chouette
