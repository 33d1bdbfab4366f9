#include "commands/series_lines.hpp"

namespace chouette {
namespace {

/// Within `{"series":[`.
constexpr int between_series = 2;

}  // namespace

std::string SeriesLines::add(std::string_view piece) {
  std::string text;
  for (const char c : piece) {
    if (in_text_) {
      in_text_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
      text += c;
      continue;
    }
    in_text_ = c == '"';
    if (depth_ == between_series && c == '{') text += "\n  ";
    if (depth_ == between_series && c == ']') text += '\n';
    depth_ += c == '{' || c == '[' ? 1 : 0;
    depth_ -= c == '}' || c == ']' ? 1 : 0;
    text += c;
    if (depth_ == 0 && c == '}') text += '\n';
  }
  return text;
}

}  // namespace chouette
