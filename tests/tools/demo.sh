#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh BIN OUT - trains three seeds of fcn-digits, analyzes and draws them into OUT/report.
set -eu
unset CDPATH
bin=$1 out=$2
mkdir -p "$out"
for seed in 1 2 3; do
    run=$out/fcn-digits-seed$seed.h5
    echo "training $run"
    # An earlier demo's finished run has nothing left to do; an interrupted one is continued.
    status=0
    "$bin/supermask-train" fcn-digits --seed "$seed" --resume -o "$run" || status=$?
    if [ "$status" = 1 ] && [ -e "$run" ]; then echo "demo: remove $run to train it anew" >&2; fi
    if [ "$status" != 0 ]; then exit "$status"; fi
done
"$bin/supermask-analyze" report -o "$out/report" "$out"/fcn-digits-seed?.h5
echo "The report is $(cd "$out/report" && pwd)/index.html"
