#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Whole training runs: the file they leave, the same bytes whatever happens on the way, and what a user does wrong.

# shellcheck disable=SC2154 # bats sets stderr and stderr_lines

bats_require_minimum_version 1.5.0

# What the interrupted runs below are compared with: the same words, uninterrupted. 24 epochs of 79 steps with a record
# every 7 steps, and the initial mask: 271 records in about 2 s.
long_run=(fcn-digits --resume --epochs 24 --set network=784-20-10 --record 7 -o run.h5)
small=(fcn-digits --quiet --epochs 2 --set network=784-20-10)

setup_file() {
    bin=${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}
    export TRAIN=$bin/supermask-train ANALYZE=$bin/supermask-analyze
    export PYTHON=${PYTHON:-/usr/bin/python3} LAYOUT=$BATS_TEST_DIRNAME/oracle/check_layout.py
    export DATA=${SUPERMASK_DATA:-} REFERENCE=$BATS_FILE_TMPDIR/reference
    mkdir "$REFERENCE"
    cd "$REFERENCE" && "$TRAIN" "${long_run[@]}" >result 2>log
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return 1
    unset SUPERMASK_DATA SUPERMASK_SHARE
    trainer=
}

teardown() {
    if [ -n "$trainer" ]; then kill -9 "$trainer" 2>/dev/null || true; fi
}

# One sentence on standard error, nothing on standard output.
fails_with() {
    local status_wanted=$1 sentence=$2
    shift 2
    run "-$status_wanted" --separate-stderr "$@"
    [ -z "$output" ] || { echo "standard output: $output"; return 1; }
    [ "${#stderr_lines[@]}" -eq 1 ] || { echo "not one sentence: $stderr"; return 1; }
    [[ "$stderr" == "supermask-"*": "*"$sentence"* ]] || { echo "no '$sentence' in: $stderr"; return 1; }
}

# The data sets and attributes of two files are the same (but for the time of day).
same() { "$PYTHON" "$LAYOUT" --same "$1" "$2"; }

# The data sets of two files are the same: command lines, recipes and hosts may differ.
same_data() {
    same "$1" "$2" >differences || true
    ! grep -v 'differ in [^ ]*@[^ ]*$' differences
}

# Starts a run in the background: $trainer; its output in out and log. A script's background jobs ignore SIGINT, users'
# foreground jobs do not.
start() {
    env --default-signal=INT "$TRAIN" "$@" >out 2>log 3>&- &
    trainer=$!
}

# Until log holds the text (progress lines), at most a minute.
until_log_has() {
    for _ in $(seq 1200); do
        if grep -q "$1" log; then return 0; fi
        kill -0 "$trainer" || { cat log; return 1; }
        sleep 0.05
    done
    return 1
}

# Stops a run on its way: run.h5 and its checkpoint.
stop_one() { stop_one_of "${long_run[@]}" "$@"; }

stop_one_of() {
    start "$@"
    until_log_has "epoch=2 "
    kill -TERM "$trainer"
    wait_for_end
    [ "$ended" -eq 143 ]
}

# Waits for the run in the background; its exit status is in $ended.
wait_for_end() {
    ended=0
    wait "$trainer" || ended=$?
    trainer=
    echo "exit status $ended"
}

# Prints records, epochs and status of a run as a reader sees them while, or after, it was written.
read_run() {
    "$PYTHON" - "$1" <<'PY'
import sys
import h5py
with h5py.File(sys.argv[1], "r", swmr=True) as f:
    n = len(f["records/step"])
    for layer in f["layers"].values():
        assert set(layer["mask"][n - 1].ravel()) <= {-1, 0, 1} and len(layer["mask"]) >= n
    print(n, len(f["metrics/epoch"]), f.attrs["status"])
PY
}

# ---- the file ----

