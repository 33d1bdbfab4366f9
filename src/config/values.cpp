#include "config/values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace chouette::values {
namespace {

constexpr std::size_t longest_shown = 80;  // characters

tl::unexpected<std::string> refused(const char* why) {
  return tl::unexpected<std::string>(why);
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

template <class Value>
void add_once(std::vector<Value>& values, Value value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) {
    values.push_back(std::move(value));
  }
}

std::vector<std::string_view> split_at_commas(std::string_view text) {
  std::vector<std::string_view> items;
  while (true) {
    const auto comma = text.find(',');
    if (const auto item = trimmed(text.substr(0, comma)); !item.empty()) items.push_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

// Broken JSON must not pass for a comma-separated list, so the first character decides.
bool is_meant_as_json(std::string_view text) {
  return !text.empty() && (text.front() == '[' || text.front() == '{');
}

Parsed<std::vector<std::string>> strings(const std::vector<std::string_view>& items) {
  std::vector<std::string> out;
  for (const auto raw : items) {
    const auto item = trimmed(raw);
    if (std::any_of(item.begin(), item.end(), is_control)) {
      return refused("has a control character");
    }
    if (!item.empty()) add_once(out, std::string(item));
  }
  return out;
}

Parsed<std::vector<std::string>> list_from_json(const nlohmann::json& json) {
  std::vector<std::string_view> items;
  if (!json.is_array()) return refused("is not a list");
  for (const auto& item : json) {
    if (!item.is_string()) return refused("has an item that is not a string");
    items.push_back(item.get_ref<const std::string&>());
  }
  return strings(items);
}

Parsed<std::vector<std::string>> tags_from_json(const nlohmann::json& json) {
  if (!json.is_object()) return list_from_json(json);
  std::vector<std::string> tags;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_primitive() || value.is_null()) {
      return refused("has a member that is not a string, number or boolean");
    }
    tags.push_back(key + ':' + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return strings({tags.begin(), tags.end()});
}

Parsed<std::vector<double>> numbers_from_json(const nlohmann::json& json) {
  if (!json.is_array()) return refused("is not a list");
  std::vector<double> out;
  for (const auto& item : json) {
    if (!item.is_number()) return refused("has an item that is not a number");
    add_once(out, item.get<double>());
  }
  return out;
}

template <class Value>
Parsed<Value> parse_json(std::string_view text, Parsed<Value> (*convert)(const nlohmann::json&)) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return refused("is not valid JSON");
  return convert(json);
}

bool is_ipv6(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));  // `%` begins a zone
  in6_addr unused{};
  return inet_pton(AF_INET6, address.c_str(), &unused) == 1;
}

struct Authority {
  std::string_view host;
  std::optional<std::string_view> port;
};

std::optional<Authority> split_authority(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(close + 1);
    const Authority bare{text.substr(1, close - 1), std::nullopt};
    if (!is_ipv6(bare.host)) return std::nullopt;
    if (rest.empty()) return bare;
    if (!rest.starts_with(':')) return std::nullopt;
    return Authority{bare.host, rest.substr(1)};
  }
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  if (!is_host_name(name)) return std::nullopt;
  if (colon == std::string_view::npos) return Authority{name, std::nullopt};
  return Authority{name, text.substr(colon + 1)};
}

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  // in bytes; 0: not UTF-8
};

// The first character of a text that is not empty.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  struct Form {
    unsigned mask, lead;
    std::size_t length;
    char32_t smallest;
  };
  constexpr std::array<Form, 3> forms{
      {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}}};
  for (const auto& form : forms) {
    if ((lead & form.mask) != form.lead) continue;
    if (text.size() < form.length) return {};
    char32_t code = lead & ~form.mask;
    for (const char c : text.substr(1, form.length - 1)) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte & 0xc0U) != 0x80U) return {};
      code = (code << 6U) | (byte & 0x3fU);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < form.smallest || code > 0x10ffff || surrogate) return {};
    return {code, form.length};
  }
  return {};
}

std::string hex(char32_t code, int digits) {
  constexpr std::string_view alphabet = "0123456789abcdef";
  std::string out;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += alphabet[(code >> shift) & 15U];
  return out;
}

// Everything that could end a line or move the cursor somewhere.
std::optional<std::string> escape(char32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  if (code < 0x20 || code == 0x7f) return "\\x" + hex(code, 2);
  const bool c1 = code >= 0x80 && code <= 0x9f;
  const bool separator_or_direction =
      (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  if (c1 || separator_or_direction) return "\\u" + hex(code, 4);
  return std::nullopt;
}

std::string mapped(std::string_view text, char first, char last, int offset) {
  std::string out(text);
  for (char& c : out) {
    if (c >= first && c <= last) c = static_cast<char>(c + offset);
  }
  return out;
}

}  // namespace

Parsed<std::int64_t> whole_number(std::string_view text, std::int64_t min, std::int64_t max) {
  text = trimmed(text);
  std::int64_t number = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error == std::errc::invalid_argument || end != last) return refused("is not a whole number");
  if (error != std::errc{} || number < min || number > max) return refused("is out of range");
  return number;
}

Parsed<bool> boolean(std::string_view text) {
  const auto word = to_lower(trimmed(text));
  if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "0" || word == "no" || word == "off") return false;
  return refused("is not a boolean");
}

Parsed<std::vector<std::string>> list(std::string_view text) {
  text = trimmed(text);
  if (is_meant_as_json(text)) return parse_json(text, list_from_json);
  return strings(split_at_commas(text));
}

