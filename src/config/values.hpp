#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "http/listen_address.hpp"

/// Pure parsers of settings' values and the ways to show a value in a message.
namespace chouette::values {

/// sockaddr_un::sun_path without its NUL.
inline constexpr std::size_t longest_socket_path = 107;

/// A value, or why the text is none: words that follow the shown text, e.g. `is out of range`. They
/// never repeat any of the text, which may be a secret.
template <class Value>
using Parsed = tl::expected<Value, std::string>;

/// A whole number in [min, max], in decimal digits.
Parsed<std::int64_t> whole_number(std::string_view text, std::int64_t min, std::int64_t max);

/// true/false, 1/0, yes/no, on/off, in any case.
Parsed<bool> boolean(std::string_view text);

/// A JSON list of strings or a comma-separated list. Empty items are left out, repeats dropped.
Parsed<std::vector<std::string>> list(std::string_view text);

/// A `list`, or a JSON object whose members become `key:value`.
Parsed<std::vector<std::string>> tags(std::string_view text);

/// A JSON list of numbers or a comma-separated list; all finite, repeats dropped.
Parsed<std::vector<double>> numbers(std::string_view text);

/// An http or https URL without user, query and fragment; trailing slashes are cut off.
Parsed<std::string> url(std::string_view text);

/// A TCP port, 1 to 65535; also as the `tcp://address:port` that Kubernetes and Docker inject.
Parsed<std::uint16_t> port(std::string_view text);

/// A host's name or its IPv4 or IPv6 address.
Parsed<std::string> host(std::string_view text);

/// `ADDRESS:PORT`, `[IPV6]:PORT`, `:PORT` or `*:PORT` (all addresses of the machine), or
/// `unix:PATH`.
Parsed<ListenAddress> listen_address(std::string_view text);

/// An absolute path of at most `longest` bytes.
Parsed<std::string> path(std::string_view text, std::size_t longest);

/// Text of one line, of at most `longest` bytes.
Parsed<std::string> line(std::string_view text, std::size_t longest);

/// What may stand in an HTTP header: printable ASCII without spaces.
Parsed<std::string> token(std::string_view text);

/// Host name labels of letters, digits, `-` and `_`; IPv4 addresses are such names too.
bool is_host_name(std::string_view text);

bool is_utf8(std::string_view text);

std::string_view trimmed(std::string_view text);

/// ASCII letters only, whatever the locale.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);

/// `text` fit for a message: control characters escaped, invalid UTF-8 replaced, long text cut.
std::string shown(std::string_view text);

/// An address fit for `shown`: what may be a user, a password or a key in a query is masked.
std::string masked_address(std::string_view text);

}  // namespace chouette::values