@test "a run file has the documented layout: signed supermask, dense, with scores, records by step" {
    cp "$REFERENCE/run.h5" steps.h5
    "$TRAIN" "${small[@]}" -o epochs.h5
    "$TRAIN" "${small[@]}" --record 50 --set record_scores=true -o scores.h5
    "$TRAIN" fcn-digits-dense --quiet --epochs 1 --set network=784-20-10 -o dense.h5
    "$TRAIN" "${small[@]}" --set network=784-10 -o single.h5
    "$PYTHON" "$LAYOUT" steps.h5 epochs.h5 scores.h5 dense.h5 single.h5
    [ "$(read_run epochs.h5)" = "3 2 complete" ]
    [ "$(read_run steps.h5)" = "271 24 complete" ]
}

@test "h5dump and h5ls show states by name and the scales of the axes, without a plug-in" {
    run -0 --separate-stderr h5dump -H "$REFERENCE/run.h5"
    [ -z "$stderr" ]
    for words in 'DATASET "mask"' '"INVERT" *-1;' '"HIDE" *0;' '"KEEP" *1;' 'GROUP "dense1"' 'DATASET "initial_scores"' \
        'ATTRIBUTE "DIMENSION_LIST"' 'H5T_IEEE_F32LE'; do
        grep -q "$words" <<<"$output" || { echo "no $words"; false; }
    done
    run -0 --separate-stderr h5ls -v -r "$REFERENCE/run.h5"
    [ -z "$stderr" ]
    for words in "/layers/dense1/mask *Dataset {271/Inf, 20/20, 784/784}" "enum native signed char" "INVERT *= -1" \
        "HIDE *= 0" "KEEP *= 1" "/records/step *Dataset {271/Inf}" "Attribute: DIMENSION_LIST {3}"; do
        grep -q "$words" <<<"$output" || { echo "no $words"; false; }
    done
    # Scales as h5dump follows them: the axis `record` of a mask points to /records/step.
    run -0 --separate-stderr h5dump -A "$REFERENCE/run.h5"
    grep -qE '\(DATASET [0-9]+ "/records/step"' <<<"$output"
    grep -q '"record", "out", "in"' <<<"$output"
    run -0 --separate-stderr h5dump -d /records/step -s 0 -c 3 "$REFERENCE/run.h5"
    [[ "$output" == *"(0): 0, 7, 14"* ]]
}

# ---- the same bytes ----

@test "the same words give the same file" {
    mkdir a b
    for place in a b; do (cd $place && "$TRAIN" "${small[@]}" --seed 5 -o run.h5); done
    same a/run.h5 b/run.h5
}

@test "the number of threads changes no data" {
    for n in 1 2; do "$TRAIN" fcn-digits --quiet --epochs 2 --threads $n -o $n.h5; done
    same_data 1.h5 2.h5
    "$TRAIN" fcn-digits --quiet --epochs 2 --threads 3 --set method=dense --set learning_rate=0.01 -o d3.h5
    "$TRAIN" fcn-digits --quiet --epochs 2 --threads 1 --set method=dense --set learning_rate=0.01 -o d1.h5
    same_data d1.h5 d3.h5
}

# Methods that make their masks anew for every pass.
sampled=(--set method=supermask --set rescale=dynamic --set optimizer=sgd --set learning_rate=20 --set mask_samples=2 --record 50)
largest=(--set method=edge-popup --set keep=0.3 --set optimizer=adam --set learning_rate=0.01 --record 50)

@test "the number of threads changes no data of sampled masks, nor of those of the largest scores" {
    for n in 1 2 5; do
        "$TRAIN" "${small[@]}" "${sampled[@]}" --epochs 1 --set record_scores=true --threads $n -o sampled$n.h5
        "$TRAIN" "${small[@]}" "${largest[@]}" --epochs 1 --set record_scores=true --threads $n -o largest$n.h5
    done
    for method in sampled largest; do
        same_data ${method}1.h5 ${method}2.h5
        same_data ${method}1.h5 ${method}5.h5
        "$PYTHON" "$LAYOUT" ${method}1.h5
    done
    ! same_data sampled1.h5 largest1.h5
}

