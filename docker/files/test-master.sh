#!/bin/sh
# Whether the master's image holds what it needs: the site that ships loads, and runs in virtual time.
set -eu
cd "$(mktemp -d)"
[ "$(id -u)" -ne 0 ] || { echo 'runs as root' >&2; exit 1; }
git --version
rsync --version | head -n 1
icefall --version
icefall check /opt/icefall/config
icefall simulate /opt/icefall/config --push main --at 2026-03-02T09:00 | tail -n 1
test -s /opt/icefall/master/web/dist/index.html
# What the laptop's site builds.
node --input-type=module -e '
  import { prepareSources } from "/opt/icefall/config/embedded/sources.ts";
  prepareSources(process.argv[1]);' "$PWD/sources"
test -s sources/sqlite/sqlite3.c
