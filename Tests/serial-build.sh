#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `convnet` built without OpenMP does not link it, says so, and computes right gradients.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fail() {
    echo "serial-build: $1" >&2
    exit 1
}

options=(--scratch-path .build/serial --product convnet
    ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"})
export CONVNET_OPENMP=none
swift build "${options[@]}"
convnet="$(swift build "${options[@]}" --show-bin-path)/convnet"

# Only a file that is there can show that it lacks a library.
libraries="$(ldd "$convnet")" || fail "$convnet can't be looked at"
grep -q libc.so <<<"$libraries" || fail "$convnet shows no libraries: $libraries"
if grep libomp <<<"$libraries"; then fail "$convnet links OpenMP"; fi
information="$("$convnet" info)"
grep -qx 'threads *1 (serial: built without OpenMP)' <<<"$information" ||
    fail "convnet info does not tell: $information"
"$convnet" check-gradients