@test "a run file says whether its masks are draws; of an older one its method tells" {
    "$TRAIN" "${small[@]}" "${sampled[@]}" --epochs 1 -o sampled.h5
    "$TRAIN" "${small[@]}" "${largest[@]}" --epochs 1 -o largest.h5
    caution() { "$ANALYZE" flips -q --figures none -o tables sampled.h5 largest.h5 2>&1 | grep -c "flips: masks of sampled are samples"; }
    [ "$(caution)" = 1 ]
    "$PYTHON" -c 'import h5py
assert h5py.File("largest.h5").attrs["mask_sampling"] == "none"
with h5py.File("sampled.h5", "r+") as f: del f.attrs["mask_sampling"]'
    [ "$(caution)" = 1 ]
    "$PYTHON" -c 'import h5py
with h5py.File("sampled.h5", "r+") as f: f.attrs["mask_sampling"] = "none"'
    [ "$(caution)" = 0 ]
}

@test "each seed changes what it names and nothing else at the start" {
    "$TRAIN" "${small[@]}" --seed 1 -o one.h5
    "$TRAIN" "${small[@]}" --seed 1 --weight-seed 2 -o weights.h5
    "$TRAIN" "${small[@]}" --seed 1 --score-seed 2 -o scores.h5
    "$TRAIN" "${small[@]}" --seed 1 --data-seed 2 --set order=shuffled -o order2.h5
    "$TRAIN" "${small[@]}" --seed 1 --set order=shuffled -o order1.h5
    "$PYTHON" - <<'PY'
import h5py
def parts(name):
    with h5py.File(name + ".h5") as f:
        layers = list(f["layers"].values())
        return [[l[what][()].tobytes() for l in layers] for what in ("initial_weights", "initial_scores", "mask")]
def equal(a, b):
    return [x == y for x, y in zip(parts(a), parts(b))]
assert equal("one", "weights") == [False, True, False], equal("one", "weights")
assert equal("one", "scores") == [True, False, False], equal("one", "scores")
assert equal("order1", "order2") == [True, True, False], equal("order1", "order2")
PY
}

# ---- interruptions ----

stopped_and_resumed() {
    local signal=$1 status_wanted=$2
    start "${long_run[@]}"
    until_log_has "epoch=3 "
    kill "-$signal" "$trainer"
    wait_for_end
    [ "$ended" -eq "$status_wanted" ]
    [ ! -s out ]
    [ "$(grep -c '^supermask-train: stopped; continue with: ' log)" -eq 1 ]
    read -r n_records n_epochs state <<<"$(read_run run.h5)"
    [ "$state" = running ] && [ "$n_epochs" -ge 3 ] && [ "$n_epochs" -lt 24 ] && [ "$n_records" -ge $((n_epochs * 11)) ]
    "$PYTHON" "$LAYOUT" run.h5 # opens without SWMR too
    "$TRAIN" "${long_run[@]}" --quiet >out
    [ "$(cut -d ' ' -f 1-4 out)" = "$(cut -d ' ' -f 1-4 "$REFERENCE/result")" ]
    same run.h5 "$REFERENCE/run.h5"
    "$PYTHON" "$LAYOUT" run.h5
    [ "$(ls)" = $'log\nout\nrun.h5' ] # no checkpoint, no temporary file stays
}

@test "SIGINT: status 130, readable, and --resume ends in the same file" { stopped_and_resumed INT 130; }

@test "SIGTERM: status 143, readable, and --resume ends in the same file" { stopped_and_resumed TERM 143; }

