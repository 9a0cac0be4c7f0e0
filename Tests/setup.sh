#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What Setup/install.sh would run where packages are missing, with stand-ins for the package
# managers: no machine here has dnf, and none should be changed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
fail() {
    echo "Tests/setup.sh: $1" >&2
    exit 1
}

# A folder of commands: those of a machine with dnf or apt-get, where $INSTALLED is all there is.
machine() {
    local name="$1" tool
    mkdir -p "$work/$name"
    shift
    for tool in bash cat dirname env grep id; do ln -s "$(command -v "$tool")" "$work/$name/"; done
    for tool in "$@"; do
        printf '#!%s\necho "%s $*" >>"$CALLS"\n' "$BASH" "$tool" >"$work/$name/$tool"
        chmod +x "$work/$name/$tool"
    done
}
command_of() {
    cat >"$work/$1/$2"
    chmod +x "$work/$1/$2"
}
machine fedora dnf swift
command_of fedora rpm <<'END'
#!/usr/bin/env bash
[[ " $INSTALLED " == *" ${!#} "* ]]
END
command_of fedora dnf <<'END'
#!/usr/bin/env bash
echo "dnf $*" >>"$CALLS"
[[ "$*" != *"${REFUSED:-none}"* ]]
END
machine debian apt-get swift
command_of debian dpkg-query <<'END'
#!/usr/bin/env bash
for package in $INSTALLED; do
    [[ "$package" == ${!#} ]] || continue
    if [[ "$*" == *Package* ]]; then echo "$package installed"; else printf installed; fi
done
END
machine other

# expect MACHINE PURPOSE STATUS CALLS: what is run there, a line for each, and how it ends.
expect() {
    local status=0
    : >"$work/calls"
    PATH="$work/$1" CALLS="$work/calls" Setup/install.sh "$2" >"$work/output" 2>&1 || status=$?
    [ "$status" = "$3" ] || fail "$1 $2 with \"$INSTALLED\" ended with $status: $(cat "$work/output")"
    [ "$(sed 's/^env //' "$work/calls")" = "$4" ] ||
        fail "$1 $2 with \"$INSTALLED\" ran
$(cat "$work/calls")
expected
$4"
}
# Installing is root's: an ordinary user's sudo only remembers what it should do.
if [ "$(id -u)" != 0 ]; then
    for name in fedora debian; do
        printf '#!%s\nexec "$@"\n' "$BASH" >"$work/$name/sudo"
        chmod +x "$work/$name/sudo"
    done
fi

dnf="dnf install -y -q --setopt=install_weak_deps=False"
export INSTALLED="libomp-devel zlib-devel cairo-devel libpng-devel turbojpeg-devel pkgconf-pkg-config openmpi-devel"
expect fedora required 0 ""
INSTALLED="zlib-devel libpng-devel turbojpeg-devel pkgconf-pkg-config openmpi-devel" expect fedora required 0 \
    "$dnf libomp-devel cairo-devel
swift package purge-cache"
INSTALLED="libomp-devel zlib-devel cairo-devel libpng-devel turbojpeg-devel pkgconf-pkg-config" REFUSED=openmpi \
    expect fedora required 0 "$dnf openmpi-devel"
grep -q "training on several processes is left out" "$work/output" || fail "MPI is not mentioned"
INSTALLED="" REFUSED=cairo expect fedora required 1 \
    "$dnf libomp-devel zlib-devel cairo-devel libpng-devel turbojpeg-devel pkgconf-pkg-config"
INSTALLED="" expect fedora lint 0 "$dnf clang-tools-extra"

apt="apt-get update -qq
apt-get install -y -qq --no-install-recommends"
INSTALLED="libomp-dev zlib1g-dev libcairo2-dev libpng-dev libturbojpeg0-dev pkg-config libopenmpi-dev openmpi-bin" \
    expect debian required 0 ""
# Debian's versions of libomp conflict with each other: the one that is there stays.
INSTALLED="libomp-19-dev zlib1g-dev libpng-dev libturbojpeg0-dev pkg-config libopenmpi-dev openmpi-bin" \
    expect debian required 0 "$apt libcairo2-dev
swift package purge-cache"
INSTALLED="libomp5-19" expect debian required 0 \
    "$apt libomp-dev zlib1g-dev libcairo2-dev libpng-dev libturbojpeg0-dev pkg-config libopenmpi-dev openmpi-bin
swift package purge-cache"

INSTALLED="python3" expect debian examples 0 "$apt libmicrohttpd-dev"
INSTALLED="libmicrohttpd-dev python3" expect debian examples 0 ""
INSTALLED="" expect fedora examples 0 "$dnf libmicrohttpd-devel python3"
INSTALLED="" expect debian browser 0 "$apt chromium"

INSTALLED="" expect other required 1 ""
grep -qx "make: apt-get and dnf are missing: install what is called libomp-dev .* on Debian" \
    "$work/output" || fail "other printed $(cat "$work/output")"
INSTALLED="" expect debian all 1 ""
echo "set-up runs what it should with apt-get and with dnf"
