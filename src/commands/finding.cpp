#include "commands/finding.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

namespace chouette {
namespace {

constexpr std::size_t width = 80;
constexpr std::size_t subject_column = 9;
constexpr std::size_t text_column = 24;
constexpr std::size_t advice_column = 4;
constexpr std::string_view hidden = "***";

constexpr std::array<std::string_view, 3> level_names{"ok", "warning", "failed"};

std::string padded(std::string text, std::size_t to) {
  text.resize(std::max(text.size() + 1, to), ' ');
  return text;
}

/// How many columns a text in UTF-8 takes, wide characters aside.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0U) != 0x80U; }));
}

/// `begin` and then `text`, broken at spaces; further lines are indented as far as `indent`.
std::string wrapped(std::string begin, std::string_view text, std::size_t indent) {
  std::string lines;
  std::string line = std::move(begin);
  bool empty = true;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!empty && columns_of(line) + 1 + columns_of(word) > width) {
      lines += line + '\n';
      line.assign(indent, ' ');
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  return lines + line + '\n';
}

std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

std::string without_secrets(std::string text, const std::vector<Secret>& secrets) {
  // The longest first, for one secret may hold another.
  std::vector<std::string_view> ordered;
  for (const auto& secret : secrets) {
    if (!secret.empty()) ordered.emplace_back(secret.reveal());
  }
  std::sort(ordered.begin(), ordered.end(),
            [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  for (const auto secret : ordered) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), hidden);
      at += hidden.size();
    }
  }
  return text;
}

std::string to_text(const Finding& finding, const std::vector<Secret>& secrets) {
  const auto clean = [&](const std::string& text) {
    return on_one_line(without_secrets(text, secrets));
  };
  const auto level = level_names.at(static_cast<std::size_t>(finding.level));
  const auto begin =
      padded(padded(std::string(level), subject_column) + clean(finding.subject), text_column);
  auto text = wrapped(begin, clean(finding.text), text_column);
  for (const auto& detail : finding.details) {
    text += std::string(advice_column, ' ') + clean(detail) + '\n';
  }
  if (!finding.advice.empty()) {
    const std::string margin(advice_column, ' ');
    text += wrapped(margin, clean(finding.advice), advice_column);
  }
  return text;
}

void FindingPrinter::print(const Findings& findings) {
  for (const auto& finding : findings) {
    warnings_ += finding.level == Level::warning ? 1 : 0;
    failures_ += finding.level == Level::failed ? 1 : 0;
    out_ << to_text(finding, secrets_);
  }
  out_.flush();
}

void FindingPrinter::print_summary() {
  std::string text = "all is well";
  if (worst() != Level::ok) {
    text = grouped(failures_) + " failed, " + counted(warnings_, "warning");
  }
  out_ << to_text({worst(), "In all", text}, {});
  out_.flush();
}

Level FindingPrinter::worst() const {
  if (failures_ > 0) return Level::failed;
  return warnings_ > 0 ? Level::warning : Level::ok;
}

std::string grouped(std::uint64_t value) {
  auto digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string counted(std::uint64_t count, std::string_view thing) {
  return grouped(count) + ' ' + std::string(thing) + (count == 1 ? "" : "s");
}

}  // namespace chouette
