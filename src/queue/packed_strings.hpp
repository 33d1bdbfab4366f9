#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chouette {

/// A list of texts in one piece of memory, some of which may be absent. 100,000 keys of 36 bytes
/// take 4 MB here, 10 MB as a vector of strings.
class PackedStrings {
public:
  void push_back(std::string_view text) {
    text_.insert(text_.end(), text.begin(), text.end());
    ends_.push_back(text_.size());
    present_.push_back(true);
  }
  /// That of `others` at `i`, or that it is absent.
  void push_back_of(const PackedStrings& others, std::size_t i) {
    if (others.present(i)) {
      push_back(others[i]);
    } else {
      push_absent();
    }
  }
  void push_absent() {
    ends_.push_back(text_.size());
    present_.push_back(false);
  }

  /// The text at `i`; empty where absent.
  std::string_view operator[](std::size_t i) const {
    const auto begin = begin_of(i);
    return {text_.data() + begin, ends_[i] - begin};
  }
  bool present(std::size_t i) const { return present_[i]; }

  /// Not for a list itself.
  void append(const PackedStrings& others);

  /// How many bytes the texts have together.
  std::size_t bytes() const { return text_.size(); }
  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }

  /// The texts `from` to `from + count`, or fewer at the end.
  PackedStrings slice(std::size_t from, std::size_t count) const;

  void reserve(std::size_t count, std::size_t bytes) {
    ends_.reserve(count);
    present_.reserve(count);
    text_.reserve(bytes);
  }

  bool operator==(const PackedStrings&) const = default;

private:
  std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : ends_[i - 1]; }

  /// Those of `others` from `from` to before `to`.
  void append(const PackedStrings& others, std::size_t from, std::size_t to);

  /// No string, which would keep its memory when an empty one is assigned to it.
  std::vector<char> text_;
  std::vector<std::size_t> ends_;
  std::vector<bool> present_;
};

}  // namespace chouette
