# Sets a shell up for this release: `. .../setup.sh [PLATFORM]`, in bash or zsh, or with ICEFALL_RELEASE set in others.
# Works wherever the tree is mounted. Without a platform: the first one that runs here.
_release=${ICEFALL_RELEASE:-$(CDPATH= cd -- "$(dirname -- "${BASH_SOURCE:-$0}")" && pwd)}
_platform=${1:-${PLATFORM:-}}
if [ -z "$_platform" ]; then
  for _candidate in "$_release"/*/bin; do
    _platform=$(basename "$(dirname "$_candidate")")
    break
  done
fi
PATH=$_release/$_platform/bin:$PATH
LD_LIBRARY_PATH=$_release/$_platform/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
PKG_CONFIG_PATH=$_release/$_platform/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PATH LD_LIBRARY_PATH PKG_CONFIG_PATH
unset _release _platform _candidate
