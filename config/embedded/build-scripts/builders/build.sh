#!/bin/sh
# Builds one variant of the software on one platform into the shared tree, or checks its sources out. See README.md.
set -eu
scripts=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$scripts/builders/functions.sh"

usage() { die "$1
usage: build.sh --src REPO --dest DIR --variant VARIANT [--svnup True --svnonly True | --svnup False] [--nightly]"; }

src= dest= variant= svnup=False svnonly=False nightly=no
while [ $# -gt 0 ]; do
  case $1 in
    --src | --dest | --variant | --svnup | --svnonly)
      [ $# -ge 2 ] || usage "$1 needs a value"
      case $1 in
        --src) src=$2 ;;
        --dest) dest=$2 ;;
        --variant) variant=$2 ;;
        --svnup) svnup=$2 ;;
        --svnonly) svnonly=$2 ;;
      esac
      shift 2
      ;;
    --nightly) nightly=yes && shift ;;
    *) usage "unknown option \"$1\"" ;;
  esac
done
[ -n "$src" ] && [ -n "$dest" ] && [ -n "$variant" ] || usage "--src, --dest and --variant are needed"
case $variant in
  *[!A-Za-z0-9._-]*) usage "\"$variant\" cannot be the name of a variant" ;;
esac

# Variants of one repository only may be in a folder of its own.
variants=$scripts/variants
[ ! -d "$scripts/$src/variants" ] || variants=$scripts/$src/variants
[ -f "$variants/$variant.sh" ] || die "there is no variant \"$variant\"; there are: $(cd "$variants" && ls | sed 's/\.sh$//' | tr '\n' ' ')"
PACKAGES=
. "$variants/$variant.sh"

path=$(variant_path "$variant")
: "${CPUS:=1}"
checked_out=$dest/.sources/$path

if [ "$svnup" = True ]; then
  say "==> checking out the sources of $variant into $checked_out"
  [ -d "${ICEFALL_SOURCES:-}" ] || die "ICEFALL_SOURCES must name the folder of the packages' sources; it is \"${ICEFALL_SOURCES:-}\""
  for name in $PACKAGES; do
    if [ ! -d "$ICEFALL_SOURCES/$name" ]; then
      say "    $name: in the build scripts"
      continue
    fi
    mkdir -p "$checked_out/$name"
    rsync -rLt --delete --chmod=D755,F644 "$ICEFALL_SOURCES/$name/" "$checked_out/$name/"
    say "    $name: $(find "$checked_out/$name" -type f | wc -l) files, $(du -sk "$checked_out/$name" | cut -f 1) kB"
  done
  [ "$svnonly" != True ] || exit 0
fi

: "${PLATFORM:?must name the platform to build for}"
load_platform
prefix=$dest/$path/$PLATFORM
build=$dest/.build/$path/$PLATFORM
mkdir -p "$prefix/bin" "$prefix/lib" "$prefix/include" "$prefix/share" "$build"

# One build of a variant on a platform at a time, also when several are asked for at once.
if command -v flock >/dev/null; then
  exec 9>"$build/lock"
  flock -n 9 || { say "another build of $variant on $PLATFORM is running: waiting for it" && flock 9; }
fi

set -- $PACKAGES
total=$# number=0
say "==> $src: $variant on $PLATFORM, $total packages, $CPUS at once"
for package; do
  number=$((number + 1))
  say "==> [$number/$total] $package"
  build_package "$package" "$prefix"
  if [ -f "$scripts/platforms/$PLATFORM.fail" ]; then
    say "$package: $(cat "$scripts/platforms/$PLATFORM.fail")"
    die "platforms/$PLATFORM.fail is there: the build fails on purpose"
  fi
done
put_file "$scripts/builders/setup.sh" "$dest/$path/setup.sh" 755
say "==> $variant is complete on $PLATFORM: $(find "$prefix" -type f | wc -l) files, $(du -sk "$prefix" | cut -f 1) kB in $prefix"
