#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds and runs the consumer package against a version of this repository. The version is a tag in
# a temporary clone of the commit that is checked out, so that neither the checkout nor SwiftPM's
# cache sees it.

set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

commit="$(git -C "$here" rev-parse HEAD)"
git clone --quiet --no-checkout "$(git -C "$here" rev-parse --show-toplevel)" "$work/swift-convnet"
git -C "$work/swift-convnet" update-ref refs/tags/1.0.0 "$commit"

cp -R "$here/Package.swift" "$here/Sources" "$work"
export SWIFT_CONVNET_URL="file://$work/swift-convnet"
swift_in_work() {
    local command="$1"
    shift
    swift "$command" --package-path "$work" --scratch-path "$work/.build" \
        --cache-path "$work/cache" "$@"
}

output="$(swift_in_work run Consumer)"
echo "$output"
grep -qx 'prediction [0-9]' <<<"$output" || {
    echo "the consumer printed no prediction" >&2
    exit 1
}

# A user of ConvNet alone needs OpenMP's runtime, and neither zlib nor Cairo.
needed="$(readelf -d "$(swift_in_work build --show-bin-path)/Consumer" | grep NEEDED)"
grep -q 'libomp' <<<"$needed" || {
    echo "the consumer does not link libomp:" "$needed" >&2
    exit 1
}
if grep -E 'libz\.|libcairo' <<<"$needed"; then
    echo "the consumer links more than libomp" >&2
    exit 1
fi
