#include "dramatiq/queue_tag.hpp"

#include <simdjson.h>

#include <algorithm>

namespace chouette {
namespace {

constexpr std::string_view prefix = "dramatiq:";
constexpr std::string_view suffix = ".msgs";
constexpr int longest_tag = 200;  // characters, as Datadog counts

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

bool begins_character(unsigned char c) {
  return (c & 0xc0U) != 0x80U;
}

}  // namespace

std::optional<std::string> queue_tag(std::string_view key) {
  if (!key.starts_with(prefix) || !key.ends_with(suffix)) return std::nullopt;
  key.remove_prefix(prefix.size());
  key.remove_suffix(suffix.size());
  std::string tag = "queue:" + std::string(key);
  if (key.empty() || std::any_of(tag.begin(), tag.end(), is_control) ||
      !simdjson::validate_utf8(tag) ||
      std::count_if(tag.begin(), tag.end(), begins_character) > longest_tag) {
    return std::nullopt;
  }
  return tag;
}

}  // namespace chouette
