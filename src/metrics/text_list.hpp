#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// A list of texts in one piece, each with its length in front, so that the pieces of two lists are
/// equal only if the lists are. A text is shorter than 4 GiB.
class TextList {
public:
  void add(std::string_view text) {
    begin_text().append(text);
    end_text();
  }

  /// For a text that is put together: append it to what this returns, then end it.
  std::string& begin_text() {
    begin_ = bytes_.size();
    bytes_.append(sizeof(Length), '\0');
    return bytes_;
  }
  void end_text() {
    const auto length = static_cast<Length>(bytes_.size() - begin_ - sizeof(Length));
    std::memcpy(bytes_.data() + begin_, &length, sizeof length);
  }

  /// Keeps its memory.
  void clear() { bytes_.clear(); }

  /// The whole list, for comparisons.
  const std::string& bytes() const { return bytes_; }

  std::vector<std::string> texts() const {
    std::vector<std::string> result;
    Length length = 0;
    for (std::size_t i = 0; i < bytes_.size(); i += length) {
      std::memcpy(&length, bytes_.data() + i, sizeof length);
      i += sizeof length;
      result.push_back(bytes_.substr(i, length));
    }
    return result;
  }

private:
  using Length = std::uint32_t;

  std::string bytes_;
  std::size_t begin_ = 0;  ///< Of the last text, with its length.
};

}  // namespace chouette
