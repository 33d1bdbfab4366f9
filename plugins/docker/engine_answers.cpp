#include "docker/engine_answers.hpp"

#include <algorithm>
#include <set>
#include <system_error>

#include "metrics/json_reader.hpp"
#include "support/words.hpp"

namespace chouette::docker {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t longest_name = 200;
constexpr std::size_t longest_message = 200;

dom::object object_in(const dom::element& element, std::string_view what) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    throw ParseError(std::string(what) + " is not an object");
  }
  return object;
}

/// Lives as long as the reader.
dom::element read(JsonReader& reader, std::string_view json) {
  dom::element document;
  if (reader.parse(json).get(document) != simdjson::SUCCESS) throw ParseError("not JSON");
  return document;
}

std::optional<dom::element> member(const dom::object& object, std::string_view key) {
  dom::element element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) {
    return std::nullopt;
  }
  return element;
}

std::optional<dom::object> object_member(const dom::object& object, std::string_view key) {
  const auto element = member(object, key);
  if (!element) return std::nullopt;
  return object_in(*element, key);
}

std::optional<double> number_member(const dom::object& object, std::string_view key) {
  const auto element = member(object, key);
  if (!element) return std::nullopt;
  double number = 0;
  if (element->get(number) != simdjson::SUCCESS || number < 0) {
    throw ParseError(std::string(key) + " is not a number of 0 or more");
  }
  return number;
}

/// Empty if it is missing or no text.
std::string_view text_member(const dom::object& object, std::string_view key) {
  std::string_view text;
  if (object.at_key(key).get(text) != simdjson::SUCCESS) return {};
  return text;
}

bool is_id(std::string_view text) {
  constexpr std::size_t longest_id = 64;
  return !text.empty() && text.size() <= longest_id &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// Of at most `longest` bytes, cut between two characters.
std::string for_tag(std::string_view text, std::size_t longest) {
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) >> 6) == 2; };
  std::size_t size = std::min(text.size(), longest);
  while (size > 0 && size < text.size() && is_continuation(text[size])) --size;
  std::string tag(text.substr(0, size));
  std::replace_if(
      tag.begin(), tag.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '_');
  return tag;
}

std::vector<std::string_view> names_in(const dom::object& container) {
  std::vector<std::string_view> names;
  dom::array array;
  if (container.at_key("Names").get(array) != simdjson::SUCCESS) return names;
  for (const auto element : array) {
    std::string_view name;
    if (element.get(name) == simdjson::SUCCESS) names.push_back(name);
  }
  return names;
}

std::vector<Interface> interfaces_in(const dom::object& stats) {
  std::vector<Interface> interfaces;
  std::set<std::string> names;
  const auto networks = object_member(stats, "networks");
  if (!networks) return interfaces;
  for (const auto network : *networks) {
    const auto bytes = object_in(network.value, "a network");
    auto name = for_tag(network.key, longest_name);
    if (!names.insert(name).second) continue;
    interfaces.push_back({.name = std::move(name),
                          .received = number_member(bytes, "rx_bytes"),
                          .sent = number_member(bytes, "tx_bytes")});
  }
  return interfaces;
}

/// What cgroup v1 counts for the container and all below it; v2 has only that, by another name.
std::optional<double> inactive_file_in(const dom::object& memory) {
  const auto pages = object_member(memory, "stats");
  if (!pages) return std::nullopt;
  const auto total = number_member(*pages, "total_inactive_file");
  return total ? total : number_member(*pages, "inactive_file");
}

}  // namespace

ContainerList parse_containers(std::string_view json) {
  JsonReader reader;
  dom::array entries;
  if (read(reader, json).get(entries) != simdjson::SUCCESS) throw ParseError("not a list");
  ContainerList list;
  std::set<std::string_view> ids;
  for (const auto entry : entries) {
    dom::object container;
    const bool is_object = entry.get(container) == simdjson::SUCCESS;
    const auto id = is_object ? text_member(container, "Id") : std::string_view{};
    if (!is_id(id)) {
      ++list.unusable;
      continue;
    }
    if (!ids.insert(id).second) continue;
    list.containers.push_back({.id = std::string(id),
                               .name = name_of(id, names_in(container)),
                               .state = std::string(text_member(container, "State"))});
  }
  return list;
}

std::string name_of(std::string_view id, const std::vector<std::string_view>& names) {
  constexpr std::size_t short_id = 12;
  for (auto name : names) {
    if (name.starts_with('/')) name.remove_prefix(1);
    if (!name.empty() && name.find('/') == std::string_view::npos) {
      return for_tag(name, longest_name);
    }
  }
  return std::string(id.substr(0, short_id));
}

Stats parse_stats(std::string_view json) {
  constexpr std::string_view never = "0001-";
  JsonReader reader;
  const auto answer = object_in(read(reader, json), "it");
  Stats stats;
  if (text_member(answer, "read").starts_with(never)) return stats;
  if (const auto cpu = object_member(answer, "cpu_stats")) {
    if (const auto usage = object_member(*cpu, "cpu_usage")) {
      stats.cpu = number_member(*usage, "total_usage");
    }
  }
  if (const auto memory = object_member(answer, "memory_stats")) {
    stats.memory = number_member(*memory, "usage");
    stats.inactive_file = inactive_file_in(*memory);
  }
  stats.interfaces = interfaces_in(answer);
  return stats;
}

std::optional<double> working_set(const Stats& stats) {
  if (!stats.memory || !stats.inactive_file) return std::nullopt;
  return std::max(*stats.memory - *stats.inactive_file, 0.0);
}

std::optional<double> parse_restart_count(std::string_view json) {
  JsonReader reader;
  return number_member(object_in(read(reader, json), "it"), "RestartCount");
}

std::string parse_message(std::string_view json) {
  JsonReader reader;
  dom::element document;
  dom::object answer;
  if (reader.parse(json).get(document) != simdjson::SUCCESS ||
      document.get(answer) != simdjson::SUCCESS) {
    return {};
  }
  std::string message(text_member(answer, "message").substr(0, longest_message));
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return message;
}

std::optional<ApiVersion> parse_api_version(std::string_view text) {
  constexpr unsigned largest = 9999;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto major_number = to_number<unsigned>(text.substr(0, dot));
  const auto minor_number = to_number<unsigned>(text.substr(dot + 1));
  if (!major_number || !minor_number || std::max(*major_number, *minor_number) > largest) {
    return std::nullopt;
  }
  return ApiVersion{*major_number, *minor_number};
}

}  // namespace chouette::docker
