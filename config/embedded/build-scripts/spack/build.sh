#!/bin/sh
# Builds the packages of an environment, each below a prefix of its own, and a view that joins them: the way Spack lays
# software out. Same options and environment variables as builders/build.sh.
set -eu
scripts=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$scripts/builders/functions.sh"
src= dest= variant= svnup=False svnonly=False nightly=no
while [ $# -gt 0 ]; do
  case $1 in
    --src) src=$2 && shift 2 ;;
    --dest) dest=$2 && shift 2 ;;
    --variant) variant=$2 && shift 2 ;;
    --svnup) svnup=$2 && shift 2 ;;
    --svnonly) svnonly=$2 && shift 2 ;;
    --nightly) nightly=yes && shift ;;
    *) die "unknown option \"$1\"" ;;
  esac
done
[ -n "$src" ] && [ -n "$dest" ] && [ -n "$variant" ] || die "--src, --dest and --variant are needed"
environment=$scripts/spack/environments/$variant.txt
[ -f "$environment" ] || die "there is no spack/environments/$variant.txt"
if [ "$svnonly" = True ]; then
  say "==> an environment has nothing to check out: each package brings its sources"
  exit 0
fi
: "${PLATFORM:?must name the platform to build for}" "${CPUS:=1}"
load_platform
path=$(variant_path "$variant")
checked_out=$dest/.sources/none
root=$dest/spack/$path/$PLATFORM
build=$dest/.build/spack/$path/$PLATFORM
mkdir -p "$root/view" "$build"
for package in $(cat "$environment"); do
  say "==> $package"
  build_package "$package" "$root/$package"
  find "$root/$package" -type d | while read -r directory; do mkdir -p "$root/view/${directory#"$root/$package"}"; done
  (cd "$root/$package" && find . ! -type d) | while read -r file; do
    up=$(printf '%s\n' "${file#./}" | sed 's|[^/]*$||; s|[^/]*/|../|g')
    ln -sfn "../$up$package/${file#./}" "$root/view/$file"
  done
done
say "==> $variant is complete on $PLATFORM: $root/view"
