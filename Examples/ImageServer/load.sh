#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# How many photographs a second the server answers, and how long the answers take, on 1 to 64
# connections: one by one and in batches, alternately, by ApacheBench (Debian's apache2-utils).
#
#     load.sh SERVER NETWORK PHOTOGRAPH [REQUESTS]

set -euo pipefail
server="$1" network="$2" photograph="$3" requests="${4:-2000}"
command -v ab >/dev/null || { echo "load.sh: ab is missing: install apache2-utils" >&2; exit 1; }
work="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

# start NAME ARGUMENT…: a server; its address is in the file NAME.
start() {
    local name="$1"
    shift
    "$server" "$network" --port 0 "$@" >"$work/$name" &
    until grep -qs listening "$work/$name"; do sleep 0.05; done
    sed -i 's/^listening on //' "$work/$name"
}
start alone --batch 1
start batches --batch 16

printf '%11s  %-10s %10s %8s %8s\n' connections how "answers/s" "p50 ms" "p99 ms"
for connections in 1 4 16 64; do
    for name in alone batches alone batches; do
        ab -q -l -k -n "$requests" -c "$connections" -p "$photograph" -T image/jpeg \
            "$(head -n 1 "$work/$name")predict" >"$work/report" 2>&1
        grep -q '^Failed requests: *0$' "$work/report" && ! grep -q '^Non-2xx' "$work/report" ||
            { cat "$work/report" >&2; exit 1; }
        awk -v c="$connections" -v name="$name" '
            /^Requests per second/ { rate = $4 }
            $1 == "50%" { half = $2 }
            $1 == "99%" { most = $2 }
            END { printf "%11d  %-10s %10.0f %8d %8d\n", c, name, rate, half, most }' "$work/report"
    done
done
