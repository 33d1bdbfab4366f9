#pragma once

#include <cstddef>
#include <vector>

namespace chouette {

/// Which records of a batch to send next: all of them, then ever smaller halves of what was
/// refused, until single records that are at fault are found. Among n records each one at fault
/// costs at most 2 log2(n) requests more.
class Halving {
public:
  struct Range {
    std::size_t begin;
    std::size_t end;

    std::size_t size() const { return end - begin; }
    bool operator==(const Range&) const = default;
  };

  explicit Halving(std::size_t records);

  bool done() const { return ends_.empty(); }

  /// What to send next; only unless `done`.
  Range current() const { return {begin_, ends_.back()}; }

  /// The current range ends earlier, because a payload holds no more; the rest comes after it.
  void shorten(std::size_t end);

  /// The current range, of two records or more, was refused: its first half comes next.
  void halve();

  /// The current range was delivered or set aside.
  void finish();

private:
  std::size_t begin_ = 0;
  std::vector<std::size_t> ends_;  ///< Of the ranges to come, the next one last.
};

}  // namespace chouette
