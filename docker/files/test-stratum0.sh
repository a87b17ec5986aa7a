#!/bin/sh
# Whether the stratum 0's image publishes: a small repository, one transaction, checked from the manifest down.
set -eu
[ "$(id -u)" -ne 0 ] || { echo 'runs as root' >&2; exit 1; }
ICEFALL_STRATUM0_DIR=$(mktemp -d)
export ICEFALL_STRATUM0_DIR
repository=test.icefall.example
icefall-stratum0 mkfs "$repository"
icefall-stratum0 transaction "$repository"
echo hello >"$ICEFALL_STRATUM0_DIR/mount/$repository/hello"
icefall-stratum0 publish "$repository"
icefall-stratum0 check "$repository"
rsync --version | head -n 1
