#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# libFuzzer on every parser, 20 seconds each, under AddressSanitizer and UndefinedBehaviorSanitizer. The library is
# built for it by the Makefile's own rules.

bats_require_minimum_version 1.5.0

setup_file() {
    export FUZZ_BUILD=$BATS_FILE_TMPDIR/build
    can_fuzz || return 0
    unset MAKEFLAGS MFLAGS MAKELEVEL SAN WERROR
    make -s -j "$(nproc)" -C "$BATS_TEST_DIRNAME/../.." BUILD="$FUZZ_BUILD" CC=clang \
        CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" \
        "$FUZZ_BUILD/libsupermask.a"
}

can_fuzz() {
    command -v clang >/dev/null || return 1
    echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n); int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }' |
        clang -fsanitize=fuzzer,address,undefined -x c -o "$BATS_FILE_TMPDIR/probe" - 2>/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR" && mkdir corpus
    [ -e "$FUZZ_BUILD/libsupermask.a" ] || { ! can_fuzz && skip "no clang with libFuzzer (clang, libclang-rt-dev)"; }
    house=$BATS_TEST_DIRNAME/../..
}

# fuzz NAME LONGEST-INPUT [DIRECTORY-OF-EXAMPLES]
fuzz() {
    local libraries
    libraries=$(pkg-config --libs hdf5 openblas gsl yaml-0.1 nettle zlib)
    # shellcheck disable=SC2086 # a list of words
    clang -g -O1 -std=c11 -D_GNU_SOURCE -I"$house/include" -I"$house" -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=undefined -fopenmp -o "$1" "$house/tests/fuzz/$1.c" "$FUZZ_BUILD/libsupermask.a" \
        $libraries -lhdf5_hl -lm
    ./"$1" -max_len="$2" -max_total_time=20 -print_final_stats=1 corpus "${@:3}" >log 2>&1 || { tail -n 60 log; return 1; }
    grep -E 'cov:|number_of_executed_units' log | tail -n 2
    [ "$(sed -n 's/^stat::number_of_executed_units: *//p' log)" -gt 1000 ]
}

@test "IDX files" {
    printf '\0\0\010\003\0\0\0\002\0\0\0\001\0\0\0\003abcdef' >corpus/images
    printf '\0\0\010\001\0\0\0\003\001\002\003' >corpus/labels
    fuzz fuzz_idx 256
}

@test "CIFAR files" {
    { printf '\003'; head -c 3072 /dev/zero; } >corpus/ten
    { printf '\023\143'; head -c 3072 /dev/zero; } >corpus/hundred
    fuzz fuzz_cifar 7000
}

@test "recipes" { fuzz fuzz_recipe 4096 "$house/train/recipes"; }

@test "network descriptions" {
    # A blank before each: the first byte is no text, see fuzz_network.c.
    for network in "$house"/train/networks/*.yaml; do (printf ' ' && cat "$network") >"corpus/$(basename "$network")"; done
    fuzz fuzz_network 4096
}

@test "compact files" {
    printf 'name: n\ninput: [1, 28, 28]\nlayers: [{kind: conv2d, filters: 4, kernel: 3, stride: 2}, {kind: dense, units: 10}]\n' >n.yaml
    for network in 784-5-10 ./n.yaml; do
        "${SM_BIN:-$house/build/bin}/supermask-train" fcn-digits --quiet --epochs 1 --set network="$network" -o run.h5
        "${SM_BIN:-$house/build/bin}/supermask-train" export run.h5 -o run.smc
        tail -c +13 run.smc | head -c -4 >"corpus/$(basename "$network")" # see fuzz_compact.c
        rm run.h5
    done
    fuzz fuzz_compact 6000
}

@test "every fuzzer is run" {
    for source in "$house"/tests/fuzz/*.c; do
        name=$(basename "$source" .c)
        grep -q "fuzz $name " "$BATS_TEST_FILENAME" || { echo "$name is not"; false; }
    done
}
