#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# install_packages.sh PURPOSE... - installs the packages of packages.txt for these purposes, those that are missing only.
set -eu
list=$(dirname "$0")/../../packages.txt
wanted=$(for purpose in "$@"; do sed -n "s/^$purpose  *//p" "$list"; done)

if ! command -v dpkg-query >/dev/null 2>&1; then
    cat >&2 <<END
This is no Debian, so nothing was installed. What is needed, by Debian's names, and where it is usually found:
$(for package in $wanted; do echo "  $package"; done)
Fedora: gcc make pkgconf hdf5-devel openblas-devel gsl-devel libyaml-devel nettle-devel zlib-devel gnuplot
  dejavu-sans-fonts libcmocka-devel bats python3-h5py python3-numpy python3-scipy; Random123 from
  https://github.com/DEShawResearch/random123 (headers only).
Arch: base-devel hdf5 openblas gsl libyaml nettle zlib gnuplot ttf-dejavu cmocka bash-bats python-h5py python-scipy
Homebrew: hdf5 openblas gsl libyaml nettle gnuplot cmocka bats-core libomp
Then: make (it finds the libraries with pkg-config).
END
    exit 0
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "make deps: not root and no sudo: as root, run: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
