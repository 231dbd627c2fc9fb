#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch.sh - downloads a data set, checks every file against its published SHA-256 and leaves it where supermask looks
# for it. What is there and right is not fetched again. `fetch.sh --help` shows the usage.
set -eu

usage="usage: fetch.sh [DATASET] [DIR]

Downloads DATASET (default: mnist) into DIR/DATASET (default DIR: ./data).
Afterwards: supermask-train RECIPE --data DIR, or set SUPERMASK_DATA=DIR.

SUPERMASK_MIRROR=URL takes the files from URL/FILE instead (http, https, ftp or file://)."

# One row a file: data set, file name, SHA-256 of the uncompressed content. A new data set is its rows here, its mirrors
# below.
files() {
    cat <<'TABLE'
mnist train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
mnist train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
mnist t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
mnist t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
TABLE
}

# Where a data set's files lie, in the order in which the addresses are tried: two mirrors, then the publisher's
# own server.
mirrors() {
    cat <<'TABLE'
mnist https://storage.googleapis.com/cvdf-datasets/mnist
mnist https://ossci-datasets.s3.amazonaws.com/mnist
mnist http://yann.lecun.com/exdb/mnist
TABLE
}

say() { printf 'fetch.sh: %s\n' "$*"; }
warn() { printf 'fetch.sh: %s\n' "$*" >&2; }
die() {
    status=$1
    shift
    warn "$*"
    exit "$status"
}

is_dataset() { files | grep -q "^$1 "; }

have() { command -v "$1" >/dev/null 2>&1; }

# SHA-256 of standard input.
sha256() {
    if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# unpacked FILE: the content, whether FILE is gzip'ed (by its name) or not.
unpacked() {
    case $1 in
    *.gz | *.part) gzip -dc <"$1" ;;
    *) cat "$1" ;;
    esac
}

# is_right FILE SUM: FILE is undamaged and unpacks to the content with this checksum.
is_right() { unpacked "$1" >/dev/null 2>&1 && [ "$(unpacked "$1" | sha256)" = "$2" ]; }

# download URL FILE; the reason of a failure goes to standard error.
download() {
    case $1 in
    file://*) cp "${1#file://}" "$2" ;;
    *)
        if have curl; then
            curl -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 60 -o "$2" "$1"
        elif have wget; then
            wget -q --timeout=60 --tries=1 -O "$2" "$1"
        else
            die 1 "neither curl nor wget is installed: one of them is needed to download"
        fi
        ;;
    esac
}

addresses() {
    if [ -n "${SUPERMASK_MIRROR:-}" ]; then
        printf '%s\n' "${SUPERMASK_MIRROR%/}"
    else
        mirrors | sed -n "s/^$1 //p"
    fi
}

# already_there TARGET SUM: TARGET.gz or TARGET is there and right. The trainer takes TARGET.gz first, so does this.
already_there() {
    for candidate in "$1.gz" "$1"; do
        if [ -e "$candidate" ]; then
            if is_right "$candidate" "$2"; then return 0; fi
            warn "$candidate is there, but its SHA-256 is wrong: fetching it again"
            return 1
        fi
    done
    return 1
}

# fetch_file DATASET NAME SUM FOLDER
fetch_file() {
    target=$4/$2
    if already_there "$target" "$3"; then
        say "$2 is there and right"
        return 0
    fi
    part=$target.$$.part
    for address in $(addresses "$1"); do
        if ! download "$address/$2.gz" "$part"; then
            warn "$address/$2.gz cannot be downloaded"
        elif ! is_right "$part" "$3"; then
            warn "$address/$2.gz is not the published file: its SHA-256 is wrong"
        else
            mv -f "$part" "$target.gz"
            part=
            say "$2 fetched from $address"
            return 0
        fi
        rm -f "$part"
    done
    die 1 "$2 could not be fetched from any address (see above); nothing was written in its place"
}

# parse_arguments [DATASET] [DIR]: a lone argument is a directory if it looks like one.
parse_arguments() {
    dataset=mnist directory=./data
    case $# in
    0) ;;
    1)
        if is_dataset "$1"; then
            dataset=$1
        elif [ -d "$1" ] || [ "${1#*/}" != "$1" ]; then
            directory=$1
        else
            dataset=$1
        fi
        ;;
    2) dataset=$1 directory=$2 ;;
    *) die 2 "too many arguments (fetch.sh --help shows the usage)" ;;
    esac
}

case ${1:-} in
-h | --help)
    printf '%s\n' "$usage"
    exit 0
    ;;
-*) die 2 "unknown option $1 (fetch.sh --help shows the usage)" ;;
esac
parse_arguments "$@"
if [ -z "$dataset" ] || [ -z "$directory" ]; then die 2 "an argument is empty (fetch.sh --help shows the usage)"; fi
if [ "$dataset" = digits ]; then
    say "digits is built into supermask: there is nothing to fetch"
    exit 0
fi
if ! is_dataset "$dataset"; then
    die 2 "unknown data set \"$dataset\" (there are: $(files | cut -d ' ' -f 1 | sort -u | paste -s -d ' ' -), and digits, which is built in)"
fi
have gzip || die 1 "gzip is not installed: it is needed to check the files"

folder=$directory/$dataset
mkdir -p "$folder" || die 1 "$folder cannot be made"
part=
trap '[ -z "$part" ] || rm -f "$part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for name in $(files | sed -n "s/^$dataset \([^ ]*\) .*/\1/p"); do
    fetch_file "$dataset" "$name" "$(files | sed -n "s/^$dataset $name //p")" "$folder"
done
say "$dataset is complete in $folder"
