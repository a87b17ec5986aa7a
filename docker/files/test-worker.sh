#!/bin/sh
# Whether a worker's image holds what builds count on. Exit code 0 only if all of it works.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for program in git make rsync patch file xz python3 tini; do
  command -v "$program" >/dev/null || { echo "missing: $program" >&2; exit 1; }
done
[ "$(id -u)" -ne 0 ] || { echo 'runs as root' >&2; exit 1; }

printf '#include <stdio.h>\nint main(void) { puts("C works"); }\n' >hello.c
cc -o hello hello.c && ./hello
printf '#include <iostream>\nint main() { std::cout << "C++ works\\n"; }\n' >hello.cc
c++ -o hello hello.cc && ./hello

echo "node $(node --version) on $(getconf GNU_LIBC_VERSION)"
node /opt/icefall/icefall-worker.cjs --version
icefall-gateway help | head -n 1