Parsed<std::vector<std::string>> tags(std::string_view text) {
  text = trimmed(text);
  if (is_meant_as_json(text)) return parse_json(text, tags_from_json);
  return strings(split_at_commas(text));
}

Parsed<std::vector<double>> numbers(std::string_view text) {
  text = trimmed(text);
  if (is_meant_as_json(text)) return parse_json(text, numbers_from_json);
  std::vector<double> out;
  for (const auto item : split_at_commas(text)) {
    double number = 0;
    const auto* const last = item.data() + item.size();
    const auto [end, error] = std::from_chars(item.data(), last, number);
    if (error != std::errc{} || end != last || !std::isfinite(number)) {
      return refused("has an item that is not a number");
    }
    add_once(out, number);
  }
  return out;
}

Parsed<std::string> url(std::string_view text) {
  text = trimmed(text);
  const auto mark = text.find("://");
  const auto scheme = to_lower(text.substr(0, mark));
  if (mark == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return refused("is not an http or https URL");
  }
  // Wherever it stands: a password may hold slashes, and no intake's path holds an `@`.
  if (text.find('@') != std::string_view::npos) return refused("has a user name or password");
  if (text.find_first_of("?#") != std::string_view::npos) {
    return refused("has a query or a fragment");
  }
  if (!is_printable_ascii(text)) return refused("has a space or a character that is not ASCII");

  const auto rest = text.substr(mark + 3);
  const auto authority = rest.substr(0, rest.find('/'));
  const auto parts = split_authority(authority);
  if (!parts) return refused("has no valid host");
  if (parts->port && !whole_number(*parts->port, 1, 65535)) return refused("has no valid port");
  const auto end = rest.find_last_not_of('/');
  return scheme + "://" + std::string(rest.substr(0, end + 1));
}

Parsed<std::uint16_t> port(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("tcp://")) {
    const auto parts = split_authority(text.substr(6));
    if (!parts || !parts->port) return refused("has no port");
    text = *parts->port;
  }
  return whole_number(text, 1, 65535).map([](std::int64_t number) {
    return static_cast<std::uint16_t>(number);
  });
}

Parsed<std::string> host(std::string_view text) {
  text = trimmed(text);
  if (!is_host_name(text) && !is_ipv6(text)) return refused("is not a host");
  return std::string(text);
}

Parsed<ListenAddress> listen_address(std::string_view text) {
  constexpr std::string_view unix_scheme = "unix:";
  text = trimmed(text);
  if (text.starts_with(unix_scheme)) {
    auto socket = path(text.substr(unix_scheme.size()), longest_socket_path);
    if (!socket) return tl::unexpected(socket.error());
    return ListenAddress{.host = {}, .port = 0, .socket = std::move(*socket)};
  }
  if (text.starts_with(":") || text.starts_with("*:")) {
    return port(text.substr(text.find(':') + 1)).map([](std::uint16_t number) {
      return ListenAddress{.host = {}, .port = number, .socket = {}};
    });
  }
  const auto parts = split_authority(text);
  if (!parts || !parts->port) return refused("is not an address and a port");
  const auto number = whole_number(*parts->port, 1, 65535);
  if (!number) return refused("has no valid port");
  return ListenAddress{
      .host = std::string(parts->host), .port = static_cast<std::uint16_t>(*number), .socket = {}};
}

Parsed<std::string> path(std::string_view text, std::size_t longest) {
  if (!text.starts_with('/')) return refused("is not an absolute path");
  auto checked = line(text, longest);
  if (checked) {
    while (checked->size() > 1 && checked->back() == '/') checked->pop_back();
  }
  return checked;
}

Parsed<std::string> line(std::string_view text, std::size_t longest) {
  if (text.size() > longest) return refused("is too long");
  if (std::any_of(text.begin(), text.end(), is_control)) return refused("has a control character");
  return std::string(text);
}

Parsed<std::string> token(std::string_view text) {
  if (!is_printable_ascii(text)) {
    return refused("has a space or a character that is not printable ASCII");
  }
  return std::string(text);
}

bool is_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
      return false;
    }
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    if (character.length == 0) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string to_upper(std::string_view text) {
  return mapped(text, 'a', 'z', 'A' - 'a');
}

std::string to_lower(std::string_view text) {
  return mapped(text, 'A', 'Z', 'a' - 'A');
}

std::string shown(std::string_view text) {
  std::string out;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == longest_shown) return out + "...";
    const auto character = first_character(text);
    if (character.length == 0) {
      out += "\ufffd";
      text.remove_prefix(1);
      continue;
    }
    const auto escaped = escape(character.code);
    out += escaped ? *escaped : std::string(text.substr(0, character.length));
    text.remove_prefix(character.length);
  }
  return out;
}

std::string masked_address(std::string_view text) {
  const auto mark = text.find("://");
  const auto start = mark == std::string_view::npos ? 0 : mark + 3;
  std::string out(text.substr(0, start));
  auto rest = text.substr(start);
  // Up to the last `@`: a password may hold one itself, and slashes, too.
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    out += "***";
    rest.remove_prefix(at);
  }
  const auto query = rest.find_first_of("?#");
  out += rest.substr(0, query);
  if (query != std::string_view::npos) {
    out += rest[query];
    out += "***";
  }
  return out;
}

}  // namespace chouette::values
