#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# `supermask-train evaluate` and `export`: the recorded accuracies to the last digit, the same logits from the compact
# file, and what a user does wrong.

# shellcheck disable=SC2154 # bats sets stderr and stderr_lines

bats_require_minimum_version 1.5.0

setup_file() {
    bin=${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}
    export TRAIN=$bin/supermask-train ANALYZE=$bin/supermask-analyze
    export PYTHON=${PYTHON:-/usr/bin/python3} ORACLE=$BATS_TEST_DIRNAME/oracle RUNS=$BATS_FILE_TMPDIR
    unset SUPERMASK_SHARE
    cd "$RUNS" || return 1
    "$PYTHON" "$ORACLE/make_cifar.py" data
    export SUPERMASK_DATA=$RUNS/data
    "$TRAIN" fcn-digits --quiet --epochs 6 --set weight_decay=0.01 -o fcn.h5 >/dev/null
    "$TRAIN" fcn-digits-dense --quiet --epochs 2 --set network=784-20-10 -o dense.h5 >/dev/null
    cat >plain.yaml <<'YAML'
name: plain
input: [3, 32, 32]
layers: [{kind: conv2d, filters: 12, kernel: 3}, {kind: max-pool, size: 2}, {kind: conv2d, filters: 16, kernel: 3},
         {kind: max-pool, size: 2}, {kind: dense, units: 32}, {kind: dense, units: 10}]
YAML
    cat >residual.yaml <<'YAML'
name: residual
input: [3, 32, 32]
layers: [{kind: conv2d, filters: 8, kernel: 3}, {kind: max-pool, size: 3, stride: 1, padding: same},
         {kind: residual, branch: [{kind: conv2d, filters: 8, kernel: 3},
                                   {kind: conv2d, filters: 8, kernel: 3, activation: linear}]},
         {kind: residual, branch: [{kind: conv2d, filters: 16, kernel: 1, stride: 2}, {kind: conv2d, filters: 16, kernel: 3}],
          shortcut: [{kind: conv2d, filters: 16, kernel: 1, stride: 2, activation: linear}]},
         {kind: global-average-pool}, {kind: dense, units: 10}]
YAML
    cat >small.yaml <<'YAML'
{name: small, network: ./plain.yaml, dataset: cifar-10, batch: 40, epochs: 3, learning_rate: 0.05, weight_decay: 0.02,
 threshold_kind: relative, threshold: 0.4, weight_gain: 1.5}
YAML
    {
        "$TRAIN" small.yaml --quiet -o plain.h5
        "$TRAIN" small.yaml --quiet --set network=./residual.yaml -o residual.h5
        "$TRAIN" small.yaml --quiet --set network=3072-60-30-10 --epochs 11 -o stack.h5
        "$TRAIN" small.yaml --quiet --set network=3072-60-30-10 --set weight_init=normal --epochs 6 -o sizes.h5
    } >/dev/null
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return 1
}

# One sentence on standard error, nothing on standard output.
fails_with() {
    local status_wanted=$1 sentence=$2
    shift 2
    run "-$status_wanted" --separate-stderr "$@"
    [ -z "$output" ] || { echo "standard output: $output"; return 1; }
    [ "${#stderr_lines[@]}" -eq 1 ] || { echo "not one sentence: $stderr"; return 1; }
    [[ "$stderr" == "supermask-train: "*"$sentence"* ]] || { echo "no '$sentence' in: $stderr"; return 1; }
}

# The row that evaluate prints.
row_of() { "$TRAIN" evaluate "$@" | tail -n 1; }
# A column of a table: column NAME [ROW'S WORD].
column() {
    awk -F '\t' -v name="$1" -v word="$2" '/^#/ {next} !n {for (i = 1; i <= NF; i++) if ($i == name) n = i; next}
        word == "" || $2 == word {print $n}'
}

# Accuracy, loss and remaining share of every epoch are those that training recorded.
equals_recorded() {
    local epochs epoch
    epochs=$("$PYTHON" -c 'import sys, h5py; print(len(h5py.File(sys.argv[1])["metrics/epoch"]))' "$1")
    for epoch in $(seq "$epochs"); do row_of "$1" --at "$epoch" --threads $((epoch % 2 + 1)); done >rows
    "$PYTHON" - "$1" rows <<'PY'
import sys
import h5py
with h5py.File(sys.argv[1]) as f:
    columns = [f["metrics"][name][:] for name in ("epoch", "test_accuracy", "test_loss", "remaining")]
rows = [line.split("\t") for line in open(sys.argv[2])]
assert [tuple(float(row[k]) for k in (3, 6, 7, 8)) for row in rows] == list(zip(*columns)) and len(rows) > 1, rows
PY
}

