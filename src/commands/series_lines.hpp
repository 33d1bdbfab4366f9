#pragma once

#include <string>
#include <string_view>

namespace chouette {

/// The payload `{"series":[{…},{…}]}` with a series a line. It is the same JSON.
std::string with_line_breaks(std::string_view payload);

}  // namespace chouette
