#pragma once

#include <string>
#include <string_view>

namespace chouette {

/// Sets a payload `{"series":[{…},{…}]}` that comes in pieces with a series a line. What it makes
/// is the same JSON.
class SeriesLines {
public:
  /// The next piece with line breaks in it.
  std::string add(std::string_view piece);

private:
  int depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

}  // namespace chouette
