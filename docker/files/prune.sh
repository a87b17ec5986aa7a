#!/bin/sh
# Takes out of the dependencies in a folder what never runs in an image: `prune.sh node_modules`
# Types stay, as `icefall check` reads them; those of the cluster's client are half of it, and no site's program names them.
set -eu
packages=$1/.pnpm
case $(uname -m) in x86_64) machine=linux-x64 ;; aarch64) machine=linux-arm64 ;; *) machine= ;; esac

find "$packages" -type f -name '*.map' -delete
find "$packages" -type f -iname '*.md' ! -iname 'licen[cs]e*' ! -iname 'notice*' ! -iname 'copying*' -delete
# For another runtime than Node.
find "$packages" -type f -name '*.bare' -delete
find "$packages" -type f -path '*/@kubernetes/client-node/*' -name '*.d.ts' -delete
# Add-ons for other machines and C libraries. Their C sources stay: they are what the laptop's site builds.
if [ -n "$machine" ]; then
  find "$packages" -type f -path '*/prebuilds/*' -name '*.node' \( ! -path "*/prebuilds/$machine*" -o -name '*musl*' \) -delete
fi
find "$packages" -type d -empty -delete
