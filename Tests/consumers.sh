#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds and runs what depends on this package as its users do: by a version. The version is a tag
# in a temporary clone of the commit that is checked out, so that neither the checkout nor SwiftPM's
# cache sees it. One scratch folder serves all, so that the library is compiled once.
#
#   Tests/consumers.sh [consumer | examples | server | documents | serial]...
#
# All of them by default; examples include the server.
#
# MNIST_DIR names MNIST's four files; without it drawn digits take their place where they can.

set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
version=0.2.0

git clone --quiet --no-checkout "$root" "$work/swift-convnet"
git -C "$work/swift-convnet" update-ref "refs/tags/$version" "$(git -C "$root" rev-parse HEAD)"
export SWIFT_CONVNET_URL="file://$work/swift-convnet"

fail() {
    echo "Tests/consumers.sh: $1" >&2
    exit 1
}
step() { printf -- '-- %s (%d s so far)\n' "$1" "$SECONDS"; }

# Runs a command of SwiftPM's for a copy of a package: swift_for PACKAGE COMMAND ARGUMENT…
swift_for() {
    local package="$1" command="$2"
    shift 2
    swift "$command" --package-path "$work/$package" --scratch-path "$work/.build" \
        --cache-path "$work/cache" ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"} "$@"
}

# A copy, so that the folder keeps no trace of it; what is untracked stays behind.
copy_package() {
    mkdir -p "$work/$2"
    git -C "$root" ls-files -z "$1" | while IFS= read -r -d '' file; do
        mkdir -p "$work/$2/$(dirname "${file#"$1"/}")"
        cp "$root/$file" "$work/$2/${file#"$1"/}"
    done
}

# Fails unless a command's output has a line that a pattern matches whole.
expect_line() {
    local pattern="$1" output
    shift
    output="$("$@")" || fail "\"$*\" ended with status $?"
    echo "$output"
    grep -Eqx "$pattern" <<<"$output" || fail "no line of \"$*\" is \"$pattern\""
}

# Fails unless a command ends with a status other than 0.
expect_failure() {
    if "$@" >"$work/log" 2>&1; then fail "\"$*\" should have failed"; fi
}

check_consumer() {
    step "the consumer package"
    copy_package Tests/ConsumerPackage consumer
    expect_line 'prediction [0-9]' swift_for consumer run Consumer

    # A user of ConvNet alone needs OpenMP's runtime, and neither zlib, Cairo nor decoders.
    local needed
    needed="$(readelf -d "$(swift_for consumer build --show-bin-path)/Consumer" | grep NEEDED)"
    grep -q 'libomp' <<<"$needed" || fail "the consumer does not link libomp: $needed"
    if grep -E 'libz\.|libcairo|libpng|libturbojpeg' <<<"$needed"; then fail "the consumer links more than libomp"; fi
}

# The manifest is evaluated on the user's machine: where that has no OpenMP, all is built serially.
check_serial() {
    step "the consumer package without OpenMP"
    copy_package Tests/ConsumerPackage consumer
    export CONVNET_OPENMP=none
    expect_line 'prediction [0-9]' swift_for consumer run Consumer
    local needed
    needed="$(readelf -d "$(swift_for consumer build --show-bin-path)/Consumer" | grep NEEDED)"
    if grep libomp <<<"$needed"; then fail "the consumer links OpenMP"; fi
    unset CONVNET_OPENMP
}

check_examples() {
    step "example TrainDigits"
    copy_package Examples/TrainDigits TrainDigits
    expect_line 'digits.safetensors: .* right' \
        swift_for TrainDigits run TrainDigits "$work/digits.safetensors" ${MNIST_DIR:+"$MNIST_DIR"}

    step "example PredictFolder"
    copy_package Examples/PredictFolder PredictFolder
    swift_for PredictFolder build
    local predict
    predict="$(swift_for PredictFolder build --show-bin-path)/PredictFolder"
    expect_line '7\.png: [0-9] \([0-9]+ %\)' \
        "$predict" "$work/digits.safetensors" "$work/PredictFolder/Digits" --invert
    echo "no image" >"$work/PredictFolder/Digits/none.png"
    expect_failure "$predict" "$work/digits.safetensors" "$work/PredictFolder/Digits" --invert
    grep -q 'none.png.*expected' "$work/log" || fail "PredictFolder did not name none.png"

    step "example OwnLayerAndOptimizer"
    copy_package Examples/OwnLayerAndOptimizer OwnLayerAndOptimizer
    expect_line 'gradients passed' swift_for OwnLayerAndOptimizer run OwnLayerAndOptimizer |
        tee "$work/log"
    grep -q 'read again: true' "$work/log" || fail "OwnLayerAndOptimizer read another network"

    step "example PlainC"
    copy_package Examples/PlainC PlainC
    expect_line '300 x 200 x 250: right' swift_for PlainC run PlainC

    step "example ImageSpeed"
    copy_package Examples/ImageSpeed ImageSpeed
    expect_line 'all processors, decoded smaller: [0-9]+ images a second' \
        swift_for ImageSpeed run ImageSpeed "$root/Examples/Photographs/train" 32

    step "example SpeedTest"
    copy_package Examples/SpeedTest SpeedTest
    export SPEED_BASELINE="$work/speed-baseline.json" SPEED_TOLERANCE=0.5
    swift_for SpeedTest test # writes the baseline
    [ -s "$SPEED_BASELINE" ] || fail "SpeedTest wrote no baseline"
    swift_for SpeedTest test --skip-build
    # Four times the filters: the test has to see that, however busy the machine is.
    FILTERS=120 expect_failure swift_for SpeedTest test --skip-build
    grep -q "products' time, it was" "$work/log" || fail "SpeedTest failed for another reason"

    check_server
}

# Its HTTP is a system library's, and what tries it is written in Python; both are installed by
# `make setup-examples`.
check_server() {
    if ! pkg-config --exists libmicrohttpd || ! command -v python3 >/dev/null; then
        echo "skipped example ImageServer: libmicrohttpd or python3 is missing"
        return
    fi
    step "example ImageServer"
    copy_package Examples/ImageServer ImageServer
    swift_for ImageServer build
    local built photographs="$root/Examples/Photographs"
    built="$(swift_for ImageServer build --show-bin-path)"
    "$built/MakeNetwork" "$photographs/train" "$work/photographs.safetensors"
    "$built/MakeNetwork" "$photographs/train" "$work/wide.safetensors" --wide
    python3 "$work/ImageServer/check.py" "$built/ImageServer" "$work/photographs.safetensors" \
        "$work/wide.safetensors" "$photographs/train"
    python3 "$work/ImageServer/page.py" "$built/ImageServer" "$work/photographs.safetensors" \
        "$photographs/test/sun/00.jpg" sun
    expect_failure "$built/ImageServer" "$work/none.safetensors"
    grep -q 'none.safetensors' "$work/log" || fail "ImageServer did not name none.safetensors"
}

check_documents() {
    step "the documents' code"
    "$root/Documentation/run.sh" "$work"
}

for part in ${@:-consumer examples documents serial}; do
    case "$part" in
        consumer | examples | server | documents | serial) "check_$part" ;;
        *) fail "$part is unknown, expected consumer, examples, server, documents or serial" ;;
    esac
done
step "done"
