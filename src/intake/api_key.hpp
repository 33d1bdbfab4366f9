#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <tl/expected.hpp>

#include "logging/secret.hpp"

namespace chouette {

/// The API key, which may be replaced while the agent runs. Thread-safe.
class ApiKey {
public:
  /// Reads the key anew from where it came from; an error is a line with the reason.
  using Read = std::function<tl::expected<Secret, std::string>()>;

  /// Without `read` the key stays as it is.
  explicit ApiKey(Secret key, Read read = {});

  Secret get() const;

  /// Reads it anew. True if it is another one now.
  tl::expected<bool, std::string> refresh();

private:
  mutable std::mutex mutex_;
  Secret key_;
  Read read_;
};

}  // namespace chouette
