#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the libFuzzer targets with AddressSanitizer and UndefinedBehaviorSanitizer and runs each
# for a while: Fuzzing/run.sh [TARGET…]. SECONDS_EACH says for how long, CORPUS where inputs that
# were found are kept from run to run. The exit status is 0 when no target found a fault; an input
# that did lies in Fuzzing/findings and is reproduced by giving it to the executable.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds="${SECONDS_EACH:-60}"
corpus="${CORPUS:-$PWD/.build/corpus}"
targets=("$@")
[ "$#" -gt 0 ] || targets=(IDX NPY NPZ PNG JPEG PNM Safetensors Network Checkpoint History ONNX)

# -sanitize=fuzzer: coverage in every Swift module, and libFuzzer's main in each executable. Swift
# traps on undefined behaviour by itself; for C there is a sanitizer. The linker is LLVM's: gold
# fails on the sanitizers' debug information. Tensors get blocks of exactly their size, never
# recycled ones, so that every overrun is seen.
options=(
    -c debug --sanitize=address -Xswiftc -sanitize=fuzzer -Xswiftc -use-ld=lld
    -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined
    -Xcc -O1 -Xcc -Wno-pass-failed -Xswiftc -DCONVNET_EXACT_MEMORY
    ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"}
)
swift build "${options[@]}"
executables="$(swift build "${options[@]}" --show-bin-path)"

# libFuzzer takes what ends the process, and keeps its input: Swift's own report would
# come before it.
export SWIFT_BACKTRACE=enable=no
export UBSAN_OPTIONS=print_stacktrace=1

failed=()
mkdir -p findings
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    mkdir -p "$corpus/$target"
    seeds="seeds/$target"
    [ -d "$seeds" ] || seeds=../Tests/Fixtures/NumPy
    # Nothing that a small file holds may need more than the memory that is given here, or more than
    # 25 s. Seeds come last: new inputs are written to the first folder only.
    "$executables/Fuzz$target" \
        -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -malloc_limit_mb=512 \
        -max_len=4096 -dict="dictionaries/$target.txt" -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="findings/$target-" "$corpus/$target" "$seeds" ||
        failed+=("$target")
done
[ "${#failed[@]}" = 0 ] || {
    echo "Fuzzing/run.sh: faults in ${failed[*]}; the inputs are in Fuzzing/findings" >&2
    exit 1
}