@test "a stop does not wait for a long evaluation, which is made after the resume" {
    sampled=(fcn-mnist-supermask --resume --set dataset=digits --set network=784-10 --set mask_samples=1000 --epochs 2
        --threads 1)
    "$TRAIN" "${sampled[@]}" --quiet -o whole.h5
    start "${sampled[@]}" -o run.h5
    until_log_has "epoch=1 "
    until [ "$(read_run run.h5)" = "3 1 running" ]; do sleep 0.05; done # trained, recorded, and being evaluated
    kill -TERM "$trainer"
    wait_for_end
    [ "$ended" -eq 143 ]
    [ "$(read_run run.h5)" = "3 1 running" ]
    "$TRAIN" "${sampled[@]}" --quiet -o run.h5
    same_data run.h5 whole.h5
}

@test "kill -9 at random moments, with and without a checkpoint: the same file in the end" {
    kills=0
    for round in 1 2 3 4 5; do
        start "${long_run[@]}"
        if [ "$round" = 3 ]; then # leaves a checkpoint, which the later rounds start from
            until_log_has "epoch=5 "
            kill -TERM "$trainer"
        else
            pause=0.$(printf %03d $((RANDOM % 700)))
            echo "round $round: kill -9 after $pause s"
            sleep "$pause"
            kill -9 "$trainer"
        fi
        wait_for_end
        if [ "$ended" -eq 137 ]; then kills=$((kills + 1)); fi
        if [ -e run.h5 ]; then read_run run.h5; fi
    done
    [ "$kills" -ge 2 ]
    "$TRAIN" "${long_run[@]}" --quiet >out
    same run.h5 "$REFERENCE/run.h5"
    [ "$(ls)" = $'log\nout\nrun.h5' ]
}

# A run that is stopped with a checkpoint, killed on its way from there, and taken up again, beside a whole one.
killed_and_resumed() {
    mkdir whole
    (cd whole && "$TRAIN" "$@" --quiet >result)
    stop_one_of "$@"
    start "$@"
    until_log_has "epoch=5 "
    kill -9 "$trainer"
    wait_for_end
    [ "$ended" -eq 137 ]
    "$TRAIN" "$@" --quiet >out
    same_data run.h5 whole/run.h5
    [ ! -e run.h5.checkpoint ]
}

@test "sampled masks, and those of the largest scores: kill -9 and --resume end in the same file" {
    killed_and_resumed "${long_run[@]}" "${sampled[@]}" --threads 1
    rm -r run.h5 whole
    killed_and_resumed "${long_run[@]}" "${largest[@]}" --threads 1
}

@test "another number of threads may finish what was begun" {
    stop_one --threads 2
    "$TRAIN" "${long_run[@]}" --threads 1 --quiet
    same_data run.h5 "$REFERENCE/run.h5"
}

@test "a run that is being written can be read and analyzed, and has one writer" {
    start "${long_run[@]}" --epochs 400
    until_log_has "epoch=2 "
    read -r n_records n_epochs state <<<"$(read_run run.h5)"
    [ "$state" = running ] && [ "$n_records" -ge 22 ] && [ "$n_epochs" -ge 2 ]
    run -0 --separate-stderr "$ANALYZE" ratios flips -q --figures none -o out-tables run.h5
    awk '$2 == "all" { n++; if ($7 + $8 + $9 != 15880) bad = 1 } END { exit bad || n < 22 }' out-tables/ratios.tsv
    fails_with 1 "run.h5: is being written by another process" "$TRAIN" "${long_run[@]}" --epochs 400
    fails_with 1 "run.h5: exists already: --resume continues it" "$TRAIN" fcn-digits -o run.h5
    kill -0 "$trainer" # none of this disturbed it
    read -r later _ <<<"$(read_run run.h5)"
    [ "$later" -gt "$n_records" ]
    kill -TERM "$trainer"
    wait_for_end
    [ "$ended" -eq 143 ]
}