# ---- numbers ----

@test "every recorded accuracy, to the last digit: dense layers, sizes of their own, convolutions, residual sums" {
    for run in fcn sizes plain residual; do equals_recorded "$RUNS/$run.h5"; done
}

@test "records by number, the initial mask, the training images" {
    [ "$(row_of "$RUNS/fcn.h5" --record 6)" = "$(row_of "$RUNS/fcn.h5")" ]
    [ "$(row_of "$RUNS/fcn.h5" --record 0 | cut -f 2-6)" = $'0\t0\t0\ttest\t2000' ]
    [ "$(row_of "$RUNS/fcn.h5" --at 0.9)" = "$(row_of "$RUNS/fcn.h5" --record 0)" ]
    [ "$(row_of "$RUNS/fcn.h5" --train | cut -f 5-6)" = $'train\t10000' ]
    [ "$(row_of "$RUNS/fcn.h5" --train | cut -f 7)" != "$(row_of "$RUNS/fcn.h5" | cut -f 7)" ]
}

@test "a run that was not finished; one in bfloat16" {
    "$TRAIN" "$RUNS/small.yaml" --quiet --epochs 40 --set network="$RUNS/plain.yaml" --precision bf16 -o run.h5 3>&- &
    until [ -e run.h5 ] && [ "$("$TRAIN" evaluate run.h5 2>/dev/null | tail -n 1 | cut -f 2)" -gt 2 ]; do sleep 0.1; done
    kill "$!"
    wait "$!" || true
    equals_recorded run.h5
}

@test "a dense run: its last record" {
    "$PYTHON" -c 'import sys, h5py
f = h5py.File(sys.argv[1])
assert float(sys.argv[2]) == f["metrics/test_accuracy"][-1]' "$RUNS/dense.h5" "$(row_of "$RUNS/dense.h5" | cut -f 7)"
    fails_with 1 "dense.h5: the weights of record 1 (epoch 1) were not stored, only those of the last record, 2" "$TRAIN" evaluate "$RUNS/dense.h5" --at 1
}

@test "a dense run with batch norm: evaluated, not exported" {
    "$TRAIN" "$RUNS/small.yaml" --quiet --set network="$RUNS/residual.yaml" --set method=dense --set batch_norm=true --set weight_decay=0 -o run.h5
    "$PYTHON" -c 'import sys, h5py
f = h5py.File(sys.argv[1])
assert [float(x) for x in sys.argv[2].split()] == [f["metrics/" + m][-1] for m in ("test_accuracy", "test_loss")]' run.h5 "$(row_of run.h5 | cut -f 7-8)"
    fails_with 1 "run.h5: network residual: layer conv1 has batch norm" "$TRAIN" export run.h5
}

@test "the compact file gives the same row and the same logits, on any number of threads" {
    for run in fcn sizes dense plain residual; do
        "$TRAIN" export "$RUNS/$run.h5" >sizes.tsv
        "$TRAIN" evaluate "$RUNS/$run.h5" --logits run.npy >run.tsv
        for n in 1 2; do
            "$TRAIN" evaluate "$run.smc" --threads "$n" --logits file.npy >file.tsv
            cmp run.tsv file.tsv
            cmp run.npy file.npy
        done
        [ "$(column bytes all <sizes.tsv)" -eq "$(stat -c %s "$run.smc")" ]
    done
}

@test "an earlier record can be exported" {
    "$TRAIN" export "$RUNS/plain.h5" --at 1 -o early.smc >/dev/null
    [ "$(row_of early.smc)" = "$(row_of "$RUNS/plain.h5" --at 1)" ]
    [ "$(row_of early.smc)" != "$(row_of "$RUNS/plain.h5")" ]
}

@test "another program reads the file, and numpy computes the same logits" {
    for run in stack sizes; do
        "$TRAIN" export "$RUNS/$run.h5" -o sub/dir/ >"$run.tsv"
        "$TRAIN" evaluate "sub/dir/$run.smc" --logits logits.npy >/dev/null
        "$PYTHON" "$ORACLE/read_compact.py" "sub/dir/$run.smc" logits.npy "$RUNS/$run.h5" "$SUPERMASK_DATA/cifar-10-batches-bin/test_batch.bin"
    done
    [ "$(column stored_units all <stack.tsv)" -lt "$(column units all <stack.tsv)" ]
}

