#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings_table.hpp"
#include "config/values.hpp"

/// Rules that the rows of the settings table are made of. `field` finds a value's place in the
/// Config.
namespace chouette::rules {

inline constexpr int day = 86400;
inline constexpr int ten_years = 3650 * day;
inline constexpr std::size_t longest_name = 255;   // of a host, in Datadog
inline constexpr std::size_t longest_path = 4095;  // PATH_MAX without its NUL

using values::longest_socket_path;
using Names = std::vector<std::string_view>;

inline std::string joined(const Names& names) {
  std::string out;
  for (const auto name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

/// The rule of a value that is parsed and assigned; `field` finds its place in the Config.
template <class Parse, class Field>
Rule parsed(std::string expected, Parse parse, Field field) {
  return {std::move(expected),
          [=](std::string_view text, const KnownNames&, Config& config) -> std::optional<Problem> {
            auto value = parse(text);
            if (!value) return Problem{value.error(), {}};
            field(config) = std::move(*value);
            return std::nullopt;
          }};
}

template <class Value, class Field>
Rule whole_number(std::string_view what, Value min, Value max, Field field) {
  return parsed(
      std::string(what) + ", " + std::to_string(min) + " to " + std::to_string(max),
      [=](std::string_view text) {
        return values::whole_number(text, static_cast<std::int64_t>(min),
                                    static_cast<std::int64_t>(max))
            .map([](std::int64_t number) { return static_cast<Value>(number); });
      },
      field);
}

template <class Field>
Rule whole_seconds(int max, Field field) {
  return parsed(
      "whole seconds, 1 to " + std::to_string(max),
      [=](std::string_view text) {
        return values::whole_number(text, 1, max).map([](std::int64_t number) {
          return std::chrono::seconds{number};
        });
      },
      field);
}

template <class Field>
Rule path(std::size_t longest, Field field) {
  return parsed(
      "an absolute path of at most " + std::to_string(longest) + " bytes",
      [=](std::string_view text) { return values::path(text, longest); }, field);
}

template <class Field>
Rule boolean(Field field) {
  return parsed("true or false, 1 or 0, yes or no, on or off", values::boolean, field);
}

/// The name among `names` that is `text` but for its case.
inline std::optional<std::string_view> find_name(const Names& names, std::string_view text) {
  const auto found = std::find_if(names.begin(), names.end(), [&](std::string_view name) {
    return values::to_lower(name) == values::to_lower(text);
  });
  if (found == names.end()) return std::nullopt;
  return *found;
}

/// The rule of a name that is to be among those that `names_in` picks.
template <class NamesIn, class Field>
Rule one_of(std::string expected, NamesIn names_in, Field field) {
  return {std::move(expected),
          [=](std::string_view text, const KnownNames& known,
              Config& config) -> std::optional<Problem> {
            const Names& names = names_in(known);
            const auto name = find_name(names, values::trimmed(text));
            if (!name) return Problem{"is not known", "one of: " + joined(names)};
            field(config) = *name;
            return std::nullopt;
          }};
}

template <class Field>
Rule one_of(const Names& names, Field field) {
  return one_of(
      "one of: " + joined(names), [=](const KnownNames&) { return names; }, field);
}

/// The rule of a list of names, each among those that `names_in` picks.
template <class NamesIn, class Field>
Rule some_of(std::string expected, NamesIn names_in, Field field) {
  return {std::move(expected),
          [=](std::string_view text, const KnownNames& known,
              Config& config) -> std::optional<Problem> {
            const Names& names = names_in(known);
            const std::string expected_names = "a list of any of: " + joined(names);
            const auto items = values::list(text);
            if (!items) return Problem{items.error(), expected_names};
            std::vector<std::string> chosen;
            for (const auto& item : *items) {
              const auto name = find_name(names, item);
              if (!name) {
                return Problem{"has the unknown \"" + values::shown(item) + '"', expected_names};
              }
              if (std::find(chosen.begin(), chosen.end(), *name) == chosen.end()) {
                chosen.emplace_back(*name);
              }
            }
            field(config) = std::move(chosen);
            return std::nullopt;
          }};
}

template <class Field>
Rule some_of(const Names& names, Field field) {
  return some_of(
      "a list of any of: " + joined(names), [=](const KnownNames&) { return names; }, field);
}

}  // namespace chouette::rules
