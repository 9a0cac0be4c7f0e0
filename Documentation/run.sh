#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the code of the README and of the articles, so that what they show is what happens.
# program.awk says how it is marked. Swift programs are built as a user's package, against a tagged
# version, and must print what the document says they do; shell commands run in an empty folder and
# must end with 0.
#
#   Documentation/run.sh FOLDER    FOLDER and SWIFT_CONVNET_URL are Tests/consumers.sh's
#
# MNIST_DIR names MNIST's four files; programs and commands that read them are left out without it.

set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$1"
cd "$root"
documents=(README.md Sources/*/*.docc/*.md)

fail() {
    echo "Documentation/run.sh: $1" >&2
    exit 1
}

# What a document's programs and commands find in their folder.
make_folder() {
    mkdir -p "$1"
    ln -sfn "$root"/{CSources,Examples} "$1"
    if [ -n "${MNIST_DIR:-}" ]; then ln -sfn "$MNIST_DIR" "$1/mnist"; fi
}

# Programs that read MNIST's files are left out where there are none.
needs_missing_data() { [ -z "${MNIST_DIR:-}" ] && grep -q 'MNIST.load' "$1"; }

# A translation has the original's code blocks, but for remarks in them.
code_of() { awk '/^```/ { inside = !inside; print; next } inside' "$1" | sed 's| *//.*||'; }
for translation in Sources/*/*.docc/*-Korean.md; do
    original="${translation%-Korean.md}.md"
    diff <(code_of "$original") <(code_of "$translation") ||
        fail "the code of $translation is not that of $original"
done

package="$work/documents"
mkdir -p "$package/Sources"
for document in "${documents[@]}"; do
    out="$work/extracted/$document"
    mkdir -p "$out"
    awk -v out="$out" -f Documentation/program.awk "$document"
    name="$(basename "$document" .md | tr -cd '[:alnum:]')"
    for program in "$out"/program-*.swift; do
        [ -s "$program" ] || continue
        target="$name-$(basename "$program" .swift | tr -cd '[:digit:]')"
        mkdir -p "$package/Sources/$target"
        cp "$program" "$package/Sources/$target/main.swift"
        cp "${program%.swift}.expected" "$package/Sources/$target.expected"
    done
done

# The manifest of "Using the library", with the clone's address in place of the public one, builds
# its first program; the same with more products builds the rest.
article="Sources/ConvNet/ConvNet.docc/GettingStarted.md"
manifest="$work/extracted/$article/Package.swift"
[ -s "$manifest" ] || fail "$article has no manifest"
address="$(sed -n 's/.*url: "\([^"]*\)".*/\1/p' "$manifest")"
mkdir -p "$work/manifest/Sources/Digits"
sed "s|$address|$SWIFT_CONVNET_URL|" "$manifest" >"$work/manifest/Package.swift"
cp "$package/Sources/GettingStarted-1/main.swift" "$work/manifest/Sources/Digits/main.swift"
build() {
    local package="$1"
    shift
    swift build --package-path "$package" --scratch-path "$work/.build" \
        --cache-path "$work/cache" ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"} "$@"
}
build "$work/manifest"

cat >"$package/Package.swift" <<'END'
// swift-tools-version: 6.2
import Foundation
import PackageDescription

let products = ["ConvNet", "ConvNetData", "ConvNetImages", "ConvNetPlots", "ConvNetReference"].map {
    Target.Dependency.product(name: $0, package: "swift-convnet")
}
let programs = try FileManager.default
    .contentsOfDirectory(atPath: Context.packageDirectory + "/Sources")
    .filter { !$0.hasSuffix(".expected") }.sorted()
let package = Package(
    name: "documents",
    dependencies: [
        .package(url: Context.environment["SWIFT_CONVNET_URL"] ?? "", from: "0.2.0")
    ],
    targets: programs.map { .executableTarget(name: $0, dependencies: products) })
END
build "$package"
binaries="$(build "$package" --show-bin-path)"

for expected in "$package"/Sources/*.expected; do
    target="$(basename "$expected" .expected)"
    if needs_missing_data "$package/Sources/$target/main.swift"; then
        echo "skipped $target: MNIST_DIR is not set"
        continue
    fi
    make_folder "$work/run/$target"
    if ! (cd "$work/run/$target" && stdbuf -oL "$binaries/$target" >"$work/printed" 2>"$work/log"); then
        cat "$work/printed" "$work/log" >&2
        fail "$target failed"
    fi
    # Blocks without a text behind them may print what they like.
    awk '
        FNR == 1 { file++ }
        /^%-- block / { block = $3; next }
        file == 1 { expected[block] = expected[block] $0 "\n" }
        file == 2 { printed[block] = printed[block] $0 "\n" }
        END {
            for (block in expected) if (expected[block] != printed[block]) {
                printf "block %d printed\n%s\nand should have printed\n%s\n", block,
                    printed[block], expected[block]
                failed = 1
            }
            exit failed
        }' "$expected" "$work/printed" >&2 || fail "$target printed something else"
    echo "$target: as the document says"
done

# SwiftPM and make, for this checkout, wherever the command is called.
swift() {
    local command="$1"
    shift
    command swift "$command" --package-path "$root" "$@"
}
make() { command make -C "$root" "$@"; }
convnet() { swift run convnet "$@"; }

for document in "${documents[@]}"; do
    script="$work/extracted/$document/commands.sh"
    [ -s "$script" ] || continue
    echo "the commands of $document"
    make_folder "$work/run/$document"
    (
        cd "$work/run/$document"
        set -x
        # shellcheck source=/dev/null
        source "$script"
    ) >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "a command of $document failed"
    }
done

for code in "$work"/extracted/Sources/*/*.docc/*/code.cpp; do
    [ -e "$code" ] || continue
    clang++ -std=c++17 -Wall -Wextra -Werror -I CSources/CConvKernels/include -fsyntax-only "$code" ||
        fail "$code does not compile"
done

# Every path that the guide for contributors names is there.
while IFS= read -r path; do
    [ -e "$path" ] || fail "CONTRIBUTING.md names $path, which does not exist"
done < <(grep -o '`[A-Za-z.][A-Za-z0-9_.+/-]*/[A-Za-z0-9_.+/-]*`' CONTRIBUTING.md | tr -d '`' | sort -u)

# The map has every folder that holds code.
map="Sources/ConvNet/ConvNet.docc/Architecture.md"
for folder in CSources/* Sources/* Benchmarks Documentation Examples Tests; do
    grep -q "\`$folder\`" "$map" || fail "$map lacks $folder"
done
