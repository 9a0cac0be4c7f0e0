#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The C kernels against naive loops, without OpenMP: on this processor (`here`), or compiled for
# 64-bit Arm and run by an emulator (`neon`). Skipped, with a line that says so, where Debian's
# packages gcc-aarch64-linux-gnu and qemu-user are missing.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

options=(-O2 -Wall -Wextra -Wno-unused-variable -Wno-unused-parameter
    -Werror -fno-math-errno -ICSources/CConvKernels -ICSources/CConvKernels/include)
# The toolchain's own compiler, as Swift's package manager would use.
compiler="$(command -v clang || dirname "$(readlink -f "$(command -v swift)")" | sed 's|$|/clang|')"
command=()
expected=()
shapes=40
case "${1:-here}" in
here) ;;
neon)
    if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
        echo "skipped the NEON kernels: gcc-aarch64-linux-gnu or qemu-user is not installed"
        exit 0
    fi
    options+=(--target=aarch64-linux-gnu -static)
    command=(qemu-aarch64)
    expected=(neon)
    shapes=15
    ;;
*)
    echo "run.sh: the argument is $1, expected here or neon" >&2
    exit 2
    ;;
esac

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$PWD"/CSources/CConvKernels/*/*.c "$PWD/Tests/KernelProgram/kernels.c" |
    xargs -P "$(nproc)" -I{} sh -c '
        source=$1; folder=$2; shift 2
        exec "$@" -c "$source" -o "$folder/$(printf %s "$source" | tr / _).o"' \
        sh {} "$work" "$compiler" "${options[@]}"
"$compiler" "${options[@]}" "$work"/*.o -lm -o "$work/kernels"
"${command[@]}" "$work/kernels" "$shapes" "${expected[@]}"
