#include "k8s/bearer_token.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "support/files.hpp"

namespace chouette {
namespace {

constexpr std::size_t largest_token = std::size_t{64} * 1024;

}  // namespace

std::optional<std::string> read_bearer_token(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::status(path, ignored).type() == std::filesystem::file_type::not_found) {
    return std::nullopt;
  }
  return naming(path, [&] {
    auto token = read_text(path);
    if (token.size() > largest_token) throw std::runtime_error("larger than 64 KiB");
    token.erase(token.find_last_not_of("\r\n") + 1);
    if (token.empty()) throw std::runtime_error("empty");
    if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
      throw std::runtime_error("has a character that cannot stand in a token");
    }
    return token;
  });
}

}  // namespace chouette