@test "a layer's name may be as long as a name can be, in checkpoints too" {
    name=$(printf 'layer%.0s' {1..13}) name=${name:0:63}
    printf 'name: long\ninput: [1, 28, 28]\nlayers:\n  - {kind: dense, units: 5, name: %s}\n  - {kind: dense, units: 10}\n' \
        "$name" >long.yaml
    words=(fcn-digits --set network=./long.yaml --epochs 60 --threads 1 -o long.h5)
    "$TRAIN" "${words[@]}" 2>log &
    trainer=$!
    while ! grep -q 'epoch=2 ' log; do kill -0 "$trainer"; sleep 0.02; done
    kill -TERM "$trainer"
    wait "$trainer" || [ $? = 143 ]
    [ -s long.h5.checkpoint ]
    "$TRAIN" "${words[@]}" --resume --quiet
    "$PYTHON" -c 'import h5py, sys; print(h5py.File("long.h5")["layers"][sys.argv[1]]["mask"].shape)' "$name"
}

@test "--resume of a complete run has nothing to do and leaves the file alone" {
    cp "$REFERENCE/run.h5" .
    before=$(sha256sum run.h5)
    run -0 --separate-stderr "$TRAIN" "${long_run[@]}"
    [ "$output" = "$(cat "$REFERENCE/result")" ]
    [ "$(sha256sum run.h5)" = "$before" ]
    [ "$(ls)" = run.h5 ]
}

@test "--resume with another recipe names the key" {
    stop_one
    before=$(sha256sum run.h5 run.h5.checkpoint)
    while read -r key value; do
        fails_with 1 "run.h5: cannot resume: the run was started with another value of '$key'" \
            "$TRAIN" "${long_run[@]}" --set "$key=$value"
    done <<'END'
learning_rate 0.06
epochs 25
weight_seed 2
record 8
method dense
END
    [ "$(sha256sum run.h5 run.h5.checkpoint)" = "$before" ]
}

@test "--resume with a damaged or foreign checkpoint is refused, without one the run starts anew in the same file" {
    stop_one
    cp run.h5.checkpoint whole
    size=$(stat -c %s whole)
    head -c $((size / 2)) whole >run.h5.checkpoint
    fails_with 1 "run.h5.checkpoint: is cut short" "$TRAIN" "${long_run[@]}" --quiet
    cp whole run.h5.checkpoint
    printf '\377\377\377\377' | dd of=run.h5.checkpoint bs=1 seek=$((size / 2)) conv=notrunc status=none
    fails_with 1 "run.h5.checkpoint: is damaged" "$TRAIN" "${long_run[@]}" --quiet
    echo text >run.h5.checkpoint
    fails_with 1 "run.h5.checkpoint: " "$TRAIN" "${long_run[@]}" --quiet
    rm run.h5.checkpoint
    "$TRAIN" "${long_run[@]}" --quiet
    same run.h5 "$REFERENCE/run.h5"
}

# ---- a full disk ----

# After the failure: the sentence, what was recorded, and no half file in its way.
full_disk_left() {
    local directory=$1
    [ ! -s out ]
    [ "$(grep -c '^supermask-train: ' log)" -eq 1 ]
    grep -q "^supermask-train: .*run.h5.*: $2" log || { cat log; return 1; }
    read -r n_records n_epochs state <<<"$(read_run "$directory/run.h5")"
    echo "$n_records records, $n_epochs epochs, $state"
    [ "$state" = running ] && [ "$n_records" -ge 10 ] && [ "$n_records" -lt 271 ]
}

@test "a limit on the file's size: one sentence, what was recorded stays readable, --resume goes on" {
    status=0
    (ulimit -f 800 && trap '' XFSZ && exec "$TRAIN" "${long_run[@]}" >out 2>log) || status=$?
    [ "$status" -eq 1 ]
    full_disk_left . "File too large"
    "$TRAIN" "${long_run[@]}" --quiet
    same run.h5 "$REFERENCE/run.h5"
}

