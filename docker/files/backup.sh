#!/bin/sh
# Backs a running master up again and again, beside it: every ICEFALL_BACKUP_SECONDS (default 900), the newest
# ICEFALL_BACKUPS (default 96) are kept. `backup.sh DIR TARGET [once]`
# One that fails leaves nothing behind and is tried again next time; the file TARGET/newest names the last good one.
set -u
dir=$1 target=$2 mode=${3:-}
keep=${ICEFALL_BACKUPS:-96}

backup() {
  name=$(date -u +%Y%m%dT%H%M%S.%3NZ)
  newest=$(cat "$target/newest" 2>/dev/null)
  set -- --to "$target/$name" --copy
  # Log files that the one before has are shared with it.
  [ -z "$newest" ] || [ ! -d "$target/$newest" ] || set -- "$@" --base "$target/$newest"
  icefall backup "$dir" "$@" || return 1
  printf '%s\n' "$name" >"$target/newest.new" && mv "$target/newest.new" "$target/newest"
  ls "$target" | grep -E '^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z$' | sort -r | tail -n "+$((keep + 1))" | while read -r old; do
    rm -rf "${target:?}/$old"
  done
}

[ "$mode" != once ] || { backup; exit; }
trap 'exit 0' TERM INT
while :; do
  # No master yet, or a volume that is full: the container's log says so, and it goes on.
  [ ! -e "$dir/master/icefall.db" ] || backup || echo 'backup: failed; tried again later' >&2
  sleep "${ICEFALL_BACKUP_SECONDS:-900}" &
  wait $!
done
