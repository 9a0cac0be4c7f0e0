#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The README's promise, kept where nothing else is installed: in a minimal Debian of its own
# (debootstrap) with the Swift toolchain bound into it read-only, git and make, a clone of the
# checked-out commit, and an environment that holds PATH and HOME alone, the commands of the
# README's first block run as they are written there.
#
#   Tests/fresh.sh [RELEASE/USER/EXTENT]...
#
# RELEASE is bookworm or trixie (Debian 12 or 13). USER is root, or newcomer: an ordinary user with
# sudo. EXTENT is full, or smoke: set-up, a few rows of the benchmark, and the gradient check. By
# default: Debian 12 as a newcomer in full, the other three as a smoke run. Skipped, with a line
# that says why, where such a root can't be made.

set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

fail() {
    echo "fresh: $1" >&2
    exit 1
}
skip() {
    echo "skipped the fresh machines: $1"
    exit 0
}

# What the toolchain's own programs load and call, which is installed along with Swift
# (https://swift.org/install/linux); what the project itself needs is what `make setup` is to find
# out.
declare -A toolchain_needs=(
    [bookworm]="binutils libc6-dev libcurl4 libgcc-12-dev libncurses6 libsqlite3-0
        libstdc++-12-dev libxml2 tzdata"
    [trixie]="binutils libc6-dev libcurl4t64 libgcc-14-dev libncurses6 libsqlite3-0
        libstdc++-14-dev libxml2 tzdata"
)
readme_has="git make"

combinations=("$@")
if [ "${#combinations[@]}" = 0 ]; then
    combinations=(bookworm/newcomer/full bookworm/root/smoke trixie/newcomer/smoke trixie/root/smoke)
fi
for combination in "${combinations[@]}"; do
    IFS=/ read -r release user extent rest <<<"$combination"
    [ -n "${toolchain_needs[$release]:-}" ] && [ -z "$rest" ] &&
        [[ "$user" =~ ^(root|newcomer)$ ]] && [[ "$extent" =~ ^(full|smoke)$ ]] ||
        fail "$combination is unknown, expected a combination such as bookworm/newcomer/full"
done

[ "$(id -u)" = 0 ] || skip "debootstrap and chroot are root's"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
command -v swift >/dev/null || fail "swift is missing"
unshare --mount true 2>/dev/null || skip "a mount namespace is not allowed here"
toolchain="$(dirname "$(dirname "$(realpath "$(command -v swift)")")")"
[ "$toolchain" != /usr ] || skip "Swift is installed in /usr, which can't be bound by itself"

work="$(mktemp -d)"
trap 'rm -rf --one-file-system "$work"' EXIT

# The first block of commands in the README, without its remarks.
commands="$(awk '/^```/ { if (inside) exit; inside = /^```sh/; next } inside' "$here/README.md" |
    sed 's/ *#.*//')"
[ "$(tr '\n' ' ' <<<"$commands")" = "make bench make test " ] ||
    fail "the README begins with other commands than make bench and make test: $commands"
smoke='make setup
swift run Benchmarks --quick --filter simple
swift run convnet check-gradients'

# A minimal Debian, once for each release.
base_of() {
    local release="$1" base="$work/base-$1" packages
    [ -d "$base" ] && return
    packages="$(echo $readme_has sudo ca-certificates ${toolchain_needs[$release]} | tr ' ' ',')"
    timeout 300 debootstrap --variant=minbase --include="$packages" "$release" "$base" \
        >"$work/log" 2>&1 || {
        tail -n 5 "$work/log"
        rm -rf "$base"
        return 1
    }
    rm -f "$base"/var/cache/apt/archives/*.deb
    # A reader of the README has Swift on the path, and may call sudo.
    chroot "$base" useradd --create-home --shell /bin/bash newcomer
    echo "newcomer ALL=(ALL) NOPASSWD: ALL" >"$base/etc/sudoers.d/newcomer"
}

# Runs commands in a root, as a user, with the toolchain in /opt/swift. What is mounted is gone with
# the namespace, and what is still running with the namespace's first process.
run_in() {
    local machine="$1" user="$2" home
    home="$(chroot "$machine" getent passwd "$user" | cut -d: -f6)"
    git clone --quiet "$here" "$machine$home/swift-convnet"
    git -C "$machine$home/swift-convnet" checkout --quiet "$(git -C "$here" rev-parse HEAD)"
    chroot "$machine" chown -R "$user:" "$home/swift-convnet"
    mkdir -p "$machine/opt/swift"
    printf 'set -euxo pipefail\ncd ~/swift-convnet\n%s\n' "$3" >"$machine/commands.sh"
    unshare --mount --pid --fork --kill-child bash -euc '
        machine="$1" toolchain="$2" user="$3" home="$4"
        mount --bind "$toolchain" "$machine/opt/swift"
        mount -o remount,bind,ro "$machine/opt/swift"
        mount -t proc proc "$machine/proc"
        mount --rbind /dev "$machine/dev"
        mount -t tmpfs tmpfs "$machine/dev/shm"
        # Open MPI 5 reads there how many processors there are, and crashes where it finds nothing.
        mount --rbind --make-slave /sys "$machine/sys"
        exec chroot "$machine" runuser -u "$user" -- env -i \
            HOME="$home" PATH=/opt/swift/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
            bash /commands.sh' - "$machine" "$toolchain" "$user" "$home" </dev/null
}

summary=""
status=0
for combination in "${combinations[@]}"; do
    IFS=/ read -r release user extent <<<"$combination"
    printf '\n-- %s (%d s so far)\n' "$combination" "$SECONDS"
    base_of "$release" || {
        summary+="$combination: skipped, as debootstrap could not make it"$'\n'
        continue
    }
    machine="$work/machine"
    cp -a "$work/base-$release" "$machine"
    begin=$SECONDS
    if run_in "$machine" "$user" "$([ "$extent" = full ] && echo "$commands" || echo "$smoke")"; then
        outcome="$combination: passed in $((SECONDS - begin)) s"
    else
        outcome="$combination: FAILED after $((SECONDS - begin)) s"
        status=1
    fi
    echo "$outcome"
    summary+="$outcome"$'\n'
    rm -rf --one-file-system "$machine"
done
printf '\nfresh machines:\n%s' "$summary"
exit "$status"
