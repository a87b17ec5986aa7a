#!/bin/sh
# Builds the ARA tools into a tree that was made from the template: build.sh --dest DIR [--make_arg ARG]
set -eu
scripts=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$scripts/builders/functions.sh"
dest= make_arg=-j1 nightly=no
while [ $# -gt 0 ]; do
  case $1 in
    --dest) dest=$2 && shift 2 ;;
    --make_arg) make_arg=$2 && shift 2 ;;
    *) die "unknown option \"$1\"" ;;
  esac
done
[ -d "$dest" ] || die "--dest must name the tree to build into; \"$dest\" is no directory"
: "${PLATFORM:?must name the platform to build for}"
load_platform
CPUS=${make_arg#-j}
checked_out=$dest/.sources
build=$(dirname -- "$dest")/.build/$(basename -- "$dest")
mkdir -p "$build"
for package in toolchain argon2; do
  say "==> $package"
  build_package "$package" "$dest/$PLATFORM"
done
say "==> complete in $dest/$PLATFORM"
