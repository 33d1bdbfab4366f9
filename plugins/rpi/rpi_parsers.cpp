#include "rpi/rpi_parsers.hpp"

#include <algorithm>
#include <limits>

#include "support/words.hpp"

namespace chouette {
namespace {

std::string_view line_of(std::string_view text) {
  if (text.empty()) throw ParseError("is empty");
  const auto end = text.find('\n');
  if (end == std::string_view::npos) throw ParseError("is cut off");
  if (end + 1 != text.size()) throw ParseError("has more than one line");
  const auto line = text.substr(0, end);
  const bool has_control =
      std::any_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (has_control) throw ParseError("holds control characters");
  return line;
}

template <class Number>
Number number(std::string_view text, int base = 10) {
  const auto value = to_number<Number>(text, base);
  if (!value) throw ParseError("is not understood");
  return *value;
}

std::uint32_t hexadecimal(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  return number<std::uint32_t>(text, 16);
}

PowerTrouble trouble_in(std::uint32_t bits) {
  return {.undervoltage = (bits & 1U) != 0,
          .frequency_capped = (bits & 2U) != 0,
          .throttled = (bits & 4U) != 0,
          .temperature_limited = (bits & 8U) != 0};
}

std::optional<int> life_used(std::string_view text) {
  constexpr int exceeded = 0x0b;
  constexpr int percent_a_step = 10;
  const auto step = hexadecimal(text);
  if (step < 1 || step > exceeded) return std::nullopt;
  return static_cast<int>(step) * percent_a_step;
}

}  // namespace

std::string parse_name(std::string_view text) {
  constexpr std::size_t longest = 64;
  const auto name = line_of(text);
  if (name.empty() || name.size() > longest) throw ParseError("is no name");
  return std::string(name);
}

double parse_temperature(std::string_view text) {
  constexpr int absolute_zero = -273150;
  constexpr double millidegrees = 1000;
  const auto value = number<std::int32_t>(line_of(text));
  if (value < absolute_zero) throw ParseError("is no temperature");
  return value / millidegrees;
}

Throttling parse_throttled(std::string_view text) {
  constexpr unsigned shift = 16;
  const auto bits = hexadecimal(line_of(text));
  return {trouble_in(bits), trouble_in(bits >> shift)};
}

bool parse_alarm(std::string_view text) {
  const auto line = line_of(text);
  if (line != "0" && line != "1") throw ParseError("is neither 0 nor 1");
  return line == "1";
}

std::uint64_t parse_frequency(std::string_view text) {
  constexpr std::uint64_t hertz = 1000;
  return number<std::uint32_t>(line_of(text)) * hertz;
}

std::uint64_t parse_bytes_written(std::string_view text) {
  constexpr std::size_t sectors_written = 6;
  constexpr std::uint64_t sector = 512;
  const auto fields = words_of(line_of(text));
  if (fields.size() <= sectors_written) throw ParseError("has too few fields");
  const auto sectors = number<std::uint64_t>(fields[sectors_written]);
  if (sectors > std::numeric_limits<std::uint64_t>::max() / sector) {
    throw ParseError("is not understood");
  }
  return sectors * sector;
}

LifeUsed parse_life_time(std::string_view text) {
  const auto fields = words_of(line_of(text));
  if (fields.size() != 2) throw ParseError("has not two fields");
  return {life_used(fields[0]), life_used(fields[1])};
}

std::optional<int> parse_pre_eol(std::string_view text) {
  constexpr std::uint32_t urgent = 3;
  const auto value = hexadecimal(line_of(text));
  if (value < 1 || value > urgent) return std::nullopt;
  return static_cast<int>(value);
}

}  // namespace chouette
