#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The published FCN on MNIST (Koster, Grothe & Rettinger 2022, arXiv 2201.13361): 97.48 % accuracy with 3.77 % of the
# weights; its dense baseline 97.42 %. One seed each, about a minute together on two cores.

bats_require_minimum_version 1.5.0

setup_file() {
    export BIN=${SM_BIN:-$BATS_TEST_DIRNAME/../../build/bin} PYTHON=${PYTHON:-/usr/bin/python3}
    cd "$BATS_FILE_TMPDIR" || return 1
    has_data || return 0
    "$BIN/supermask-train" fcn-mnist --seed 3 --quiet -o signed.h5
    "$BIN/supermask-train" fcn-mnist-dense --seed 3 --quiet -o dense.h5
}

has_data() { [ -e "${SUPERMASK_DATA:-data}/mnist/train-images-idx3-ubyte.gz" ]; }

setup() {
    has_data || skip "no MNIST: set SUPERMASK_DATA"
    cd "$BATS_FILE_TMPDIR" || return 1
}

# Evaluates a Python expression that must be true; in it: metric(name) [epoch], share(layer, epoch), masks, f.
holds() {
    "$PYTHON" - "$@" <<'PY'
import sys
import h5py
import numpy as np
path, *conditions = sys.argv[1:]
with h5py.File(path) as f:
    metric = lambda name: f["metrics"][name][:]
    masks = {name: layer["mask"] for name, layer in f["layers"].items()}
    share = lambda layer, epoch: np.count_nonzero(masks[layer][epoch]) / masks[layer][epoch].size
    total = lambda count: sum(count(mask[-1]) for mask in masks.values())
    failed = []
    for condition in conditions:
        value, low, high = eval(condition)
        print(f"{condition}: {value:.4f}")
        if not low <= value <= high:
            failed.append(condition)
sys.exit(f"out of bounds: {failed}" if failed else 0)
PY
}

@test "accuracy and remaining weights after 100 epochs are the published ones" {
    holds signed.h5 'len(metric("epoch")), 100, 100' 'metric("test_accuracy")[-1], .9748 - .006, .9748 + .006' \
        'metric("remaining")[-1], .0377 - .004, .0377 + .004'
}

@test "remaining weights on the way: 7.9 % after 10 epochs, 4.3 % after 20" {
    holds signed.h5 'metric("remaining")[9], .068, .090' 'metric("remaining")[19], .038, .049'
}

@test "remaining weights of each layer: 2.7, 9.4 and 75 %; half of them inverted" {
    holds signed.h5 'share("dense1", -1), .022, .032' 'share("dense2", -1), .080, .108' \
        'share("dense3", -1), .68, .82' \
        'total(lambda m: np.sum(m == -1)) / total(np.count_nonzero), .47, .53'
}

@test "the file counts what its metrics say, and so does supermask-analyze" {
    holds signed.h5 'total(np.count_nonzero) / 266200 - metric("remaining")[-1], 0, 0'
    "$BIN/supermask-analyze" summary -q --figures none -o tables signed.h5 >"$BATS_TEST_TMPDIR/out"
    "$PYTHON" - <<'PY'
import csv, h5py
rows = list(csv.DictReader((l for l in open("tables/summary.tsv") if not l.startswith("#")), delimiter="\t"))
with h5py.File("signed.h5") as f:
    assert abs(float(rows[0]["test_accuracy"]) - f["metrics/test_accuracy"][-1]) < 1e-9, rows
    assert abs(float(rows[0]["remaining"]) - f["metrics/remaining"][-1]) < 1e-9, rows
PY
}

@test "the dense baseline reaches the published accuracy" {
    holds dense.h5 'metric("test_accuracy")[-1], .9742 - .008, .9742 + .010' 'metric("remaining")[-1], 1, 1'
}
