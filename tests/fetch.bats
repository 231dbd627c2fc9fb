#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# datasets/fetch.sh against mirrors on this disk (file://). The real MNIST, where there is one, is the good mirror.

names="train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte"

setup() {
    fetch=$BATS_TEST_DIRNAME/../datasets/fetch.sh
    real=${SUPERMASK_DATA:-}/mnist
    mirror=$BATS_TEST_TMPDIR/mirror
    to=$BATS_TEST_TMPDIR/data
    mkdir "$mirror"
    export SUPERMASK_MIRROR=file://$mirror
}

good_mirror() {
    [ -n "${SUPERMASK_DATA:-}" ] && [ -e "$real/train-images-idx3-ubyte.gz" ] ||
        skip "SUPERMASK_DATA names no directory with mnist/*.gz"
    for name in $names; do ln -s "$real/$name.gz" "$mirror/$name.gz"; done
}

fake_mirror() {
    for name in $names; do echo "not $name" | gzip >"$mirror/$name.gz"; done
}

# Only what belongs there is there: no temporary file stays behind.
only_whole_files_in() {
    [ -z "$(find "$1" -type f ! -name '*-ubyte.gz')" ]
}

@test "a good mirror: four files, the bytes of the mirror" {
    good_mirror
    run "$fetch" mnist "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"mnist is complete in $to/mnist"* ]]
    for name in $names; do
        cmp "$real/$name.gz" "$to/mnist/$name.gz"
        [[ "$output" == *"$name fetched from file://$mirror"* ]]
    done
    only_whole_files_in "$to"
}

@test "a slash at the mirror's end does no harm" {
    good_mirror
    SUPERMASK_MIRROR=file://$mirror/ run "$fetch" mnist "$to"
    [ "$status" -eq 0 ]
    cmp "$real/t10k-labels-idx1-ubyte.gz" "$to/mnist/t10k-labels-idx1-ubyte.gz"
}

@test "the data set may be left out, a path is the directory" {
    good_mirror
    run "$fetch" "$to"
    [ "$status" -eq 0 ]
    [ -e "$to/mnist/train-images-idx3-ubyte.gz" ]
}

@test "the default directory is ./data" {
    good_mirror
    cd "$BATS_TEST_TMPDIR"
    run "$fetch"
    [ "$status" -eq 0 ]
    [ -e "$BATS_TEST_TMPDIR/data/mnist/t10k-labels-idx1-ubyte.gz" ]
}

@test "what is there and right is not fetched again" {
    good_mirror
    "$fetch" mnist "$to"
    rm "$mirror"/*
    run "$fetch" mnist "$to"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'is there and right' <<<"$output")" -eq 4 ]
}

@test "an unpacked file that is right is not fetched again" {
    good_mirror
    "$fetch" mnist "$to"
    gunzip "$to/mnist/t10k-labels-idx1-ubyte.gz"
    rm "$mirror"/*
    run "$fetch" mnist "$to"
    [ "$status" -eq 0 ]
    [ ! -e "$to/mnist/t10k-labels-idx1-ubyte.gz" ]
}

@test "what is there and wrong is fetched again" {
    good_mirror
    "$fetch" mnist "$to"
    head -c 1000 "$real/t10k-labels-idx1-ubyte.gz" >"$to/mnist/cut"
    mv -f "$to/mnist/cut" "$to/mnist/t10k-labels-idx1-ubyte.gz"
    run "$fetch" mnist "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"t10k-labels-idx1-ubyte.gz is there, but its SHA-256 is wrong"* ]]
    cmp "$real/t10k-labels-idx1-ubyte.gz" "$to/mnist/t10k-labels-idx1-ubyte.gz"
}

@test "another file under the right name is refused and not kept" {
    fake_mirror
    run "$fetch" mnist "$to"
    [ "$status" -eq 1 ]
    [[ "$output" == *"train-images-idx3-ubyte.gz is not the published file: its SHA-256 is wrong"* ]]
    [ -z "$(find "$to" -type f)" ]
}

@test "a truncated download is refused and not kept" {
    good_mirror
    rm "$mirror/t10k-images-idx3-ubyte.gz"
    head -c 500000 "$real/t10k-images-idx3-ubyte.gz" >"$mirror/t10k-images-idx3-ubyte.gz"
    run "$fetch" mnist "$to"
    [ "$status" -eq 1 ]
    [[ "$output" == *"t10k-images-idx3-ubyte.gz is not the published file"* ]]
    [ -e "$to/mnist/train-images-idx3-ubyte.gz" ]
    [ ! -e "$to/mnist/t10k-images-idx3-ubyte.gz" ]
    only_whole_files_in "$to"
}

@test "a wrong file that was there survives a failed download" {
    fake_mirror
    mkdir -p "$to/mnist"
    echo mine >"$to/mnist/train-images-idx3-ubyte"
    run "$fetch" mnist "$to"
    [ "$status" -eq 1 ]
    [ "$(cat "$to/mnist/train-images-idx3-ubyte")" = mine ]
}

@test "an empty mirror: one sentence for each address, status 1" {
    run "$fetch" mnist "$to"
    [ "$status" -eq 1 ]
    [[ "$output" == *"$mirror/train-images-idx3-ubyte.gz cannot be downloaded"* ]]
    [[ "$output" == *"could not be fetched from any address"* ]]
    [ -z "$(find "$to" -type f)" ]
}

@test "a mirror that fails is followed by the next one" {
    good_mirror
    # A curl that knows the second address only.
    mkdir "$BATS_TEST_TMPDIR/bin"
    cat >"$BATS_TEST_TMPDIR/bin/curl" <<SCRIPT
#!/bin/sh
for last; do :; done
while [ "\$1" != -o ]; do shift; done
case \$last in
https://ossci-datasets.s3.amazonaws.com/mnist/*) cp "$mirror/\${last##*/}" "\$2" ;;
*) exit 22 ;;
esac
SCRIPT
    chmod +x "$BATS_TEST_TMPDIR/bin/curl"
    unset SUPERMASK_MIRROR
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$fetch" mnist "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz cannot be downloaded"* ]]
    [[ "$output" == *"train-images-idx3-ubyte fetched from https://ossci-datasets.s3.amazonaws.com/mnist"* ]]
    only_whole_files_in "$to"
}

