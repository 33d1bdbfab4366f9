#include "intake/api_key.hpp"

#include <utility>

namespace chouette {

ApiKey::ApiKey(Secret key, Read read) : key_(std::move(key)), read_(std::move(read)) {}

Secret ApiKey::get() const {
  const std::lock_guard lock(mutex_);
  return key_;
}

tl::expected<bool, std::string> ApiKey::refresh() {
  const std::lock_guard lock(mutex_);
  if (!read_) {
    return false;
  }
  auto key = read_();
  if (!key) {
    return tl::unexpected(key.error());
  }
  const bool changed = key->reveal() != key_.reveal();
  key_ = std::move(*key);
  return changed;
}

}  // namespace chouette
