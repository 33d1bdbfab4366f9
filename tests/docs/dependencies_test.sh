#!/usr/bin/env bash
# docs/dependencies.md names what the executable is linked with, all of it and nothing else. Names of
# packages are compared without the version in them: it differs between Debian's releases.
set -euo pipefail
root=$(dirname "$0")/../..

without_version() { sed -E 's/[0-9.]+(t64)?$//' | sort -u; }

# OpenSSL is linked with for Redis over TLS alone, where hiredis can: said below the table.
linked=$("$root/scripts/dependencies" "$1" | cut -d' ' -f1 | without_version | grep -vx libssl)
named=$(sed -n '/^## Linked with it/,/^## Compiled in/s/^| [^|]* | \([^|]*\) |.*/\1/p' \
  "$root/docs/dependencies.md" | grep -o '`[^`]*`' | tr -d '`' | without_version)
diff <(echo "$named") <(echo "$linked") ||
  { echo "left: docs/dependencies.md; right: what $1 is linked with"; exit 1; }
