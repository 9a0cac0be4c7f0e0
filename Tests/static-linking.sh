#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A program that uses ConvNet, linked with Swift's libraries inside, runs on a Debian machine that
# has OpenMP's runtime and no Swift. Tried in a root of its own: a fresh Debian 12 where debootstrap
# and its mirror can be reached (DEBOOTSTRAP=1), otherwise a folder with nothing but the C and C++
# runtimes and libomp. Skipped, with a line that says so, where one may not change the root.

set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ "$(id -u)" != 0 ]; then
    echo "skipped static linking: chroot is root's"
    exit 0
fi
fail() {
    echo "static-linking: $1" >&2
    exit 1
}

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
git clone --quiet --no-checkout "$root" "$work/swift-convnet"
git -C "$work/swift-convnet" update-ref refs/tags/0.2.0 "$(git -C "$root" rev-parse HEAD)"
export SWIFT_CONVNET_URL="file://$work/swift-convnet"
cp -r "$root/Tests/ConsumerPackage" "$work/consumer"
options=(-c release --static-swift-stdlib --package-path "$work/consumer"
    --scratch-path "$work/build" --cache-path "$work/cache"
    ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"})
swift build "${options[@]}"
program="$(swift build "${options[@]}" --show-bin-path)/Consumer"

needed="$(readelf -d "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')"
echo "links $(tr '\n' ' ' <<<"$needed")"
grep -q '^libomp' <<<"$needed" || fail "the program does not link libomp"
if grep -E '^lib(swift|Foundation|dispatch|z\.|cairo|png|turbojpeg)' <<<"$needed"; then
    fail "the program links more than the C and C++ runtimes and libomp"
fi

machine="$work/machine"
if [ "${DEBOOTSTRAP:-0}" = 1 ] && command -v debootstrap >/dev/null &&
    timeout 240 debootstrap --variant=minbase --include=libomp5-14 bookworm "$machine" \
        >"$work/log" 2>&1; then
    echo "in a fresh Debian 12 with libomp5-14:"
else
    echo "in a folder with the C and C++ runtimes and libomp:"
    rm -rf "$machine"
    mkdir -p "$machine"
    # Each library by the path under which it is looked for.
    ldd "$program" | sed -n 's/^.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' |
        while read -r library; do
            mkdir -p "$machine$(dirname "$library")"
            cp -L "$library" "$machine$library"
        done
fi
# OpenMP's runtime ends a process that has no shared memory.
mkdir -p "$machine/proc" "$machine/dev/shm"
cp "$program" "$machine/consumer"
line="$(chroot "$machine" /consumer)" || fail "the program ended with status $?"
echo "$line"
grep -Eqx 'prediction [0-9]' <<<"$line" || fail "expected a prediction"
