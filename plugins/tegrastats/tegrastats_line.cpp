#include "tegrastats/tegrastats_line.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <system_error>
#include <utility>

#include "support/words.hpp"

namespace chouette {
namespace {

constexpr std::size_t longest_name = 64;
/// Of zones and of rails; boards have about a dozen.
constexpr std::size_t most_values = 100;

std::optional<double> to_decimal(std::string_view text) {
  const auto number = to_number<double>(text, std::chars_format::fixed);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_letters(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return to_lower(a) == b; });
}

bool is_letter(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
         });
}

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool remove_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<std::int64_t> bytes_in(std::string_view unit) {
  constexpr std::int64_t kib = 1024;
  if (same_letters(unit, "kb")) return kib;
  if (same_letters(unit, "mb")) return kib * kib;
  if (same_letters(unit, "gb")) return kib * kib * kib;
  return std::nullopt;
}

/// `2020/7852MB`. A bracket may follow without a blank, as in `0/252kB(lfb`.
std::optional<TegraMemory> to_memory(std::string_view word) {
  // Far beyond any board's memory, and small enough that bytes cannot overflow.
  constexpr std::int64_t most = std::int64_t{1} << 30;
  word = word.substr(0, word.find('('));
  const auto slash = word.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto rest = word.substr(slash + 1);
  const auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto used = to_number<std::int64_t>(word.substr(0, slash));
  const auto total = to_number<std::int64_t>(rest.substr(0, digits));
  const auto unit = bytes_in(rest.substr(digits));
  if (!used || !total || !unit || *used < 0 || *used > *total || *total > most) return std::nullopt;
  return TegraMemory{*used * *unit, (*total - *used) * *unit};
}

/// GR3D, GR3D_FREQ and, where the GPU's clusters are told apart, GR3D2_FREQ. GR3D_PCI is a card.
bool is_gpu(std::string_view name) {
  if (!remove_prefix(name, "GR3D")) return false;
  name.remove_prefix(std::min(name.find_first_not_of("0123456789"), name.size()));
  return name.empty() || name == "_FREQ";
}

/// `36%@140`, `0%@[0,0]`, `0%`.
std::optional<double> to_percentage(std::string_view word) {
  const auto sign = word.find('%');
  if (sign == std::string_view::npos) return std::nullopt;
  const auto rest = word.substr(sign + 1);
  const auto percentage = to_decimal(word.substr(0, sign));
  if (!percentage || *percentage < 0 || *percentage > 100) return std::nullopt;
  return rest.empty() || rest.front() == '@' ? percentage : std::nullopt;
}

/// `GPU@41.5C`, or with the highest so far `gpu@56.937C/66.625C`.
std::optional<TegraValue> to_temperature(std::string_view word) {
  constexpr double coldest = -64;
  constexpr double hottest = 191;
  const auto at = word.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto zone = word.substr(0, at);
  auto text = word.substr(at + 1);
  text = text.substr(0, text.find('/'));
  if (!is_name(zone) || same_letters(zone, "pmic") || !remove_suffix(text, "C")) {
    return std::nullopt;
  }
  const auto temperature = to_decimal(text);
  if (!temperature || *temperature < coldest || *temperature > hottest) return std::nullopt;
  return TegraValue{std::string(zone), *temperature};
}

bool is_rail(std::string_view name) {
  constexpr auto others =
      std::to_array<std::string_view>({"ram", "swap", "iram", "gart", "carveout", "nc"});
  return is_name(name) &&
         std::none_of(others.begin(), others.end(),
                      [name](std::string_view other) { return same_letters(name, other); });
}

/// Now and on average, `3140/3208` or `2763mW/2846mW`, and the highest so far,
/// `37939mW/8660mW/37939mW`. Without the unit one number alone may be anything.
std::optional<double> to_power(std::string_view word) {
  std::optional<double> power;
  bool has_unit = false;
  std::size_t parts = 0;
  for (bool last = false; !last; ++parts) {
    const auto slash = word.find('/');
    last = slash == std::string_view::npos;
    auto part = word.substr(0, slash);
    if (!last) word.remove_prefix(slash + 1);
    const bool unit = remove_suffix(part, "mW");
    const auto value = to_decimal(part);
    if (!value || *value < 0 || (parts > 0 && unit != has_unit)) return std::nullopt;
    if (parts == 0) {
      power = value;
      has_unit = unit;
    }
  }
  return parts > 1 || has_unit ? power : std::nullopt;
}

/// The first of a name counts: a series has one point a capture.
void add(std::vector<TegraValue>& values, TegraValue value) {
  const bool known = std::any_of(values.begin(), values.end(), [&value](const TegraValue& other) {
    return other.name == value.name;
  });
  if (!known && values.size() < most_values) values.push_back(std::move(value));
}

}  // namespace

bool TegrastatsLine::understood() const {
  return ram || swap || gpu || !temperatures.empty() || !powers.empty();
}

TegrastatsLine parse_tegrastats(std::string_view line) {
  TegrastatsLine result;
  const auto words = words_of(line);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto name = words[i];
    if (auto temperature = to_temperature(name)) {
      add(result.temperatures, std::move(*temperature));
      continue;
    }
    const auto value = i + 1 < words.size() ? words[i + 1] : std::string_view{};
    if (name == "RAM") {
      if (!result.ram) result.ram = to_memory(value);
    } else if (name == "SWAP") {
      if (!result.swap) result.swap = to_memory(value);
    } else if (is_gpu(name)) {
      if (const auto load = to_percentage(value)) {
        result.gpu = std::max(result.gpu.value_or(0), *load);
      }
    } else if (const auto power = is_rail(name) ? to_power(value) : std::nullopt) {
      add(result.powers, {std::string(name), *power});
    }
  }
  return result;
}

}  // namespace chouette
