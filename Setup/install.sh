#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what is missing of this package's needs, and says nothing where nothing is: by apt on
# Debian and Ubuntu, by dnf on Fedora, RHEL and Amazon Linux.
#
#     Setup/install.sh [required | lint | neon | fresh | examples | browser]
#
# Where dnf's repositories have no MPI, all but training on several processes works without it.

set -euo pipefail

fail() {
    echo "make: $1" >&2
    exit 1
}

# The names of what a purpose needs: packages MANAGER PURPOSE. libomp runs the kernels' threads,
# zlib reads compressed data sets, Cairo draws pictures, libpng and libjpeg-turbo read them, MPI
# connects what trains on several machines; SwiftPM asks pkg-config where they are. The example
# ImageServer speaks HTTP by libmicrohttpd, is tried by Python, and its page by Chromium.
packages() {
    case "$1 $2" in
    "apt required") echo libomp-dev zlib1g-dev libcairo2-dev libpng-dev libturbojpeg0-dev \
        pkg-config libopenmpi-dev openmpi-bin ;;
    "apt lint") echo clang-format ;;
    "apt neon") echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user ;;
    "apt fresh" | "dnf fresh") echo debootstrap ;;
    "apt examples") echo libmicrohttpd-dev python3 ;;
    "dnf examples") echo libmicrohttpd-devel python3 ;;
    "apt browser" | "dnf browser") echo chromium ;;
    "dnf required") echo libomp-devel zlib-devel cairo-devel libpng-devel turbojpeg-devel \
        pkgconf-pkg-config ;;
    "dnf mpi") echo openmpi-devel ;;
    "dnf lint") echo clang-tools-extra ;;
    "dnf neon") echo gcc-aarch64-linux-gnu qemu-user ;;
    esac
}

is_installed() {
    case "$1 $2" in
    # Any version will do, and Debian's conflict with each other.
    "apt libomp-dev")
        dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'libomp*-dev' 2>/dev/null |
            grep -Eqx 'libomp(-[0-9]+)?-dev installed'
        ;;
    "apt "*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null)" = installed ] ;;
    "dnf "*) rpm --query --quiet --whatprovides "$2" 2>/dev/null ;;
    esac
}

missing() {
    local package
    for package in $(packages "$1" "$2"); do
        is_installed "$1" "$package" || printf ' %s' "$package"
    done
}

# Runs a command as root: as_root WHAT COMMAND…, where WHAT is what a person would have to do.
as_root() {
    local what="$1"
    shift
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || fail "sudo is missing: as root, run $what"
        sudo "$@"
    fi
}

install_with() {
    echo "installing$2"
    case "$1" in
    apt)
        as_root "apt-get install$2" apt-get update -qq
        # shellcheck disable=SC2086 # a word for each package
        as_root "apt-get install$2" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $2
        ;;
    # shellcheck disable=SC2086
    dnf) as_root "dnf install$2" dnf install -y -q --setopt=install_weak_deps=False $2 ;;
    esac
}

purpose="${1:-required}"
if command -v apt-get >/dev/null; then
    manager=apt
elif command -v dnf >/dev/null; then
    manager=dnf
else
    manager=
fi
[ -n "$(packages apt "$purpose")" ] || fail "$purpose is unknown, expected \
required, lint, neon, fresh, examples or browser"
[ -n "$manager" ] || fail "apt-get and dnf are missing: \
install what is called $(packages apt "$purpose") on Debian"

lacking="$(missing "$manager" "$purpose")"
[ -z "$lacking" ] || install_with "$manager" "$lacking"
if [ "$manager $purpose" = "dnf required" ]; then
    optional="$(missing dnf mpi)"
    [ -z "$optional" ] || install_with dnf "$optional" ||
        echo "make:$optional can't be had: training on several processes is left out" >&2
fi
# SwiftPM would go on with what Package.swift found, or did not find, before.
if [ "$purpose" = required ] && [ -n "$lacking" ] && command -v swift >/dev/null; then
    swift package purge-cache
fi
