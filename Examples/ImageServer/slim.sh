#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Tries the recipe of the README without containers: the server, with Swift's libraries linked
# into it, in a minimal Debian 12 that has the packages named there and nothing else, as nobody.
# Needs to be root, debootstrap and its mirror; skipped, with a line that says why, without them.
#
#     slim.sh [SCRATCH-FOLDER]

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
skip() {
    echo "skipped the slim machine: $1"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "debootstrap and chroot are root's"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
options=(-c release --static-swift-stdlib --scratch-path "${1:-$work/build}")
swift build "${options[@]}"
built="$(swift build "${options[@]}" --show-bin-path)"
photographs=../Photographs/train

# The packages of the README's recipe.
packages="$(sed -n 's/.*install -y --no-install-recommends \(libomp5.*\) *\\*$/\1/p' README.md)"
timeout 300 debootstrap --variant=minbase --include="$(tr ' ' ',' <<<"${packages%% \\}")" bookworm \
    "$work/slim" >"$work/log" 2>&1 || { tail -n 5 "$work/log"; skip "debootstrap failed"; }
cp "$built/ImageServer" "$work/slim/usr/bin"
"$built/MakeNetwork" "$photographs" "$work/slim/photographs.safetensors"
"$built/MakeNetwork" "$photographs" "$work/slim/wide.safetensors" --wide
chmod a+r "$work"/slim/*.safetensors
mkdir -p "$work/slim/dev/shm" # where OpenMP's runtime leaves a note
chmod 1777 "$work/slim/dev/shm"
printf '#!/bin/sh\nexec chroot --userspec=nobody:nogroup "%s" ImageServer "$@"\n' "$work/slim" \
    >"$work/server"
chmod +x "$work/server"
du -shL "$work/slim/usr/bin/ImageServer"
# Without /proc it can't tell its memory, which is looked at.
unshare --mount bash -euc 'mount -t proc proc "$1/slim/proc"
    exec python3 -B check.py "$1/server" /photographs.safetensors /wide.safetensors "$2"' \
    - "$work" "$photographs"
