#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the tests, those of training on several processes too, and says at the end how many passed
# and what each skipped one would have needed: a peer's library, real data, Python, another
# user's rights.
#
#   Tests/run.sh [ARGUMENT OF SWIFT TEST]...
#
# MUST_RUN holds words such as ONNX_PYTHON or mpirun: where a skipped test needs one of them, the
# run fails, so that what a check relies on does not vanish in silence.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

status=0
swift test ${BUILD_SYSTEM:+--build-system "$BUILD_SYSTEM"} "$@" 2>&1 | tee "$log" || status=$?
# By themselves: jobs of several processes compete for processors. No MPI, one line that says so.
if [ "$status" = 0 ]; then make --no-print-directory test-mpi 2>&1 | tee -a "$log" || status=$?; fi

# The tests of several processes are skipped in the first run, which has no program with MPI.
# A line begins with a sign, of which C's locale sees bytes; arguments of tests may hold any byte.
export LC_ALL=C
names() { sed -nE "s/^[^ ]+ +Test ([^ ]*[)]) .*$1.*/\1/p" "$log" | sort; }
ran="$(names '(passed|failed) after')"
skipped="$(sed -nE 's/^[^ ]+ +Test (.*) skipped(: "(.*)")?$/  \1: \3/p' "$log" | sort |
    awk -v ran="$ran" 'BEGIN { split(ran, names, "\n"); for (i in names) known[names[i] ":"] }
        !($1 in known)')"
passed="$(names 'passed after' | wc -l)"
if [ -n "$skipped" ]; then
    printf '\nskipped, each with what it needs:\n%s\n' "$skipped"
fi
# A run of no test has shown nothing.
if [ "$status" = 0 ] && [ "$passed" = 0 ]; then
    echo "no test was run" >&2
    status=1
fi
for word in ${MUST_RUN:-}; do
    if grep -qw -- "$word" <<<"$skipped" || grep -w -- "$word" "$log" | grep -q '^skipped: '; then
        echo "tests that need $word were skipped, and MUST_RUN names it" >&2
        status=1
    fi
done
printf '\n%d passed, %d failed, %d skipped\n' \
    "$passed" "$(names 'failed after' | wc -l)" "$(grep -c . <<<"$skipped" || true)"
exit "$status"