@test "a full disk: one sentence, what was recorded stays readable, --resume goes on when there is room" {
    unshare --mount --map-root-user sh -c 'mount -t tmpfs -o size=1m tmpfs .' 2>/dev/null ||
        skip "mounting a small file system is not permitted"
    export -f full_disk_left read_run same
    cat >body <<'END'
set -eu
mkdir disk
mount -t tmpfs -o size=900k tmpfs disk
status=0
(cd disk && exec "$TRAIN" "$@") >out 2>log || status=$?
[ "$status" -eq 1 ]
full_disk_left disk "No space left on device"
mount -o remount,size=20m disk
(cd disk && "$TRAIN" "$@" --quiet)
same disk/run.h5 "$REFERENCE/run.h5"
rm disk/run.h5
mount -o remount,size=64k disk # no room for the initial weights
status=0
(cd disk && exec "$TRAIN" "$@") >out 2>log || status=$?
[ "$status" -eq 1 ]
[ ! -s out ]
grep '^supermask-train: .*run.h5.*: No space left on device' log
[ -z "$(ls disk)" ]
END
    unshare --mount --map-root-user bash body "${long_run[@]}"
}

# ---- what a new user does wrong ----

@test "MNIST without data: the sentence says where it was looked for and what gets it" {
    fails_with 1 "./data/mnist" "$TRAIN" fcn-mnist
    [[ "$stderr" == *"datasets/fetch.sh mnist ./data"* ]]
    export SUPERMASK_DATA=$PWD/elsewhere
    fails_with 1 "$PWD/elsewhere" "$TRAIN" fcn-mnist
    [[ "$stderr" == *"\$SUPERMASK_DATA"* ]]
    fails_with 1 "there/mnist" "$TRAIN" fcn-mnist --data there
    [ -z "$(ls)" ]
}

