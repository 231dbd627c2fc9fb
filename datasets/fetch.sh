#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch.sh - downloads a data set, checks it against its published checksums and leaves it where supermask looks for
# it. What is there and right is not fetched again. `fetch.sh --help` shows the usage.
set -eu

usage="usage: fetch.sh [DATASET] [DIR]

Downloads DATASET (default: mnist) into a folder of its own in DIR (default: ./data).
Afterwards: supermask-train RECIPE --data DIR, or set SUPERMASK_DATA=DIR.

SUPERMASK_MIRROR=URL takes the files from URL/FILE instead (http, https, ftp or file://)."

# Data sets of single files. One row a file: data set, file name, SHA-256 of the uncompressed content. A new data set is
# its rows here or below, and its mirrors.
files() {
    cat <<'TABLE'
mnist train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
mnist train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
mnist t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
mnist t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
TABLE
}

# Data sets in an archive: data set, archive, its MD5 (the publisher gives no other checksum), the folder that it unpacks
# to.
archives() {
    cat <<'TABLE'
cifar-10 cifar-10-binary.tar.gz c32a1d4ab5d03f1284b67883e8d87530 cifar-10-batches-bin
cifar-100 cifar-100-binary.tar.gz 03b5dce01913d631647c71ecec9e9cb8 cifar-100-binary
TABLE
}

# What such a folder must hold: folder, file, its size in bytes.
members() {
    cat <<'TABLE'
cifar-10-batches-bin data_batch_1.bin 30730000
cifar-10-batches-bin data_batch_2.bin 30730000
cifar-10-batches-bin data_batch_3.bin 30730000
cifar-10-batches-bin data_batch_4.bin 30730000
cifar-10-batches-bin data_batch_5.bin 30730000
cifar-10-batches-bin test_batch.bin 30730000
cifar-100-binary train.bin 153700000
cifar-100-binary test.bin 30740000
TABLE
}

# Where a data set's files lie, in the order in which the addresses are tried: mirrors, then the publisher's own server.
mirrors() {
    cat <<'TABLE'
mnist https://storage.googleapis.com/cvdf-datasets/mnist
mnist https://ossci-datasets.s3.amazonaws.com/mnist
mnist http://yann.lecun.com/exdb/mnist
cifar-10 https://www.cs.toronto.edu/~kriz
cifar-100 https://www.cs.toronto.edu/~kriz
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

is_dataset() { { files; archives; } | grep -q "^$1 "; }

# column NUMBER DATASET: of the data set's row in `archives`.
column() { archives | grep "^$2 " | cut -d ' ' -f "$1"; }

have() { command -v "$1" >/dev/null 2>&1; }

# SHA-256 of standard input.
sha256() {
    if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# MD5 of standard input.
md5() {
    if have md5sum; then md5sum | cut -d ' ' -f 1; else command md5 -q; fi
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

# folder_is_right FOLDER NAME: FOLDER holds what the archive's folder NAME does. Of its files no checksum is published:
# they came out of an archive that was right, and have their sizes still.
folder_is_right() {
    for member in $(members | sed -n "s/^$2 \([^ ]*\) .*/\1/p"); do
        [ -f "$1/$member" ] || return 1
        size=$(members | sed -n "s/^$2 $member //p")
        if [ "$(($(wc -c <"$1/$member")))" -ne "$size" ]; then
            warn "$1/$member is there, but is not $size bytes long: fetching it again"
            return 1
        fi
    done
}

# unpack ARCHIVE NAME FOLDER: all of the archive's folder NAME is in FOLDER, or none.
unpack() {
    part_folder=$3.$$.part
    mkdir "$part_folder" || die 1 "$part_folder cannot be made"
    gzip -dc <"$1" | tar -xf - -C "$part_folder" || die 1 "$2 cannot be unpacked (is the disk full?)"
    folder_is_right "$part_folder/$2" "$2" || die 1 "the archive does not hold the files of $2"
    mkdir -p "$3"
    for member in "$part_folder/$2"/*; do mv -f "$member" "$3"; done
    rm -rf "$part_folder"
    part_folder=
}

# fetch_archive DATASET ARCHIVE SUM NAME FOLDER
fetch_archive() {
    if folder_is_right "$5" "$4"; then
        say "$4 is there and right"
        return 0
    fi
    part=$5.$$.part.tar.gz
    for address in $(addresses "$1"); do
        if ! download "$address/$2" "$part"; then
            warn "$address/$2 cannot be downloaded"
        elif [ "$(md5 <"$part")" != "$3" ]; then
            warn "$address/$2 is not the published archive: its MD5 is wrong"
        else
            unpack "$part" "$4" "$5"
            rm -f "$part"
            part=
            say "$2 fetched from $address"
            return 0
        fi
        rm -f "$part"
    done
    die 1 "$2 could not be fetched from any address (see above); nothing was written in its place"
}

fetch_files() {
    for name in $(files | sed -n "s/^$1 \([^ ]*\) .*/\1/p"); do
        fetch_file "$1" "$name" "$(files | sed -n "s/^$1 $name //p")" "$2"
    done
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
    die 2 "unknown data set \"$dataset\" (there are: $({ files; archives; } | cut -d ' ' -f 1 | sort -u | paste -s -d ' ' -), and digits, which is built in)"
fi
have gzip || die 1 "gzip is not installed: it is needed to check the files"

archive=$(column 2 "$dataset")
folder=$directory/$dataset
[ -z "$archive" ] || folder=$directory/$(column 4 "$dataset")
mkdir -p "$directory" || die 1 "$directory cannot be made"
part='' part_folder=''
trap 'rm -rf ${part:+"$part"} ${part_folder:+"$part_folder"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ -n "$archive" ]; then
    fetch_archive "$dataset" "$archive" "$(column 3 "$dataset")" "$(column 4 "$dataset")" "$folder"
else
    mkdir -p "$folder" || die 1 "$folder cannot be made"
    fetch_files "$dataset" "$folder"
fi
say "$dataset is complete in $folder"
