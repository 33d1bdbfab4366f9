#pragma once

#include <string>
#include <utility>

namespace chouette {

/// Text that must not be shown. It has no stream operator and no conversion, so that it reaches a
/// log or an error only where somebody writes `reveal()`.
class Secret {
public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

private:
  std::string text_;
};

}  // namespace chouette
