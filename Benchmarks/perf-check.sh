#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Is this checkout slower than it was? Either against a saved baseline,
#
#     BASELINE=FILE Benchmarks/perf-check.sh [ARGUMENT…]
#
# or against another revision, which is built beside this one; the two run in turns, up to three
# times:
#
#     BASE=REVISION Benchmarks/perf-check.sh [ARGUMENT…]
#
# The arguments go to Benchmarks. Exit status: 0 not slower, 1 slower, 2 called wrongly.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wrong() {
    echo "perf-check: $1" >&2
    exit 2
}

[ -z "${BASELINE:-}" ] || [ -z "${BASE:-}" ] || wrong "BASELINE and BASE are both set, expected one"
options=(-c release ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"})
swift build "${options[@]}" --product Benchmarks
here="$(swift build "${options[@]}" --show-bin-path)/Benchmarks"

if [ -n "${BASELINE:-}" ]; then
    exec "$here" --native-only --baseline "$BASELINE" "$@"
fi

base="${BASE:-HEAD~1}"
commit="$(git rev-parse --verify --quiet "$base^{commit}")" ||
    wrong "BASE is $base, expected a revision of this repository"
# Kept from check to check, so that only what differs is built.
other="$PWD/.build/perf-check"
git worktree prune
if [ ! -e "$other/.git" ]; then
    rm -rf "$other"
    git worktree add --quiet --detach "$other" "$commit"
fi
git -C "$other" checkout --quiet --detach "$commit"
(cd "$other" && swift build "${options[@]}" --product Benchmarks)
there="$(cd "$other" && swift build "${options[@]}" --show-bin-path)/Benchmarks"
"$there" --help | grep -q -- --save-baseline ||
    wrong "BASE is $base, expected a revision whose Benchmarks know --save-baseline"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Slower is what is slower in every turn: a spell of the machine hits one of them.
for turn in 1 2 3; do
    echo "turn $turn: $(git rev-parse --short "$commit"), then this checkout"
    "$there" --native-only --save-baseline "$work/baseline.json" "$@" >"$work/log" ||
        { cat "$work/log"; exit 2; }
    status=0
    "$here" --native-only --baseline "$work/baseline.json" "$@" >"$work/log" || status=$?
    sed -n '/^REGRESSED /p; /^faster /p; / cases regressed/p' "$work/log"
    [ "$status" -le 1 ] || exit "$status"
    sed -n 's/^REGRESSED  \(.*\): .*/\1/p' "$work/log" | sort >"$work/turn"
    if [ "$turn" = 1 ]; then
        cp "$work/turn" "$work/slower"
    else
        comm -12 "$work/slower" "$work/turn" >"$work/both"
        mv "$work/both" "$work/slower"
    fi
    if [ ! -s "$work/slower" ]; then
        echo "not slower than $base"
        exit 0
    fi
done
echo "slower than $base in three turns of three:"
sed 's/^/  /' "$work/slower"
exit 1
