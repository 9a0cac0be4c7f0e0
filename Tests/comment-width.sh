#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fails on comments wider than 100 columns, which swift-format and clang-format do not break. Lines
# with a URL may be longer; code, strings and generated files are not looked at.
#
#     Tests/comment-width.sh [FILE…]    all sources of the repository by default

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ $# -eq 0 ]; then
    # No name has a space in it.
    # shellcheck disable=SC2046
    set -- $(git ls-files Makefile .ci/run '*.swift' '*.c' '*.h' '*.inc' '*.sh' '*.py' '*.awk' \
        'Tests/*.txt' | grep -v '^Fuzzing/seeds/[^/]*/')
fi
[ $# -gt 0 ] || {
    echo "comment-width: there are no files, expected some to check" >&2
    exit 1
}

# In the C locale, so that every awk sees bytes: a character is a byte that continues no other.
LC_ALL=C awk '
    FNR == 1 { quoted = 0 }
    {
        code = $0
        quotes = gsub(/"""/, "", code)
        text = quoted || quotes
        if (quotes % 2) quoted = !quoted
        # Text in triple quotes is documentation in Python, a string in Swift.
        if (text && FILENAME !~ /\.py$/) next

        width = $0
        gsub(/[\200-\277]/, "", width)
        if (length(width) <= 100 || $0 ~ /:\/\//) next

        gsub(/"([^"\\]|\\.)*"/, "", code)
        comment = FILENAME ~ /\.(swift|c|h|inc)$/ ? "^ *\\*|//|/\\*" : "^[ \t]*#| # "
        if (text || code ~ comment) {
            printf "%s:%d: a comment of %d columns, expected at most 100\n", FILENAME, FNR, \
                length(width) > "/dev/stderr"
            failed = 1
        }
    }
    END { exit failed }' "$@"
