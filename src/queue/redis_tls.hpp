#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

struct redisContext;

namespace chouette {

/// Whether this build can speak TLS with Redis, for which it needs hiredis 1.0 or later.
bool redis_has_tls();

/// Makes a blocking connection that has timeouts, and on which nothing was said yet, speak TLS 1.2
/// or later. The server must show a certificate for `host`, a name or an address, that a CA in the
/// PEM file `ca` vouches for; empty: one of the system's CAs. An error is one line with the reason;
/// the connection is of no use then.
tl::expected<void, std::string> start_redis_tls(redisContext& context, const std::string& host,
                                                const std::string& ca);

/// Why TLS failed in this thread since it was asked last, in words for people; none if it did not.
std::optional<std::string> take_redis_tls_fault();

}  // namespace chouette
