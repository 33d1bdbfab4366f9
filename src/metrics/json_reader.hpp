#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace chouette {

/// simdjson's DOM parser with one addition: integers beyond 64 bits, which Python writes, are read
/// as doubles. For one thread; what it returns lives until the next call.
class JsonReader {
public:
  /// An error for whatever is not JSON. Never throws.
  simdjson::simdjson_result<simdjson::dom::element> parse(std::string_view json);

private:
  simdjson::dom::parser parser_;
  std::string rewritten_;
};

/// The text of a scalar as Python's str() gives it, which is how the client's tags have always
/// been spelt: True, None, 1.0. False if `element` is not a scalar.
bool append_scalar(const simdjson::dom::element& element, std::string& out);

}  // namespace chouette