@test "sizes: effective weights and the entropy bound are the analyzer's" {
    "$ANALYZE" summary --figures none -o out "$RUNS/fcn.h5" "$RUNS/plain.h5" "$RUNS/residual.h5" >/dev/null
    for run in fcn plain residual; do
        "$TRAIN" export "$RUNS/$run.h5" -o . >sizes.tsv
        "$PYTHON" - "$run" <<'PY'
import csv, sys
def rows(path):
    return list(csv.DictReader((l for l in open(path) if not l.startswith("#")), delimiter="\t"))
run = sys.argv[1]
summary = next(r for r in rows("out/summary.tsv") if r["run"] == run)
sizes = rows("sizes.tsv")
all_, n_layers = sizes[-1], len(sizes) - 1
n = int(summary["parameters"])
assert all_["layer"] == "all" and int(all_["weights"]) == n == int(all_["int8_bytes"])
assert int(all_["remaining_weights"]) == int(summary["remaining_weights"])
assert int(all_["effective_weights"]) == round(float(summary["effective_remaining"]) * n)
bound = float(summary["bits_per_weight"]) * n / 8 + 4 * n_layers
assert abs(float(all_["bound_bytes"]) - bound) < 1e-6 * bound, (all_["bound_bytes"], bound)
assert int(all_["bytes"]) < 1.15 * bound + 2500, (run, all_["bytes"], bound) # the description of the network apart
assert int(all_["alive_units"]) <= int(all_["stored_units"]) <= int(all_["units"])
PY
    done
    "$TRAIN" export "$RUNS/fcn.h5" -o . >sizes.tsv
    [ "$(column stored_units all <sizes.tsv)" -lt "$(column units all <sizes.tsv)" ] # some are dead, or nothing is shown
}

@test "a heuristic's constants are coded by their signs; a bound is that of the mask, and no trained weights have one" {
    small=(--quiet --set dataset=digits --set network=784-30-10 --epochs 1)
    "$TRAIN" fcn-mnist-heuristic "${small[@]}" --set rounds=2 --set validation=0 -o heuristic.h5 >/dev/null
    "$TRAIN" fcn-mnist-lottery-ticket "${small[@]}" --set rounds=2 --set validation=0 -o ticket.h5 >/dev/null
    "$TRAIN" fcn-mnist-edge-popup "${small[@]}" --set weight_init=signed-constant --set batch=100 -o popup.h5 >/dev/null
    for run in heuristic ticket popup; do
        "$TRAIN" export "$run.h5" >"$run.tsv"
        "$TRAIN" evaluate "$run.h5" --logits run.npy >of-run.tsv
        "$TRAIN" evaluate "$run.smc" --logits file.npy >of-file.tsv
        cmp of-run.tsv of-file.tsv
        cmp run.npy file.npy
    done
    "$PYTHON" - <<'PY'
import csv
import h5py
import numpy as np
def check(name, trained):
    rows = csv.DictReader((l for l in open(name + ".tsv") if not l.startswith("#")), delimiter="\t")
    f = h5py.File(name + ".h5")
    for row in rows:
        if row["layer"] == "all" or trained:
            assert (row["bound_bytes"] == "nan") == trained, row
            continue
        mask = f["layers"][row["layer"]]["mask"][-1]
        kept, n = np.count_nonzero(mask), mask.size
        p = kept / n
        bound = -n * (p * np.log2(p) + (1 - p) * np.log2(1 - p)) / 8 + 4
        assert 0 < kept < n and abs(float(row["bound_bytes"]) - bound) < 1e-6 * bound, (row, bound)
        assert int(row["bytes"]) < 1.08 * (bound + kept / 8) + 40, (row, bound) # a bit for each sign
check("heuristic", False)
check("ticket", True)
check("popup", False)
PY
}

@test "the same file again replaces it; anything else is left alone" {
    "$TRAIN" export "$RUNS/sizes.h5" -o a.smc >/dev/null
    "$TRAIN" export "$RUNS/fcn.h5" -o a.smc >/dev/null
    [ "$(row_of a.smc | cut -f 1)" = fcn ]
    cp "$RUNS/sizes.h5" run.h5
    fails_with 1 "run.h5: exists already and is no compact file" "$TRAIN" export run.h5 -o run.h5
    cmp run.h5 "$RUNS/sizes.h5"
    fails_with 1 "/absent/a.smc: cannot be written" "$TRAIN" export run.h5 -o /absent/a.smc
    fails_with 1 "/absent/a.npy: cannot be written" "$TRAIN" evaluate run.h5 --logits /absent/a.npy
}

# ---- what is wrong ----

