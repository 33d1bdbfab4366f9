#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "logging/secret.hpp"

namespace chouette {

/// How well something is.
enum class Level : std::uint8_t { ok, warning, failed };

/// What was found out about one thing.
struct Finding {
  Level level = Level::ok;
  std::string subject;                    ///< "Redis", "Clock", ...
  std::string text;                       ///< One line.
  std::string advice = {};                ///< What to do about it; empty if all is well.
  std::vector<std::string> details = {};  ///< Lines that follow as they are: values, faults.
};
using Findings = std::vector<Finding>;

/// `text` with `***` wherever one of `secrets` would stand.
std::string without_secrets(std::string text, const std::vector<Secret>& secrets);

/// A finding as lines of 80 columns: the first begins with ok, warning or failed, all others with
/// spaces. Control characters are replaced, and so are `secrets`.
std::string to_text(const Finding& finding, const std::vector<Secret>& secrets);

/// Prints findings as they come, and counts them.
class FindingPrinter {
public:
  FindingPrinter(std::ostream& out, std::vector<Secret> secrets)
      : out_(out), secrets_(std::move(secrets)) {}

  void print(const Findings& findings);

  /// The last line: how many there were of each level.
  void print_summary();

  Level worst() const;

private:
  std::ostream& out_;
  std::vector<Secret> secrets_;
  std::size_t warnings_ = 0;
  std::size_t failures_ = 0;
};

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t value);

/// "1 point", "2 points".
std::string counted(std::uint64_t count, std::string_view thing);

}  // namespace chouette
