#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Trained runs evaluated again on their test images: what training measured, and what is said where that cannot be.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0

setup_file() {
    bin=${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}
    export ANALYZE=$bin/supermask-analyze PYTHON=${PYTHON:-/usr/bin/python3} DATA=${SUPERMASK_DATA:-}
    export RUNS=$BATS_FILE_TMPDIR
    for run in masked:network=784-40-20-10 dense:method=dense; do
        "$bin/supermask-train" fcn-digits --quiet --epochs 2 --set "${run#*:}" -o "$RUNS/${run%:*}.h5"
    done
    PYTHONPATH="$BATS_TEST_DIRNAME/oracle" "$PYTHON" - "$RUNS" <<'PY'
import pathlib, sys
import evaluation, runfile
folder = pathlib.Path(sys.argv[1])
(folder / "fit").mkdir()
evaluation.trained_case(folder / "fit")
runfile.example(folder / "branched.h5")
PY
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    unset SUPERMASK_DATA
}

analyze() { "$ANALYZE" "$@" -q --figures none -o out; }

# cell TABLE COLUMN WORD...: that column of the rows whose first cells are these words.
cell() {
    local table=$1 column=$2
    shift 2
    awk -F'\t' -v column="$column" -v words="$(printf '%s\t' "$@")" '/^#/ { next }
        !c { for (i = 1; i <= NF; i++) if ($i == column) c = i; next }
        index($0, words) == 1 { print $c }' "out/$table.tsv"
}

# measured RUN NAME ROW: a metric of the run file, as the tables print it.
measured() {
    "$PYTHON" -c 'import h5py, sys
print(repr(float(h5py.File(sys.argv[1])["metrics/" + sys.argv[2]][int(sys.argv[3])])))' "$RUNS/$1.h5" "$2" "$3"
}

same() { "$PYTHON" -c 'import sys; sys.exit(float(sys.argv[1]) != float(sys.argv[2]))' "$1" "$2" || { echo "$1 is not $2"; return 1; }; }

@test "accuracy and loss are those of training to the last bit, with a mask and without" {
    analyze controls "$RUNS/masked.h5" "$RUNS/dense.h5"
    for run in masked dense; do
        same "$(cell controls accuracy $run as-trained)" "$(measured $run test_accuracy -1)"
        same "$(cell controls loss $run as-trained)" "$(measured $run test_loss -1)"
    done
}

@test "a control that can change nothing has no replicates and no accuracy" {
    analyze controls "$RUNS/masked.h5" "$RUNS/dense.h5"
    for control in shuffle-mask shuffle-signs; do
        [ "$(cell controls replicates masked $control)" = 10 ]
        [ "$(cell controls replicates dense $control)" = 0 ]
        for column in accuracy accuracy_sd accuracy_min accuracy_max loss; do
            [ "$(cell controls $column dense $control)" = nan ]
        done
    done
    [ "$(cell controls replicates dense redraw-weights)" = 10 ]
}

@test "--at: an earlier mask as it was measured; trained weights of then are gone" {
    run -0 --separate-stderr analyze controls --at 1 "$RUNS/masked.h5" "$RUNS/dense.h5"
    same "$(cell controls accuracy masked as-trained)" "$(measured masked test_accuracy 0)"
    [ -z "$(cell controls accuracy dense as-trained)" ]
    [[ $stderr == *"dense: its weights are trained and the state of epoch 1 was not stored"* ]]
}

@test "weights in place under the last mask are evaluated, not the trained ones" {
    cp "$RUNS/dense.h5" place.h5
    "$PYTHON" -c 'import h5py
with h5py.File("place.h5", "r+") as f:
    for layer in f["layers"].values():
        layer["mask_weights"] = layer["final_weights"][()]
        layer["final_weights"][:] = 0'
    analyze controls place.h5
    same "$(cell controls accuracy place as-trained)" "$(measured dense test_accuracy -1)"
    "${ANALYZE%analyze}train" evaluate "$RUNS/dense.h5" >dense.tsv
    "${ANALYZE%analyze}train" evaluate place.h5 >place.tsv
    diff <(tail -n 1 dense.tsv | cut -f 2-) <(tail -n 1 place.tsv | cut -f 2-)
}

@test "the recipe's threshold gives the trained mask; none leaves nothing of a run without scores" {
    run -0 --separate-stderr analyze thresholds "$RUNS/masked.h5" "$RUNS/dense.h5"
    same "$(cell thresholds accuracy masked all 1)" "$(measured masked test_accuracy -1)"
    same "$(cell thresholds remaining masked all 1)" "$(measured masked remaining -1)"
    [[ $stderr == *"thresholds: dense is left out: its method has no scores"* ]]
}

@test "an MNIST run as it was measured" {
    [ -n "$DATA" ] || skip "no MNIST in SUPERMASK_DATA"
    "${ANALYZE%analyze}train" fcn-mnist --quiet --epochs 1 --set network=784-30-10 --data "$DATA" -o "$BATS_TEST_TMPDIR/m.h5"
    analyze controls --data "$DATA" m.h5
    same "$(cell controls accuracy m as-trained)" \
        "$("$PYTHON" -c 'import h5py; print(h5py.File("m.h5")["metrics/test_accuracy"][-1])')"
}

