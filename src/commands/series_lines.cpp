#include "commands/series_lines.hpp"

namespace chouette {
namespace {

/// Within `{"series":[`.
constexpr int between_series = 2;

}  // namespace

std::string with_line_breaks(std::string_view payload) {
  std::string text;
  int depth = 0;
  bool in_text = false;
  bool escaped = false;
  for (const char c : payload) {
    if (in_text) {
      in_text = escaped || c != '"';
      escaped = !escaped && c == '\\';
      text += c;
      continue;
    }
    in_text = c == '"';
    if (depth == between_series && c == '{') text += "\n  ";
    if (depth == between_series && c == ']') text += '\n';
    depth += c == '{' || c == '[' ? 1 : 0;
    depth -= c == '}' || c == ']' ? 1 : 0;
    text += c;
  }
  return text + '\n';
}

}  // namespace chouette
