#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Methods in rounds as a user runs them: lottery-ticket, its re-initialized control, supermask-heuristic.

bats_require_minimum_version 1.5.0

setup() {
    bin=$(cd "${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}" && pwd)
    train=$bin/supermask-train
    mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return 1
    unset SUPERMASK_DATA SUPERMASK_SHARE
}

ticket=(fcn-mnist-lottery-ticket --quiet --set dataset=digits --set network=784-20-10 --epochs 1 --set rounds=4
    --set prune=0.5 --set validation=500 --set validate_every=40 --threads 1)
heuristic=(fcn-mnist-heuristic --quiet --set dataset=digits --set network=784-20-10 --epochs 1 --set rounds=3 --set validation=0
    --threads 1)

# Every data set of two runs but the time, bit for bit.
same() {
    /usr/bin/python3 -c '
import h5py, sys
a, b = (h5py.File(path) for path in sys.argv[1:])
names = []
a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
assert len(names) > 15
for name in names:
    if name != "metrics/seconds" and a[name].dtype.kind in "if":
        assert a[name][()].tobytes() == b[name][()].tobytes(), name
' "$@"
}

@test "the same bytes for 1, 2 and 5 threads" {
    for threads in 1 2 5; do
        "$train" "${ticket[@]}" --threads $threads -o ticket$threads.h5
        "$train" "${heuristic[@]}" --threads $threads --set retrain=true -o heuristic$threads.h5
    done
    for threads in 2 5; do
        same ticket1.h5 ticket$threads.h5
        same heuristic1.h5 heuristic$threads.h5
    done
}

# Stopped again and again, wherever it is.
until_done() { # FILE ARGUMENTS...
    local file=$1 tries=0
    shift
    while ! timeout -s "${signal:-TERM}" 0.25 "$train" "$@" --resume -o "$file" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 12 ] || break
    done
    "$train" "$@" --resume -o "$file"
}

@test "a run that is stopped and killed again and again ends with the same bytes" {
    "$train" "${ticket[@]}" --epochs 4 -o whole.h5
    until_done stopped.h5 "${ticket[@]}" --epochs 4
    same whole.h5 stopped.h5
    signal=KILL until_done killed.h5 "${ticket[@]}" --epochs 4
    same whole.h5 killed.h5
    "$train" "${heuristic[@]}" --epochs 6 -o h.h5
    until_done h-stopped.h5 "${heuristic[@]}" --epochs 6
    same h.h5 h-stopped.h5
}