@test "MNIST with damaged, swapped or foreign files" {
    [ -e "$DATA/mnist/train-images-idx3-ubyte.gz" ] || skip "no MNIST: set SUPERMASK_DATA"
    mkdir -p data/mnist
    ln -s "$DATA"/mnist/* data/mnist/
    images=data/mnist/train-images-idx3-ubyte.gz
    rm $images && head -c 100000 "$DATA/mnist/train-images-idx3-ubyte.gz" >$images
    fails_with 1 "$images: truncated" "$TRAIN" fcn-mnist
    cp "$DATA/mnist/train-labels-idx1-ubyte.gz" $images
    fails_with 1 "$images: wrong magic number" "$TRAIN" fcn-mnist
    cp "$DATA/mnist/t10k-images-idx3-ubyte.gz" $images
    fails_with 1 "60000 labels, but" "$TRAIN" fcn-mnist
    echo "<html>not found</html>" >$images
    fails_with 1 "$images: not a gzip file" "$TRAIN" fcn-mnist
    [ "$(ls)" = data ]
}

@test "--resume on a file that is no run" {
    echo text >text.h5
    fails_with 1 "text.h5: is not an HDF5 file" "$TRAIN" fcn-digits --resume -o text.h5
    : >empty.h5
    fails_with 1 "empty.h5: is empty" "$TRAIN" fcn-digits --resume -o empty.h5
    "$PYTHON" -c 'import h5py; h5py.File("other.h5", "w").create_dataset("x", data=[1])'
    fails_with 1 "other.h5: is an HDF5 file, but no run of supermask" "$TRAIN" fcn-digits --resume -o other.h5
    head -c 100000 "$REFERENCE/run.h5" >cut.h5
    fails_with 1 "cut.h5: is cut short" "$TRAIN" fcn-digits --resume -o cut.h5
    [ "$(cat text.h5)" = text ] && [ ! -s empty.h5 ]
}

@test "a batch larger than the data, training that diverges: no file that looks like a result" {
    fails_with 1 "batch of 100000 images: digits has only 10000" "$TRAIN" "${small[@]}" --set batch=100000 -o a.h5
    [ -z "$(ls)" ]
    fails_with 1 "training diverged in epoch 1" "$TRAIN" "${small[@]}" --set method=dense --set loss=logits \
        --set activation=relu --set learning_rate=1e6 -o b.h5
    [ "$(read_run b.h5 | cut -d ' ' -f 3)" = running ]
}

@test "a recipe in a file of one's own, run by its path" {
    "$TRAIN" fcn-digits --set network=784-15-10 --epochs 1 --dry-run >mine.yaml
    run -0 --separate-stderr "$TRAIN" ./mine.yaml --quiet -o there/
    [ "$(ls there)" = fcn-digits-seed1.h5 ]
    "$PYTHON" "$LAYOUT" there/fcn-digits-seed1.h5
}

@test "a recipe with a network beside it, and a network that changes under a run" {
    mkdir mine
    printf 'name: mine\ndataset: digits\nnetwork: ./net.yaml\nepochs: 1\n' >mine/recipe.yaml
    printf 'name: n\ninput: [1, 28, 28]\nlayers:\n  - {kind: dense, units: 12}\n  - {kind: dense, units: 10}\n' >mine/net.yaml
    "$TRAIN" mine/recipe.yaml --quiet -o run.h5
    "$PYTHON" "$LAYOUT" run.h5
    run -0 "$PYTHON" -c "import h5py; print(h5py.File('run.h5')['network_description'].asstr()[()])"
    [[ "$output" == *'{name: "dense1", kind: dense, units: 12, activation: elu, inputs: ["input"]}'* ]]
    "$TRAIN" mine/recipe.yaml --quiet -o run.h5 --resume # complete: nothing to do
    sed -i 's/units: 12/units: 12, activation: relu/' mine/net.yaml
    fails_with 1 "run.h5: cannot resume: the network mine/net.yaml has changed since the run was started" \
        "$TRAIN" mine/recipe.yaml --quiet -o run.h5 --resume
}

@test "a network with batch norm: its values stand in the file, and --resume ends in the same file" {
    printf '%s\n' 'name: normed' 'input: [1, 28, 28]' 'layers:' \
        '  - {kind: conv2d, filters: 4, kernel: 3, stride: 4}' '  - {kind: conv2d, filters: 6, kernel: 3, stride: 2}' \
        '  - {kind: dense, units: 10}' >net.yaml
    words=(fcn-digits-dense --resume --epochs 6 --set network=./net.yaml --set batch_norm=true -o run.h5)
    "$TRAIN" "${words[@]}" >whole 2>log
    mv run.h5 whole.h5
    start "${words[@]}"
    until_log_has "epoch=2 "
    kill -TERM "$trainer"
    wait_for_end
    [ "$ended" -eq 143 ]
    "$PYTHON" "$LAYOUT" run.h5 whole.h5
    "$TRAIN" "${words[@]}" --quiet >out
    same run.h5 whole.h5
    "$PYTHON" - <<'PY'
import h5py
with h5py.File("run.h5") as f:
    norm = f["batch_norm/conv2"]
    assert list(f["batch_norm"]) == ["conv1", "conv2"] and norm["gamma"].shape == (6,)
    assert (norm["gamma"][:] != 1).all() and (norm["beta"][:] != 0).all() # trained
    assert (norm["moving_mean"][:] != 0).all() and (norm["moving_variance"][:] != 1).all()
    assert f["metrics/test_accuracy"][-1] > 0.9 # by the moving statistics
    assert (f["metrics/remaining"][:] == 1).all()
PY
}

@test "from two runs to a report" {
    for seed in 1 2; do "$TRAIN" "${small[@]}" --seed "$seed" -o runs/; done
    run -0 --separate-stderr "$ANALYZE" ratios overlap summary -q --figures none -o tables runs/*.h5
    [ -s tables/ratios.tsv ] && [ -s tables/overlap.tsv ] && [ -s tables/summary.tsv ]
    [ "$(grep -vc '^#' tables/summary.tsv)" -eq 3 ]
}
