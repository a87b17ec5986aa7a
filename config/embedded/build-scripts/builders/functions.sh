# Shared by the build scripts. POSIX sh.

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# variant_path py2_v3.1.1_metaproject  ->  py2-v3.1.1
variant_path() { printf '%s\n' "${1%_metaproject}" | sed 's/_/-/'; }

# Sets CFLAGS and LDFLAGS.
load_platform() {
  [ -f "$scripts/platforms/$PLATFORM.sh" ] ||
    die "there is no platforms/$PLATFORM.sh; PLATFORM must name one of: $(cd "$scripts/platforms" && ls -- *.sh | sed 's/\.sh$//' | tr '\n' ' ')"
  CFLAGS= LDFLAGS=
  . "$scripts/platforms/$PLATFORM.sh"
}

# What a package is made of, as a check sum: its recipe, its sources, the flags and the compiler.
package_sum() {
  {
    find "$scripts/packages/$1" "$2" -type f 2>/dev/null | LC_ALL=C sort | while read -r file; do cksum <"$file"; done
    printf '%s\n' "$CFLAGS" "$LDFLAGS"
    ${CC:-cc} --version | head -n 1
  } | cksum | tr ' ' '-'
}

# Where a package's sources are: checked out below the shared tree, or as they were delivered.
package_sources() {
  if [ -d "$checked_out/$1" ]; then printf '%s\n' "$checked_out/$1"; else printf '%s\n' "${ICEFALL_SOURCES:-/nonexistent}/$1"; fi
}

# build_package NAME PREFIX: builds, installs and tests a package unless it is up to date.
build_package() {
  name=$1 prefix=$2
  sources=$(package_sources "$name")
  [ -f "$scripts/packages/$name/Makefile" ] || die "there is no package \"$name\" in packages/"
  version=$(make -s -f "$scripts/packages/$name/Makefile" RECIPE="$scripts/packages/$name" SRC="$sources" version) || exit 1
  objects=$build/$name
  sum=$(package_sum "$name" "$sources")
  if [ "$nightly" = no ] && [ -f "$objects/done" ] && [ "$(cat "$objects/done")" = "$sum" ]; then
    say "    $name $version is up to date"
    return 0
  fi
  say "    sources: $sources"
  rm -rf "$objects"
  mkdir -p "$objects"
  for target in all install check; do
    say "    make -j$CPUS $target"
    (
      cd "$objects" &&
        exec make --no-print-directory -j"$CPUS" -f "$scripts/packages/$name/Makefile" \
          RECIPE="$scripts/packages/$name" SRC="$sources" PREFIX="$prefix" VERSION="$version" PLATFORM="$PLATFORM" \
          CC="${CC:-cc}" CFLAGS="$CFLAGS -ffile-prefix-map=$sources=$name -ffile-prefix-map=$scripts/packages/$name=$name" LDFLAGS="$LDFLAGS" "$target"
    ) &
    watch_make $! || die "$name $version: \"make $target\" failed on $PLATFORM"
  done
  printf '%s\n' "$sum" >"$objects/done"
  say "    $name $version is installed in $prefix"
}

# Says now and then that a long compilation is alive.
watch_make() {
  seconds=0
  while kill -0 "$1" 2>/dev/null; do
    sleep 0.25 2>/dev/null || sleep 1
    seconds=$((seconds + 1))
    [ $((seconds % 12)) -ne 0 ] || say "    ... $name: $((seconds / 4)) s, $(ls "$objects" | grep -c '\.o$') objects"
  done
  wait "$1"
}

# put_file FILE TARGET MODE: installs a file whole; one that is the same already is left as it is.
put_file() {
  if cmp -s "$1" "$2"; then return 0; fi
  cp "$1" "$2.new.$$" && chmod "$3" "$2.new.$$" && mv -f "$2.new.$$" "$2"
}