@test "a ticket's rounds prune, rewind, and are told in the file" {
    "$train" "${ticket[@]}" -o t.h5
    /usr/bin/python3 -c '
import h5py, numpy as np
f = h5py.File("t.h5")
mask = f["layers/dense1/mask"][...]
assert mask.shape[0] == 4 and f["records/step"].shape == (4,)
assert [(m != 0).sum() for m in mask] == [15680, 7840, 3920, 1960]
assert all(((m != 0) <= (before != 0)).all() for before, m in zip(mask, mask[1:]))
final = f["layers/dense1/final_weights"][...]
assert ((final != 0) == (mask[-1] != 0)).all()
rounds = {name: f["rounds/" + name][...] for name in f["rounds"]}
assert rounds["round"].tolist() == [0, 1, 2, 3]
assert (rounds["test_accuracy"] == rounds["trained_accuracy"]).all() and (rounds["test_accuracy"] > 0.6).all()
steps = 159  # (10000 - 500) / 60
assert ((rounds["early_stop_step"] % 40 == 0) & (rounds["early_stop_step"] <= steps)).all()
both = np.stack([f["layers/%s/mask" % name][...].reshape(4, -1).astype(bool).sum(1) for name in f["layers"]])
assert np.allclose(f["metrics/remaining"][...], both.sum(0) / 15880)
'
    run -0 "$train" evaluate t.h5
    [ "$(tail -n 1 <<<"$output" | cut -f 7)" = "$(/usr/bin/python3 -c '
import h5py
print("%.15g" % h5py.File("t.h5")["rounds/test_accuracy"][-1])')" ]
}

@test "validation images that no round comes to look at are told of" {
    few=("${ticket[@]}" --set rounds=2) # 159 steps a round
    sentence="supermask-train: note: a round has 159 steps, fewer than validate_every 160: no validation loss is measured, "
    sentence+="and no early stop"
    run -0 --separate-stderr "$train" "${few[@]}" --set validate_every=160 -o t.h5
    [ "$stderr" = "$sentence" ]
    /usr/bin/python3 -c '
import h5py, numpy as np
assert np.isnan(h5py.File("t.h5")["rounds/validation_loss"][...]).all()
'
    for silent in validate_every=159 validation=0; do
        run -0 --separate-stderr "$train" "${few[@]}" --set validate_every=160 --set $silent -o "$silent.h5"
        [ -z "$stderr" ]
    done
}

@test "the control trains other weights under the tickets' masks" {
    "$train" "${ticket[@]}" -o t.h5
    control=(fcn-mnist-lottery-reinit --quiet --set dataset=digits --set network=784-20-10 --epochs 1 --set rounds=4
        --set validation=500 --set masks_from=t.h5)
    "$train" "${control[@]}" --weight-seed 101 -o c.h5
    /usr/bin/python3 -c '
import h5py
t, c = h5py.File("t.h5"), h5py.File("c.h5")
for name in t["layers"]:
    assert (t["layers"][name]["mask"][...] == c["layers"][name]["mask"][...]).all()
    assert (t["layers"][name]["initial_weights"][...] != c["layers"][name]["initial_weights"][...]).mean() > 0.9
'
    for rounds in 3 5; do
        run -1 --separate-stderr "$train" "${control[@]}" --set rounds=$rounds -o d.h5
        [[ "$stderr" == *"t.h5: has 4 rounds, and rounds is $rounds"* ]]
    done
    run -1 --separate-stderr "$train" "${control[@]}" -o d.h5
    [[ "$stderr" == *"t.h5: has weight seed 1, too: a control needs other initial weights (--weight-seed)"* ]]
    run -1 --separate-stderr "$train" fcn-mnist-lottery-reinit --set dataset=digits --quiet -o d.h5
    [[ "$stderr" == *"RUN.h5"*"No such file"* ]]
    run -1 --separate-stderr "$train" "${control[@]}" --set network=784-30-10 -o d.h5
    [[ "$stderr" == *"t.h5: layer dense1 has another shape than layer dense1 of network 784-30-10"* ]]
    run -1 --separate-stderr "$train" "${control[@]}" --set masks_from=none.h5 -o d.h5
    [[ "$stderr" == *"none.h5"*"No such file"* ]]
    [ ! -e d.h5 ]
    # Of another method's run the last mask, and there the same weight seed makes sense.
    "$train" fcn-digits --quiet --epochs 1 --set network=784-20-10 -o s.h5
    "$train" "${control[@]}" --set masks_from=s.h5 --set rounds=1 -o e.h5
    /usr/bin/python3 -c '
import h5py
s, e = h5py.File("s.h5"), h5py.File("e.h5")
assert ((s["layers/dense1/mask"][-1] != 0) == (e["layers/dense1/mask"][0] != 0)).all()
assert e.attrs["masks_from_recipe"] == "fcn-digits" and "masks_from_recipe" not in s.attrs
'
    # A control of tickets and one of learned masks are not seeds of one group.
    "$train" "${ticket[@]}" --set rounds=1 -o t1.h5
    "$train" "${control[@]}" --weight-seed 103 --set rounds=1 --set masks_from=t1.h5 -o c1.h5
    run -0 "$bin/supermask-analyze" groups -q --figures none -o tables e.h5 c1.h5
    grep -q 'masks_from: "a run of fcn-digits"' tables/groups.tsv
    grep -q 'masks_from: "a run of fcn-mnist-lottery-ticket"' tables/groups.tsv
}

@test "a control goes on only with the masks that it began with" {
    "$train" "${ticket[@]}" --set rounds=2 -o t.h5
    control=(fcn-mnist-lottery-reinit --set dataset=digits --set network=784-20-10 --epochs 40 --set rounds=2
        --set validation=500 --set masks_from=t.h5 --weight-seed 101 --threads 1)
    "$train" "${control[@]}" -o c.h5 2>log &
    while ! grep -qE 'epoch=(4[1-9]|[5-7][0-9]) of=80' log; do sleep 0.02; done # in its second round
    kill -TERM $!
    wait $! || [ $? = 143 ]
    mv t.h5 old.h5
    "$train" "${ticket[@]}" --set rounds=2 --seed 2 -o t.h5
    run -1 --separate-stderr "$train" "${control[@]}" -o c.h5 --resume --quiet
    [[ "$stderr" == *"t.h5: cannot resume: its masks have changed since the run was started"* ]]
    mv old.h5 t.h5
    run -0 "$train" "${control[@]}" -o c.h5 --resume --quiet
}

@test "a heuristic mask is evaluated untrained, on the weights in place" {
    "$train" "${heuristic[@]}" -o h.h5
    /usr/bin/python3 -c '
import h5py, numpy as np
f = h5py.File("h.h5")
rounds = {name: f["rounds/" + name][...] for name in f["rounds"]}
assert rounds["round"].tolist() == [0, 1, 2, 3]
assert (rounds["test_accuracy"] == rounds["untrained_accuracy"]).all()
assert np.isfinite(rounds["trained_accuracy"][0]) and np.isnan(rounds["trained_accuracy"][1:]).all()
assert f["records/step"][...].tolist() == [0, 167, 167, 167]
for layer in f["layers"].values():
    w, wf, mask = layer["initial_weights"][...], layer["final_weights"][...], layer["mask"][-1]
    place = layer["mask_weights"][...]
    assert (place[mask == 0] == 0).all()
    assert np.allclose(place[mask != 0], (np.std(w) * np.sign(w))[mask != 0], rtol=1e-5)
    score = np.maximum(0, np.sign(w) * wf)  # large_final_same_sign
    assert score[mask != 0].min() >= score[mask == 0].max()
'
    run -1 --separate-stderr "$train" evaluate h.h5 --record 2 # all but the first are of one epoch
    [[ "$stderr" == *"h.h5: the weights of record 2 (epoch 1) were not stored, only those of the last record, 3" ]]
    run -0 "$train" evaluate h.h5
    [ "$(tail -n 1 <<<"$output" | cut -f 7)" = "$(/usr/bin/python3 -c '
import h5py
print("%.15g" % h5py.File("h.h5")["rounds/test_accuracy"][-1])')" ]
}

@test "what a method in rounds cannot do" {
    cannot() {
        run -1 --separate-stderr "$train" "$@"
        [[ "$stderr" == *"$sentence"* ]] || { echo "$stderr"; false; }
    }
    sentence="retrain: lottery-ticket trains in every round" cannot "${ticket[@]}" --set retrain=false
    sentence="record: methods in rounds record the mask of each round" cannot "${ticket[@]}" --record 10
    sentence="rescale: the method lottery-ticket has none" cannot "${ticket[@]}" --set rescale=dynamic
    sentence="schedule: plateau counts epochs of a run, not of a round" cannot "${ticket[@]}" --set schedule=plateau
    sentence="record_scores: the method lottery-ticket has no scores" cannot "${ticket[@]}" --set record_scores=true
    sentence="record_scores: the method dense has no scores" cannot fcn-digits-dense --set record_scores=true
    sentence="rescale: the method dense has none" cannot fcn-digits-dense --set rescale=dynamic
    sentence="scale_fan: the method signed-supermask keeps no fixed share" cannot fcn-digits --set scale_fan=true
    sentence="validation of 10000 images: digits has only 10000" cannot "${ticket[@]}" --set validation=10000
    sentence="masks_from: the masks of supermask-heuristic come from its criterion" \
        cannot "${heuristic[@]}" --set masks_from=t.h5
    sentence="rounds: the method signed-supermask does not work in rounds" cannot fcn-digits --set rounds=2
    sentence="validation: the method dense does not work in rounds" cannot fcn-digits-dense --set validation=100
    for key in retrain=false prune=0.5 prune_conv=0.5 prune_output=0.5 validate_every=7 criterion=random mask_one=reinit \
        mask_zero=freeze masks_from=t.h5; do
        sentence="${key%=*}: the method signed-supermask does not work in rounds" cannot fcn-digits --set $key
    done
    sentence="keep: the method signed-supermask keeps no fixed share of weights" cannot fcn-digits --set keep=0.1
    sentence="mask_samples: the method lottery-ticket samples no masks" cannot "${ticket[@]}" --set mask_samples=3
}

@test "frozen hidden weights are part of the network, so nobody evaluates the mask alone" {
    "$train" "${ticket[@]}" --set mask_zero=freeze -o f.h5
    run -1 --separate-stderr "$train" evaluate f.h5
    [[ "$stderr" == *"f.h5: its hidden weights are not all 0 (recipe key mask_zero): a mask does not tell of them"* ]]
    run -0 --separate-stderr "$bin/supermask-analyze" controls -q --figures none -o tables f.h5
    [[ "$stderr" == *"not evaluated on test images: f: its hidden weights are not all 0 (recipe key mask_zero)"* ]]
}
