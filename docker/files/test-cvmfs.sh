#!/bin/sh
# Whether the image has the stock tools. They publish only where they may mount: see docs/runbook.md.
set -eu
for program in cvmfs_server cvmfs_publish cvmfs_swissknife cvmfs_rsync fuse-overlayfs httpd git rsync wget tini; do
  command -v "$program" >/dev/null || { echo "missing: $program" >&2; exit 1; }
done
node /opt/icefall/icefall-worker.cjs --version
icefall-gateway help | head -n 1
