#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// Appends `text` as a JSON string, with its quotes. Bytes that are not UTF-8 are replaced.
void append_json(std::string_view text, std::string& out);

/// Appends `number`, which must be finite, in as few bytes as bring it back exactly: 5, not 5.0.
void append_json(double number, std::string& out);

void append_json(std::int64_t number, std::string& out);

/// Appends a list of strings.
void append_json(const std::vector<std::string>& texts, std::string& out);

}  // namespace chouette
