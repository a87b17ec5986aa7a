#!/bin/sh
# Begins a container of the stratum 0: makes the repositories that are not there yet, then runs what it was given.
# Always safe to do again. ICEFALL_REPOSITORIES: names, with spaces between.
set -eu
for repository in ${ICEFALL_REPOSITORIES:-}; do
  [ -e "${ICEFALL_STRATUM0_DIR:-/var/lib/stratum0}/srv/$repository/.cvmfspublished" ] || icefall-stratum0 mkfs "$repository"
done
exec "$@"
