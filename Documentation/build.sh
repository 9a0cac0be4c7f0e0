#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Writes the documentation as web pages with the toolchain's docc: Documentation/build.sh FOLDER.
# Fails on a warning, such as a link that leads nowhere or an undocumented parameter, and on an
# undocumented public symbol.
#
# Symbols are taken from the modules that an ordinary build made. ConvNet's pages hold the tensors
# and the kernels too, since `import ConvNet` brings them along.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output="$(realpath -m "$1")"
work="$PWD/.build/documentation"
rm -rf "$work"
mkdir -p "$work"

# The modules that have pages beside ConvNet's.
beside=(ConvNetData ConvNetDistributed ConvNetImages ConvNetPlots ConvNetReference)
archives=("${beside[@]/%/.doccarchive}")
archives=("${archives[@]/#/$work/}")

options=(${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"})
swift build "${options[@]}" --product convnet
swift build "${options[@]}" --target ConvNetDistributed
products="$(swift build "${options[@]}" --show-bin-path)"
target="$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p' | head -1)"
flags=()
for flag in $(pkg-config --cflags zlib cairo libpng libturbojpeg); do flags+=(-Xcc "$flag"); done
# Each build system keeps the module maps that it makes for C targets elsewhere: these are like
# them.
for module in CConvKernels CConvMPI; do
    mkdir -p "$work/maps/$module"
    printf 'module %s {\n    umbrella "%s"\n    export *\n}\n' \
        "$module" "$PWD/CSources/$module/include" >"$work/maps/$module/module.modulemap"
done
for map in "$work"/maps/*/module.modulemap CSources/*/module.modulemap; do
    flags+=(-Xcc "-fmodule-map-file=$(realpath "$map")")
done

# A module's symbol graph in a folder of its own: extract MODULE ARGUMENT…
extract() {
    local module="$1"
    shift
    mkdir -p "$work/symbols/$module"
    swift symbolgraph-extract -module-name "$module" -I "$products" -I "$products/Modules" -target "$target" \
        -output-dir "$work/symbols/$module" -minimum-access-level public \
        -skip-synthesized-members "${flags[@]}" "$@"
}

# docc's pages of a module: convert MODULE ARGUMENT…
convert() {
    local module="$1" catalog="Sources/$1/$1.docc"
    shift
    docc convert $([ -d "$catalog" ] && echo "$catalog") \
        --additional-symbol-graph-dir "$work/symbols/$module" \
        --fallback-display-name "$module" --fallback-bundle-identifier "$module" \
        --enable-experimental-external-link-support --warnings-as-errors --ide-console-output \
        --output-dir "$work/$module.doccarchive" "$@"
}

again=-experimental-allowed-reexported-modules=ConvNetSupport,ConvNetTensor,ConvNetKernels
for module in ConvNetSupport ConvNetTensor ConvNetKernels ConvNet; do extract "$module" "$again"; done
for module in "${beside[@]}"; do extract "$module"; done
swift Documentation/undocumented.swift "$work"/symbols/*/*.symbols.json

# docc looks only at the comments of the module whose pages it makes: the first three are made to be
# checked.
for module in ConvNetSupport ConvNetTensor ConvNetKernels ConvNet; do convert "$module"; done
for module in "${beside[@]}"; do
    # The errors that they throw have their page among ConvNet's.
    sed -i -E 's#``(TensorError|FileError)``#``/ConvNet/\1``#g' "$work/symbols/$module"/*.json
    convert "$module" --dependency "$work/ConvNet.doccarchive"
done

rm -rf "$output"
docc merge "$work/ConvNet.doccarchive" "${archives[@]}" \
    --synthesized-landing-page-name swift-convnet --output-path "$output"
