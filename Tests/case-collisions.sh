#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fails where two paths in a folder differ by the case of letters alone, as on a Mac's disk they
# would be one: the library is ConvNet, and the program convnet.
#
#     Tests/case-collisions.sh FOLDER…

set -euo pipefail
status=0
for folder in "$@"; do
    [ -n "$(ls -A "$folder")" ] || {
        echo "case-collisions: $folder is empty, expected what was built" >&2
        exit 1
    }
    # Of what the index and the module cache hold, the names are hashes.
    pairs="$(cd "$folder" &&
        find . \( -name index -o -name ModuleCache -o -name ModuleCache.noindex \) -prune -o -print |
        LC_ALL=C sort | awk '
            { lower = tolower($0) }
            lower in seen && !(lower in told) { print "  " seen[lower] " and " $0; told[lower] }
            !(lower in seen) { seen[lower] = $0 }')"
    if [ -n "$pairs" ]; then
        printf 'case-collisions: in %s are equal but for case:\n%s\n' "$folder" "$pairs" >&2
        status=1
    fi
done
exit "$status"
