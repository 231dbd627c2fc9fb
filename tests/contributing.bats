#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The worked example of CONTRIBUTING.md: what it shows is what is built here.

bats_require_minimum_version 1.5.0

setup() {
    root=$BATS_TEST_DIRNAME/..
    bin=$(cd "${SM_BIN:-$root/build/bin}" && pwd)
    build=$bin/..
    work=$BATS_TEST_TMPDIR/work
    mkdir -p "$work"
    unset SUPERMASK_DATA SUPERMASK_SHARE
}

# The C text of a section, out of its indented block.
example_of() {
    awk -v section="## $1" '
        /^## /                       { here = $0 == section }
        here && /^ *```$/            { inside = 0 }
        inside                       { sub(/^   /, ""); print }
        here && /^ *```c$/ && !done  { inside = done = 1 }
    ' "$root/CONTRIBUTING.md"
}

# supermask-train with the example's file and its row in the table, by the compiler and flags of this build. What is
# linked before the archive takes the place of the same object in it. $1: what sed does to the example.
build_example() {
    local compile objects
    compile=$(<"$build/flags")
    example_of "A method" | sed -e "${1:-}" >"$work/random_mask.c"
    sed -e 's/^extern const struct sm_method /&sm_method_random_mask, /' \
        -e 's/^static const struct sm_method \*const methods\[\] = {/&\n    \&sm_method_random_mask,/' \
        "$root/train/methods.c" >"$work/methods.c"
    cd "$root" || return 1
    for source in random_mask methods; do
        eval "$compile -Werror -c -o '$work/$source.o' '$work/$source.c'" || return 1
        objects+=" '$work/$source.o'"
    done
    eval "$compile -o '$work/supermask-train' '$build/obj/train/main.o' $objects '$build/libtrain.a' \
        '$build/libsupermask.a' $(pkg-config --libs hdf5 openblas gsl yaml-0.1 nettle zlib) -lhdf5_hl -lm" || return 1
    cd "$work" || return 1
    export SUPERMASK_SHARE=$build/share/supermask
}

kept_of() { # FILE LAYER: kept weights of the first and the last record, and of both
    /usr/bin/python3 -c '
import h5py, sys
mask = h5py.File(sys.argv[1])["layers/" + sys.argv[2] + "/mask"][...]
print((mask[0] == 1).sum(), (mask[-1] == 1).sum(), (mask[0] == mask[-1]).all(), set(mask.ravel().tolist()) == {0, 1})
' "$@"
}

@test "the method of the worked example builds, trains, is evaluated and analyzed" {
    build_example
    run -0 ./supermask-train --list
    [[ "$output" == *"random-mask "* ]]
    common=(fcn-digits-dense --set method=random-mask --set network=784-20-10 --epochs 3 --quiet)
    ./supermask-train "${common[@]}" --set keep=0.2 -o sparse.h5
    ./supermask-train "${common[@]}" --set keep=0.2 --score-seed 2 -o other.h5
    [ "$(kept_of sparse.h5 dense1)" = "3136 3136 True True" ]
    [ "$(kept_of sparse.h5 dense2)" = "40 40 True True" ]
    [ "$(kept_of other.h5 dense1)" = "3136 3136 True True" ]
    run -1 cmp -s sparse.h5 other.h5
    run -0 "$bin/supermask-train" evaluate sparse.h5
    accuracy=$(tail -n 1 <<<"$output" | cut -f 7)
    awk -v a="$accuracy" 'BEGIN { exit !(a > 0.5 && a < 1) }'
    run -0 "$bin/supermask-analyze" overlap -o tables sparse.h5 other.h5
    # Two random masks overlap as chance says: the observed z is that of one draw.
    z=$(grep -v '^#' tables/overlap.tsv | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["layer"] == "dense1" && $at["null"] == "independent" && $at["alignment"] == "raw" { print $at["z"]; exit }')
    awk -v z="$z" 'BEGIN { exit !(z > -4 && z < 4) }'
}

@test "the method of the worked example says what it cannot do" {
    build_example
    run -1 --separate-stderr ./supermask-train fcn-digits-dense --set method=random-mask --set batch_norm=true
    [[ "$stderr" == *"batch_norm: the method random-mask masks the network"* ]]
    run -1 --separate-stderr ./supermask-train fcn-digits-dense --set method=random-mask --set rounds=3
    [[ "$stderr" == *"rounds: the method random-mask does not work in rounds"* ]]
}

@test "a method whose threshold no run file may hold is refused before it trains" {
    build_example 's/sm_init_weights(.*/&\n    l->threshold = l->index ? NAN : 0.25;/; s/l->threshold = NAN;//'
    run -1 --separate-stderr ./supermask-train fcn-digits-dense --set method=random-mask -o refused.h5
    [[ "$stderr" == *"method random-mask: threshold nan of layer dense2: it is finite in every layer or NaN"* ]]
    [ ! -e refused.h5 ]
}
