#pragma once

#include <stdexcept>

namespace chouette {

/// What is wrong with a text, in a few words and without quoting it.
class ParseError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

}  // namespace chouette