@test "command lines" {
    fails_with 2 "no run file given" "$TRAIN" evaluate
    fails_with 2 "no run file given" "$TRAIN" export
    fails_with 2 "one run at a time: 'b.h5' is one too many" "$TRAIN" evaluate a.h5 b.h5
    fails_with 2 "unknown option '--treads' (nearest: --threads)" "$TRAIN" evaluate --treads 2 a.h5
    fails_with 2 "unknown option '--data'" "$TRAIN" export --data x a.h5
    fails_with 2 "--at: 'last' is not an epoch" "$TRAIN" evaluate --at last a.h5
    fails_with 2 "--at: '-1' is not an epoch" "$TRAIN" evaluate --at=-1 a.h5
    fails_with 2 "--record: '-1' is not a whole number" "$TRAIN" evaluate --record=-1 a.h5
    fails_with 2 "--threads: '0' is not a whole number from 1" "$TRAIN" evaluate --threads 0 a.h5
    fails_with 2 "--at and --record both say which record" "$TRAIN" evaluate --at 1 --record 1 a.h5
    run -0 "$TRAIN" evaluate --help
    [[ "$output" == "Usage: supermask-train evaluate "* ]]
    run -0 "$TRAIN" export --help
    [[ "$output" == "Usage: supermask-train export "* ]]
    run -0 "$TRAIN" --help
    [[ "$output" == *"evaluate RUN.h5"*"export RUN.h5"* ]]
}

@test "a recipe called evaluate" {
    sed "s|./plain.yaml|$RUNS/plain.yaml|" "$RUNS/small.yaml" >evaluate
    fails_with 1 "./evaluate: " "$TRAIN" ./evaluate --dry-run --set dataset=mnist
    run -0 "$TRAIN" ./evaluate --dry-run
}

@test "files" {
    fails_with 1 "absent.h5: " "$TRAIN" evaluate absent.h5
    fails_with 1 "/: " "$TRAIN" evaluate /
    echo "Dear reader," >letter.smc
    fails_with 1 "letter.smc: " "$TRAIN" evaluate letter.smc
    "$TRAIN" export "$RUNS/fcn.h5" -o . >/dev/null
    fails_with 1 "fcn.smc: is a compact file already: export reads a run" "$TRAIN" export fcn.smc -o again.smc
    [ ! -e again.smc ]
    head -c 1000 fcn.smc >short.smc
    fails_with 1 "short.smc: the compact file is cut short or damaged" "$TRAIN" evaluate short.smc
    head -c 10 fcn.smc >shorter.smc
    fails_with 1 "shorter.smc: the compact file ends early" "$TRAIN" evaluate shorter.smc
    { head -c 8 fcn.smc; printf '\2'; tail -c +10 fcn.smc; } >later.smc
    fails_with 1 "later.smc: is a compact network of version 2, and this program reads version 1" "$TRAIN" evaluate later.smc
    head -c 10 "$RUNS/fcn.h5" >cut.h5
    cp "$RUNS/fcn.h5" nan.h5
    "$PYTHON" -c 'import h5py; h5py.File("nan.h5", "r+")["layers/dense1/initial_weights"][1, 3] = float("nan")'
    fails_with 2 "fcn.smc: a compact file holds one record" "$TRAIN" evaluate fcn.smc --at 1
    fails_with 2 "fcn.smc: a compact file holds one record" "$TRAIN" export fcn.smc --record 1
    fails_with 1 "cut.h5: is cut short: 10 bytes are less than the head of a run file" "$TRAIN" evaluate cut.h5
    fails_with 1 "nan.h5: layers/dense1/initial_weights holds the value nan, for weight 787 of 235200" "$TRAIN" evaluate nan.h5
    fails_with 1 "nan.h5: layers/dense1/initial_weights holds the value nan" "$TRAIN" export nan.h5
    [ ! -e nan.smc ]
    fails_with 1 "has no record 7: its records are 0 to 6" "$TRAIN" evaluate "$RUNS/fcn.h5" --record 7
}

@test "a reader that takes nothing" {
    for command in evaluate export; do
        run -1 --separate-stderr sh -c "'$TRAIN' $command '$RUNS/plain.h5' >/dev/full"
        [ "${#stderr_lines[@]}" -eq 1 ]
        [[ "$stderr" == "supermask-train: standard output: No space left on device" ]]
    done
}

@test "data that is missing, or another" {
    fails_with 1 "cifar-10" "$TRAIN" evaluate "$RUNS/plain.h5" --data "$PWD"
    mkdir other
    cp -r "$RUNS/data/cifar-10-batches-bin" other/
    head -c 6146 "$RUNS/data/cifar-10-batches-bin/data_batch_1.bin" >other/cifar-10-batches-bin/test_batch.bin
    fails_with 1 "the data set cifar-10 at hand is another one than the run was trained on" "$TRAIN" evaluate "$RUNS/plain.h5" --data other
}
