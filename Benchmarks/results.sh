#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Measures everything against its peers and writes a page of tables, with the machine, versions and
# the date:
#
#     Benchmarks/results.sh [--models FOLDER] [--threads "1 2"] [--sets "avx512 avx2"] >PAGE
#
# FOLDER has networks as ONNX files with inputs (Peers/networks.py). PYTHON names an interpreter
# with torch, torchvision, onnxruntime and openvino; what it lacks is left out. Ours and a peer run
# by turns, in the same minutes. --sets are the instruction sets that ours is limited to; the peers
# use what they like. OpenBLAS and BLIS are compared where Debian's packages are installed. Hours,
# on two cores; each part's command stands above its table.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

models="" threads="1 2" sets=""
while [ $# -gt 0 ]; do
    case "$1" in
        --models) models="$2" ;;
        --threads) threads="$2" ;;
        --sets) sets="$2" ;;
        *) echo "results: $1 is unknown, expected --models, --threads or --sets" >&2 && exit 2 ;;
    esac
    shift 2
done
python="${PYTHON:-python3}"
swift build -c release --product Benchmarks ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"} >&2
bench="$(swift build -c release ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"} --show-bin-path)/Benchmarks"
[ -n "$sets" ] || sets="$("$bench" --native-only --quick --filter sgemm.64x64x64 --json /dev/stdout |
    sed -n 's/.*"isa" : "\(.*\)".*/\1/p')"

version() { "$python" -c "import $1; print('$2', $1.__version__.split('+')[0])" 2>/dev/null || true; }
has() { "$python" -c "import $1" 2>/dev/null; }

# A part of the page: its command, then what it prints. A part that fails ends the run.
part() {
    echo "\`\`\`sh"
    echo "$*"
    echo "\`\`\`"
    echo
    eval "$*"
    echo
}

echo "# Measured on $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
echo
echo "$(date +%F), revision $(git describe --always --dirty), $(nproc) processors, $(uname -sr)," \
    "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)."
echo "Peers: $(paste -sd, < <(version torch PyTorch; version onnxruntime "ONNX Runtime"
    version openvino OpenVINO) | sed 's/,/, /g')."
echo "Milliseconds, best of alternating runs; a ratio above 1 means that ours is faster."
for set in $sets; do
    export CONVNET_ISA="$set"
    for count in $threads; do
        echo
        echo "## $set, $count $([ "$count" = 1 ] && echo thread || echo threads)"
        if [ -n "$models" ] && { has onnxruntime || has openvino; }; then
            echo
            echo "### Networks"
            echo
            part "$python" Benchmarks/Peers/networks.py "$models" --threads "$count"
        fi
        if has torch; then
            echo "### Training steps, and the networks of the chapter"
            echo
            part "$python" Benchmarks/Peers/training.py --threads "$count"
            echo "### Layers"
            echo
            part "$python" Benchmarks/Peers/layers.py --threads "$count"
        fi
    done
    libraries="$(for name in openblas blis; do
        ldconfig -p | grep -q "lib$name.so" && echo "$name"
    done | paste -sd,)"
    if [ -n "$libraries" ]; then
        echo "### Products against $libraries"
        echo
        part "$bench" --native-only --quick --filter sgemm. --compare "$libraries"
    fi
done
