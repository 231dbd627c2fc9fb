#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh BIN OUT - trains three seeds of fcn-digits, analyzes and draws them into OUT/report.
set -eu
bin=$1 out=$2
mkdir -p "$out"
for seed in 1 2 3; do
    run=$out/fcn-digits-seed$seed.h5
    echo "training $run"
    # An earlier demo's finished run has nothing left to do; an interrupted one is continued.
    "$bin/supermask-train" fcn-digits --seed "$seed" --resume -o "$run"
done
"$bin/supermask-analyze" report -o "$out/report" "$out"/fcn-digits-seed?.h5
echo "The report is $(cd "$out/report" && pwd)/index.html"
