#include "metrics/record_frame.hpp"

#include <charconv>
#include <cstddef>
#include <system_error>

namespace chouette {

namespace {

/// Skips all up to the value of a field. Its name is looked for without its first quote: quotes are
/// what most texts are full of.
bool skip_to_value(std::string_view json, std::string_view name_end, std::size_t& at) {
  const auto found = json.find(name_end, at);
  if (found == std::string_view::npos || found == 0 || json[found - 1] != '"') {
    return false;
  }
  at = found + name_end.size();
  while (at < json.size() && json[at] == ' ') {
    ++at;
  }
  return at < json.size();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Digits of the longest whole numbers that 64 bits hold for sure.
constexpr std::size_t most_digits = 18;

/// False for what std::from_chars reads and JSON does not allow: no digit before or after a point,
/// more after a zero, words; and for what JsonReader has a way of its own with: integers beyond 64
/// bits, -0.
bool is_usual_number(std::string_view text) {
  const auto digits = text.substr(text.front() == '-' ? 1 : 0);
  const auto point = digits.find('.');
  if (digits.size() > most_digits && digits.find_first_of(".eE") == std::string_view::npos) {
    return false;
  }
  return is_digit(digits.front()) && is_digit(digits.back()) &&
         (digits.front() != '0' || (digits.size() > 1 ? !is_digit(digits[1]) : digits == text)) &&
         (point == std::string_view::npos || is_digit(digits[point + 1]));
}

/// Reads the number at `at` and skips it.
template <class Number>
bool read_number(std::string_view json, std::size_t& at, Number& out) {
  const auto* const begin = json.data() + at;
  const auto read = std::from_chars(begin, json.data() + json.size(), out);
  if (read.ec != std::errc()) {
    return false;
  }
  at = read.ptr - json.data();
  return is_usual_number({begin, read.ptr});
}

bool skip(std::string_view json, char c, std::size_t& at) {
  return at < json.size() && json[at++] == c;
}

/// Skips a text up to a closing bracket.
std::string_view read_list(std::string_view json, std::size_t& at) {
  const auto begin = at;
  const auto last = json.find(']', begin);
  at = last == std::string_view::npos ? json.size() : last + 1;
  return json.substr(begin, at - begin);
}

}  // namespace

std::optional<FramedRecord> cut(std::string_view json) {
  FramedRecord record;
  std::size_t at = 0;
  if (!skip_to_value(json, R"(value":)", at)) {
    return std::nullopt;
  }
  record.before = json.substr(0, at);
  if (json[at] == '[') {
    record.list = read_list(json, at);
  } else if (!read_number(json, at, record.value)) {
    return std::nullopt;
  }
  const auto between = at;
  if (!skip_to_value(json, R"(timestamp":)", at)) {
    return std::nullopt;
  }
  record.between = json.substr(between, at - between);
  if (!read_number(json, at, record.timestamp)) {
    return std::nullopt;
  }
  record.after = json.substr(at);
  return record;
}

std::optional<FramedPoint> cut_point(std::string_view json) {
  FramedPoint point;
  std::size_t at = 0;
  if (!skip_to_value(json, R"(points":[[)", at)) {
    return std::nullopt;
  }
  point.before = json.substr(0, at);
  if (!read_number(json, at, point.second) || !skip(json, ',', at) ||
      !read_number(json, at, point.value) || !skip(json, ']', at)) {
    return std::nullopt;
  }
  point.after = json.substr(at);
  return point;
}

std::string joined(const FramedRecord& frame, std::string_view value, std::string_view timestamp) {
  std::string json(frame.before);
  json.append(value).append(frame.between).append(timestamp).append(frame.after);
  return json;
}

}  // namespace chouette