# A fetch.sh that knows an archive of this test's own: CIFAR-10 with one image a file.
small_archive() {
    mkdir "$BATS_TEST_TMPDIR/cifar-10-batches-bin"
    for name in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
        head -c 3073 /dev/zero | tr '\0' "${name: -1}" >"$BATS_TEST_TMPDIR/cifar-10-batches-bin/$name.bin"
    done
    tar -czf "$mirror/cifar-10-binary.tar.gz" -C "$BATS_TEST_TMPDIR" cifar-10-batches-bin
    sed "s/c32a1d4ab5d03f1284b67883e8d87530/$(md5sum <"$mirror/cifar-10-binary.tar.gz" | cut -d ' ' -f 1)/; s/ 30730000$/ 3073/" \
        "$fetch" >"$BATS_TEST_TMPDIR/fetch.sh"
    chmod +x "$BATS_TEST_TMPDIR/fetch.sh"
    fetch=$BATS_TEST_TMPDIR/fetch.sh
}

@test "an archive: unpacked where it belongs, not fetched again" {
    small_archive
    run "$fetch" cifar-10 "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"cifar-10 is complete in $to/cifar-10-batches-bin"* ]]
    diff -r "$BATS_TEST_TMPDIR/cifar-10-batches-bin" "$to/cifar-10-batches-bin"
    [ "$(ls -A "$to")" = cifar-10-batches-bin ]
    rm "$mirror"/*
    run "$fetch" cifar-10 "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"is there and right"* ]]
}

@test "a file of an archive that is missing or cut is fetched again" {
    small_archive
    "$fetch" cifar-10 "$to"
    rm "$to/cifar-10-batches-bin/data_batch_3.bin"
    "$fetch" cifar-10 "$to"
    diff -r "$BATS_TEST_TMPDIR/cifar-10-batches-bin" "$to/cifar-10-batches-bin"
    echo short >"$to/cifar-10-batches-bin/test_batch.bin"
    run "$fetch" cifar-10 "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"test_batch.bin is there, but is not 3073 bytes long"* ]]
    diff -r "$BATS_TEST_TMPDIR/cifar-10-batches-bin" "$to/cifar-10-batches-bin"
    [ "$(ls -A "$to")" = cifar-10-batches-bin ]
}

@test "another archive under the right name is refused and not kept" {
    echo hello | gzip >"$mirror/cifar-100-binary.tar.gz"
    run "$fetch" cifar-100 "$to"
    [ "$status" -eq 1 ]
    [[ "$output" == *"cifar-100-binary.tar.gz is not the published archive: its MD5 is wrong"* ]]
    [ -z "$(ls -A "$to")" ]
}

@test "an archive with other files in it leaves what was there" {
    small_archive
    sed -i 's/ 3073$/ 3074/' "$fetch"
    mkdir -p "$to/cifar-10-batches-bin"
    echo mine >"$to/cifar-10-batches-bin/data_batch_1.bin"
    run "$fetch" cifar-10 "$to"
    [ "$status" -eq 1 ]
    [[ "$output" == *"the archive does not hold the files of cifar-10-batches-bin"* ]]
    [ "$(cat "$to"/*/*)" = mine ]
    [ "$(ls -A "$to")" = cifar-10-batches-bin ]
}

@test "the command line" {
    run "$fetch" --help
    [ "$status" -eq 0 ]
    [[ "$output" == "usage: fetch.sh [DATASET] [DIR]"* ]]
    run "$fetch" mnits
    [ "$status" -eq 2 ]
    [[ "$output" == *'unknown data set "mnits"'* ]]
    run "$fetch" --wrong
    [ "$status" -eq 2 ]
    run "$fetch" mnist "$to" more
    [ "$status" -eq 2 ]
    run "$fetch" mnist ""
    [ "$status" -eq 2 ]
    run "$fetch" digits "$to"
    [ "$status" -eq 0 ]
    [[ "$output" == *"nothing to fetch"* ]]
    [ ! -e "$to" ]
}
