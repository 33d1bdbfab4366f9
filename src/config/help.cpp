#include <algorithm>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/settings_table.hpp"

namespace chouette {
namespace {

constexpr std::size_t columns = 80;

constexpr std::string_view introduction =
    "Settings are environment variables; their names may be written in any case, and an empty "
    "value counts as not set. Lists are JSON or separated by commas. A variable that ends in "
    "_FILE names a file to read the value from.";

/// The names besides the first, or nothing.
std::string other_names(const Setting& setting, std::string_view mark) {
  std::string out;
  for (const auto& name : names_of(setting)) {
    if (name == setting.name) continue;
    if (!out.empty()) out += ", ";
    out += std::string(mark) + name + std::string(mark);
  }
  return out;
}

/// `text` in lines that begin with `indent` spaces and fit into the columns.
std::string wrapped(std::string_view text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string out;
  std::string line = margin;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (line.size() > indent && line.size() + 1 + word.size() > columns) {
      out += line + '\n';
      line = margin;
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  return out + line + '\n';
}

/// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '*' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? "" : '`' + std::string(text) + '`';
}

}  // namespace

std::string settings_help() {
  std::string out = wrapped(introduction, 0);
  std::string_view group;
  for (const auto& setting : settings_table()) {
    if (setting.group != group) {
      group = setting.group;
      out += '\n' + std::string(group) + ":\n";
    }
    const auto default_text = setting.default_text.empty() ? "none" : setting.default_text;
    out += wrapped(std::string(setting.name) + " (default: " + std::string(default_text) + ")", 2);
    out += wrapped(setting.meaning, 6);
    out += wrapped("Expected: " + setting.rule.expected + '.', 6);
    const auto others = other_names(setting, "");
    if (!others.empty()) out += wrapped("Also: " + others + '.', 6);
  }
  return out;
}

std::string settings_markdown() {
  std::string out = "# Configuration\n\n" + std::string(introduction) + "\n\n" +
                    "A wrong value is refused at the start: every fault is listed, and the exit "
                    "code is 78. Booleans are `true` or `false`, `1` or `0`, `yes` or `no`, `on` "
                    "or `off`. Proxies are set by the usual `HTTPS_PROXY` and `NO_PROXY`.\n\n"
                    "This page is made from the table of settings in "
                    "`src/config/settings_table.cpp`; `chouette-iot --help` shows the same.\n";
  std::string_view group;
  for (const auto& setting : settings_table()) {
    if (setting.group != group) {
      group = setting.group;
      out += "\n## " + std::string(group) +
             "\n\n| Setting | Default | Meaning | Expected |\n|---|---|---|---|\n";
    }
    const auto others = other_names(setting, "`");
    out += "| " + code(setting.name) + (others.empty() ? "" : "<br>also " + others) + " | " +
           code(setting.default_text) + " | " + cell(setting.meaning) + " | " +
           cell(setting.rule.expected) + " |\n";
  }
  return out;
}

}  // namespace chouette