@test "the same bytes for any number of threads; another seed draws other controls" {
    for n in 1 2 5; do
        analyze controls thresholds --threads $n "$RUNS/masked.h5" >/dev/null
        grep -hv '^#' out/*.tsv >"tables$n"
    done
    cmp tables1 tables2
    cmp tables1 tables5
    analyze controls --seed 2 "$RUNS/masked.h5" >/dev/null
    first() { awk -F'\t' -v control="$1" '$2 == control { print $4 }' tables1; }
    [ "$(cell controls accuracy masked shuffle-mask)" != "$(first shuffle-mask)" ]
    [ "$(cell controls accuracy masked invert-all)" = "$(first invert-all)" ]
}

@test "no data: the tables stand, and one note says where it was looked for" {
    run -0 --separate-stderr analyze thresholds neurons "$RUNS"/fit/fit1.h5 "$RUNS"/fit/fit2.h5
    [ "$(grep -c '^note: not evaluated on test images: data set mnist: .*fetch.sh' <<<"$stderr")" -eq 1 ]
    [ "$(cell thresholds accuracy fit1 all 1)" = nan ]
    [ "$(cell thresholds n_keep fit1 all 1)" -gt 0 ]
}

@test "data that was asked for and is not there" {
    for option in "--data=nowhere" --ablation; do
        run -1 --separate-stderr analyze controls $option "$RUNS/fit/fit1.h5"
        [[ $stderr == "supermask-analyze: data set mnist: "*"fetch.sh"* ]]
        [ ! -e out/controls.tsv ]
    done
}

@test "a table that is nothing without images is not written empty" {
    for table in controls ablation; do
        run -1 --separate-stderr analyze $table "$RUNS/fit/fit1.h5"
        [[ $stderr == "supermask-analyze: "*"data set mnist: "*"fetch.sh"* ]]
        [ ! -e out/$table.tsv ]
    done
}

@test "other data than the run was trained on: both sums are named" {
    cp -r "$RUNS/fit/data" other
    printf '\001' | dd of=other/mnist/t10k-labels-idx1-ubyte bs=1 seek=8 conv=notrunc status=none
    run -1 --separate-stderr analyze thresholds --data other "$RUNS/fit/fit2.h5"
    [[ $stderr == "supermask-analyze: fit2: the data set mnist at hand is another one"*"SHA-256 "*"instead of "* ]]
    SUPERMASK_DATA=other run -0 --separate-stderr analyze thresholds "$RUNS/fit/fit2.h5"
    [[ $stderr == "note: not evaluated on test images: fit2: the data set mnist at hand is another one"* ]]
    [ "$(cell thresholds accuracy fit2 all 1)" = nan ]
}

@test "a network that the forward pass does not know is noted, even where data was asked for" {
    run -0 --separate-stderr analyze controls --ablation "$RUNS/branched.h5" "$RUNS/masked.h5"
    [[ $stderr == "note: not evaluated on test images: branched: network test: nothing says how its layers are connected"* ]]
    [ -n "$(cell controls accuracy masked as-trained)" ]
}

@test "masks that are samples: the tables that compare draws say so, and others do not" {
    "${ANALYZE%analyze}train" fcn-mnist-supermask --quiet --epochs 1 --set dataset=digits --set network=784-20-10 \
        -o drawn.h5
    run -0 --separate-stderr analyze flips ratios drawn.h5 "$RUNS/masked.h5"
    [[ "$stderr" == *"flips: masks of drawn are samples, drawn anew for each record"* ]]
    grep -q "^# Caution: masks of drawn are samples, drawn anew for each record" out/flips.tsv
    run ! grep -q samples out/ratios.tsv
    run -0 --separate-stderr analyze flips "$RUNS/masked.h5"
    [[ "$stderr" != *samples* ]]
}

@test "what was published for a data set is not set beside runs of another" {
    for dataset in digits mnist; do
        [ "$dataset" = digits ] || [ -n "$DATA" ] || continue
        "${ANALYZE%analyze}train" fcn-mnist-supermask --quiet --epochs 1 --set dataset=$dataset \
            ${DATA:+--data "$DATA"} -o "$dataset.h5"
    done
    run -0 --separate-stderr analyze groups digits.h5
    [[ "$stderr" == *"groups: digits: what was published for fcn-mnist-supermask is of another experiment"*"dataset: \"digits\""* ]]
    grep -q '^fcn-mnist-supermask\$^\\dagger\$ .* & -- & -- & ' out/groups.tex
    [ -n "$DATA" ] || return 0
    run -0 --separate-stderr analyze groups mnist.h5
    [[ "$stderr" != *"another experiment"* ]]
    grep -q '^fcn-mnist-supermask\$^\\dagger\$ .* & \$98.00\$ & ' out/groups.tex
}
