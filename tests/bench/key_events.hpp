#pragma once

#include <memory>
#include <string>

struct redisContext;

namespace chouette::bench {

/// Tells when keys of database 0 are deleted or renamed, without asking Redis again and again: each
/// question would take time off what is measured.
class KeyEvents {
public:
  /// Of the keys that match the glob `pattern`, from now on, at the Redis at `socket`.
  KeyEvents(const std::string& socket, const std::string& pattern);

  /// Waits for the next one; throws if none comes within a minute or the connection breaks.
  void wait();

private:
  std::unique_ptr<redisContext, void (*)(redisContext*)> redis_;
};

}  // namespace chouette::bench
