#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Figures and the report, from runs that are made here.

setup_file() {
    export BIN="${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}"
    export ORACLE="$BATS_TEST_DIRNAME/oracle/figures.py"
    unset SUPERMASK_DATA
    export RUNS="$BATS_FILE_TMPDIR/runs" OUT="$BATS_FILE_TMPDIR/out"
    mkdir -p "$RUNS"
    /usr/bin/python3 "$ORACLE" make "$RUNS"
    "$BIN/supermask-analyze" report -q --nulls 9 --data "$RUNS/data" --figures svg,pdf,png -o "$OUT" "$RUNS/a.h5" "$RUNS/b.h5" \
        >"$BATS_FILE_TMPDIR/log" 2>"$BATS_FILE_TMPDIR/notes"
}

analyze() { "$BIN/supermask-analyze" "$@"; }

# `!` before a command does not fail a bats test.
absent() { if "$@"; then return 1; fi; }

# Is every file well-formed XML?
well_formed() { "${PYTHON:-/usr/bin/python3}" -c 'import sys, xml.dom.minidom
for path in sys.argv[1:]: xml.dom.minidom.parse(path)' "$@"; }

# Names of all figures, from `list`.
names() { analyze list | awk '$1 == "figure" { print $2 }'; }

# Those of two runs of a dense network: neither filters nor other networks or methods to compare with, and no rounds.
names_of_two() {
    names | grep -vx -e filters -e architectures -e methods -e methods-neurons -e rounds -e early-stop -e criterion-plane
}

@test "two runs: every figure is drawn in svg, pdf and png" {
    [ "$(names | wc -l)" -ge 18 ]
    for name in $(names_of_two); do
        well_formed "$OUT/figures/$name.svg"
        [ "$(head -c 5 "$OUT/figures/$name.pdf")" = "%PDF-" ]
        [ "$(head -c 4 "$OUT/figures/$name.png" | tail -c 3)" = "PNG" ]
        grep -qF "figures/$name.pdf" "$BATS_FILE_TMPDIR/log"
    done
    [ -z "$(find "$OUT" -name '.*' -type f)" ] # no temporary file is left
}

@test "the data behind the figures is what numpy computes from the run files" {
    /usr/bin/python3 "$ORACLE" check "$OUT" "$RUNS/a.h5" "$RUNS/b.h5"
}

@test "redraw.sh draws the same bytes again" {
    cp -r "$OUT" "$BATS_TEST_TMPDIR/again"
    cd "$BATS_TEST_TMPDIR"
    for file in again/figures/*.svg again/figures/*.png; do : >"$file"; done
    sh again/plots/redraw.sh
    for file in "$OUT"/figures/*.svg "$OUT"/figures/*.png; do cmp "$file" "again/figures/${file##*/}"; done
}

# The two layers' similarities become $2 and $3 in a copy of the figures at $1; tells how many different matrices are drawn.
matrices() {
    cp -r "$OUT" "$1"
    awk -F'\t' -v OFS='\t' -v first="$2" -v second="$3" '
        !/^#/ && !named { for (i = 1; i <= NF; i++) column[$i] = i; named = 1; print; next }
        !/^#/ { $column["jaccard"] = $column["layer"] == "dense1" ? first : second } 1' "$OUT/overlap.tsv" >"$1/overlap.tsv"
    sh "$1/plots/redraw.sh" overlap-runs
    [ "$(grep -o 'base64,[^"'"'"']*' "$1/figures/overlap-runs.svg" | wc -l)" -eq 2 ]
    grep -o 'base64,[^"'"'"']*' "$1/figures/overlap-runs.svg" | sort -u | wc -l
}

@test "matrices of one figure share a colour scale: the same colour is the same similarity" {
    cd "$BATS_TEST_TMPDIR"
    [ "$(matrices same .58 .58)" -eq 1 ]
    [ "$(matrices apart .03 .58)" -eq 2 ]
    [ "$(grep -o '>0.58<' apart/figures/overlap-runs.svg | wc -l)" -eq 3 ] # two cells and the scale's end
}

@test "a run whose training is not over is crossed, and its report calls no state final" {
    cd "$BATS_TEST_TMPDIR"
    cp "$RUNS/a.h5" going.h5
    /usr/bin/python3 -c 'import h5py; h5py.File("going.h5", "r+").attrs["status"] = "running"'
    analyze report -q --nulls 9 --figures svg -o going going.h5 "$RUNS/b.h5"
    grep -q "run whose training is not over" going/figures/accuracy-remaining.svg
    crosses() { grep -o "<use xlink:href='#gpPt1'" "$1/figures/accuracy-remaining.svg" | wc -l; }
    [ "$(crosses going)" -eq 2 ] # the run, and its group in the key
    absent grep -q "training is not over" "$OUT/figures/accuracy-remaining.svg"
    [ "$(crosses "$OUT")" -eq 0 ]
    grep -q "Jaccard to last recorded" going/index.html
    grep -q "Jaccard to final" "$OUT/index.html"
}

@test "the report stands alone and says what the tables say" {
    absent grep -qE '(src|href)="?(https?:)?//|@import|url\(' "$OUT/index.html"
    [ "$(stat -c %s "$OUT/index.html")" -lt 5000000 ]
    [ "$(grep -c '<img ' "$OUT/index.html")" -eq "$(names_of_two | wc -l)" ]
    accuracy=$(awk -F'\t' '!/^#/ && !h { for (i = 1; i <= NF; i++) c[$i] = i; h = 1; next }
        !/^#/ { s += $c["test_accuracy"]; n++ } END { printf "%.2f", 100 * s / n }' "$OUT/summary.tsv")
    grep -qF "Test accuracy $accuracy"$'\302\240'"% " "$OUT/index.html" # a no-break space
}

@test "one run with one record: what cannot be drawn is noted, the rest is drawn" {
    run analyze report -q -o "$BATS_TEST_TMPDIR/one" "$RUNS/one.h5"
    [ "$status" -eq 0 ]
    [[ "$output" == *"figure overlap: not drawn"* ]]
    [ -s "$BATS_TEST_TMPDIR/one/figures/ratios.svg" ]
    [ ! -e "$BATS_TEST_TMPDIR/one/figures/flips.svg" ]
    grep -q "figure overlap: not drawn" "$BATS_TEST_TMPDIR/one/index.html"
}

@test "a mask that hides all and never changes: nothing to draw is no failure" {
    analyze flips settling similarity earlybird oscillation -q -o "$BATS_TEST_TMPDIR/hidden" "$RUNS/hidden.h5"
    for name in flips settling similarity earlybird oscillation; do [ -s "$BATS_TEST_TMPDIR/hidden/figures/$name.svg" ]; done
    grep -q "0 or undefined throughout" "$BATS_TEST_TMPDIR/hidden/figures/flips.svg"
}

@test "a convolution: no pixel maps, with the reason; the rest is drawn" {
    run analyze report -q -o "$BATS_TEST_TMPDIR/conv" "$RUNS/conv.h5"
    [ "$status" -eq 0 ]
    [[ "$output" == *"figure input-pixels: not drawn"* ]]
    [[ "$output" == *"figure first-layer: not drawn: the first layer is a convolution"* ]]
    [ -s "$BATS_TEST_TMPDIR/conv/figures/fan-in.svg" ]
    [ -s "$BATS_TEST_TMPDIR/conv/index.html" ]
}

@test "different networks are not averaged: one picture a group" {
    analyze ratios -q -o "$BATS_TEST_TMPDIR/two" "$RUNS/a.h5" "$RUNS/wide.h5" "$RUNS/b.h5"
    [ -s "$BATS_TEST_TMPDIR/two/figures/layers-ratios.svg" ]
    [ -s "$BATS_TEST_TMPDIR/two/figures/layers-ratios-group2.svg" ]
    grep -q "2 runs" "$BATS_TEST_TMPDIR/two/figures/layers-ratios.svg"
    absent grep -q "2 runs" "$BATS_TEST_TMPDIR/two/figures/layers-ratios-group2.svg"
}

@test "a group without rows in a figure's table is left out of that figure, with one note" {
    run analyze controls -q --data "$RUNS/data" -o "$BATS_TEST_TMPDIR/mixed" "$RUNS/conv.h5" "$RUNS/a.h5"
    [ "$status" -eq 0 ]
    [ "$(grep -c "figure controls: not drawn" <<<"$output")" -eq 1 ]
    [[ "$output" == *"figure controls: not drawn for "*": it has no row in the table controls"* ]]
    [ -s "$BATS_TEST_TMPDIR/mixed/figures/controls-group2.svg" ]
    [ ! -e "$BATS_TEST_TMPDIR/mixed/figures/controls.svg" ]
    run analyze controls -q --data "$RUNS/data" -o "$BATS_TEST_TMPDIR/none" "$RUNS/conv.h5"
    [ "$status" -eq 0 ]
    [[ "$output" == *"figure controls: not drawn: the table controls has no rows"* ]]
}

@test "a report of a dense and a convolutional run: each has every figure that its rows allow" {
    run analyze report -q --nulls 9 --data "$RUNS/data" -o "$BATS_TEST_TMPDIR/mixed" "$RUNS/a.h5" "$RUNS/conv.h5"
    [ "$status" -eq 0 ]
    [ "$(grep -c "a and conv have different layers and were not compared" <<<"$output")" -eq 1 ]
    analyze report -q --nulls 9 --data "$RUNS/data" -o "$BATS_TEST_TMPDIR/dense" "$RUNS/a.h5"
    analyze report -q --nulls 9 --data "$RUNS/data" -o "$BATS_TEST_TMPDIR/conv" "$RUNS/conv.h5"
    cd "$BATS_TEST_TMPDIR"
    for file in dense/figures/*.svg; do [ -s "mixed/figures/${file##*/}" ]; done
    for name in ratios flips settling fan-in concentration survival layers; do
        [ -s "conv/figures/$name.svg" ] && [ -s "mixed/figures/$name-group2.svg" ]
    done
}

@test "filters of a convolution, networks side by side: drawn in all formats, from what numpy computes" {
    analyze ratios -q --figures svg,pdf,png -o "$BATS_TEST_TMPDIR/mixed" "$RUNS/a.h5" "$RUNS/conv.h5" "$RUNS/b.h5"
    cd "$BATS_TEST_TMPDIR/mixed"
    for name in filters-group2 architectures; do
        well_formed "figures/$name.svg"
        [ "$(head -c 5 "figures/$name.pdf")" = "%PDF-" ]
        [ "$(head -c 4 "figures/$name.png" | tail -c 3)" = "PNG" ]
    done
    [ ! -e figures/filters.svg ]
    /usr/bin/python3 "$ORACLE" check_mixed . "$RUNS/a.h5" "$RUNS/b.h5" "$RUNS/conv.h5"
    run analyze ratios -q -o "$BATS_TEST_TMPDIR/alike" "$RUNS/a.h5" "$RUNS/b.h5"
    [[ "$output" == *"figure filters: not drawn: no first layer is a convolution"* ]]
    [[ "$output" == *"figure architectures: not drawn: all runs differ in their seeds only"* ]]
}

@test "inverted weights: drawn of the groups that have some" {
    run analyze ratios -q -o "$BATS_TEST_TMPDIR/mixed" "$RUNS/other1.h5" "$RUNS/a.h5"
    [ "$status" -eq 0 ]
    [[ "$output" != *"figure inverted: not drawn"* ]]
    [ -s "$BATS_TEST_TMPDIR/mixed/figures/inverted-group2.svg" ]
    [ ! -e "$BATS_TEST_TMPDIR/mixed/figures/inverted.svg" ]
    run analyze ratios -q -o "$BATS_TEST_TMPDIR/none" "$RUNS/other1.h5" "$RUNS/other2.h5"
    [[ "$output" == *"figure inverted: not drawn: no run inverts a weight at any record"* ]]
    [ -s "$BATS_TEST_TMPDIR/none/figures/remaining.svg" ]
    [ ! -e "$BATS_TEST_TMPDIR/none/figures/inverted.svg" ]
}

@test "runs in rounds: curves of each recipe, a plane for each, from what h5py reads" {
    runs=("$RUNS/t1.h5" "$RUNS/t2.h5" "$RUNS/c.h5" "$RUNS/h.h5" "$RUNS/g.h5")
    cd "$BATS_TEST_TMPDIR"
    analyze rounds flips earlybird -q --figures svg,pdf,png -o out "${runs[@]}"
    for name in rounds early-stop criterion-plane criterion-plane-group{2,3,4}; do
        well_formed "out/figures/$name.svg"
        [ "$(head -c 5 "out/figures/$name.pdf")" = "%PDF-" ]
        [ "$(head -c 4 "out/figures/$name.png" | tail -c 3)" = "PNG" ]
    done
    [ ! -e out/figures/criterion-plane-group5.svg ]
    for text in "lottery (2)" "control (1)" "criterion: random (1)"; do grep -qF "$text" out/figures/rounds.svg; done
    absent grep -q criterion out/figures/early-stop.svg
    /usr/bin/python3 "$ORACLE" check_rounds out "${runs[@]}"
    analyze rounds -q --seed 7 --figures svg -o other "${runs[@]}"
    absent cmp -s out/data/criterion-plane.tsv other/data/criterion-plane.tsv
    for file in out/figures/*.svg; do cp "$file" "${file##*/}" && : >"$file"; done
    sh out/plots/redraw.sh
    for file in *.svg; do cmp "$file" "out/figures/$file"; done
}

# Short lines have a point (gpPt6) at each x.
@test "rounds that share a step and an epoch are drawn one by one" {
    cd "$BATS_TEST_TMPDIR"
    analyze ratios flips settling similarity earlybird -q -o out "$RUNS/once.h5"
    for name in ratios remaining flips settling similarity earlybird; do
        grep -q ">round<" "out/figures/$name.svg"
        absent grep -qE ">(epoch|training step)<" "out/figures/$name.svg"
    done
    for name in remaining settling; do [ "$(grep -c "use xlink:href='#gpPt6'" "out/figures/$name.svg")" -eq 18 ]; done # nine rounds, two layers
    [ "$(grep -c "use xlink:href='#gpPt6'" out/figures/flips.svg)" -eq 16 ]
    analyze ratios -q -o other "$RUNS/a.h5"
    grep -q ">epoch<" other/figures/remaining.svg
}

@test "a single round is drawn, and so are networks that hide all; what was not measured is noted" {
    run analyze rounds -q -o "$BATS_TEST_TMPDIR/odd" "$RUNS/odd1.h5" "$RUNS/odd2.h5"
    [ "$status" -eq 0 ]
    [ -s "$BATS_TEST_TMPDIR/odd/figures/rounds.svg" ]
    [ -s "$BATS_TEST_TMPDIR/odd/figures/criterion-plane.svg" ]
    [[ "$output" == *"figure early-stop: not drawn: no round's least validation loss was looked for"* ]]
    for n in 1 2; do
        analyze rounds -q -o "$BATS_TEST_TMPDIR/odd$n" "$RUNS/odd$n.h5"
        [ -s "$BATS_TEST_TMPDIR/odd$n/figures/rounds.svg" ]
    done
    run analyze rounds -q -o "$BATS_TEST_TMPDIR/without" "$RUNS/a.h5"
    [ "$status" -eq 0 ]
    [[ "$output" == *"rounds: a has no rounds and no row"* ]]
}

@test "a run's name may hold quotes, blanks and markup" {
    cp "$RUNS/a.h5" "$BATS_TEST_TMPDIR/it's <b>_1_ & \$2.h5"
    analyze report -q -o "$BATS_TEST_TMPDIR/odd dir's" "$BATS_TEST_TMPDIR/it's <b>_1_ & \$2.h5"
    grep -qF "it&#39;s &lt;b&gt;_1_ &amp; \$2" "$BATS_TEST_TMPDIR/odd dir's/index.html"
    absent grep -qF "it's <b>" "$BATS_TEST_TMPDIR/odd dir's/index.html"
    well_formed "$BATS_TEST_TMPDIR/odd dir's/figures/ratios.svg"
}

@test "--figures none draws none; an unknown format is a mistake on the command line" {
    analyze ratios -q --figures none -o "$BATS_TEST_TMPDIR/none" "$RUNS/a.h5"
    [ ! -e "$BATS_TEST_TMPDIR/none/figures" ]
    run analyze ratios -q --figures jpg -o "$BATS_TEST_TMPDIR/jpg" "$RUNS/a.h5"
    [ "$status" -eq 2 ]
}

@test "without gnuplot: one sentence that names the package" {
    PATH=/nonexistent run "$BIN/supermask-analyze" ratios -q -o "$BATS_TEST_TMPDIR/no" "$RUNS/a.h5"
    [ "$status" -eq 1 ]
    [[ "$output" == *"gnuplot-nox"* ]]
    [ -s "$BATS_TEST_TMPDIR/no/ratios.tsv" ]
}

@test "a script that fails is told with gnuplot's reason; the others are drawn" {
    share="$BATS_TEST_TMPDIR/share"
    cp -r "$BIN/../share/supermask" "$share"
    echo 'load "no such file"' >"$share/plots/inverted.gp"
    SUPERMASK_SHARE="$share" run analyze ratios -q -o "$BATS_TEST_TMPDIR/broken" "$RUNS/a.h5"
    [ "$status" -eq 1 ]
    [[ "$output" == *"figure inverted (svg): gnuplot: "*"no such file"* ]]
    [ -s "$BATS_TEST_TMPDIR/broken/figures/ratios.svg" ]
    [ ! -e "$BATS_TEST_TMPDIR/broken/figures/inverted.svg" ]
}

@test "a picture of an earlier analysis does not stay beside other tables" {
    cp -r "$OUT" "$BATS_TEST_TMPDIR/reused"
    [ -s "$BATS_TEST_TMPDIR/reused/figures/overlap.svg" ]
    analyze report -q -o "$BATS_TEST_TMPDIR/reused" "$RUNS/a.h5"
    [ ! -e "$BATS_TEST_TMPDIR/reused/figures/overlap.svg" ]
    [ ! -e "$BATS_TEST_TMPDIR/reused/figures/ratios.pdf" ]
    [ -s "$BATS_TEST_TMPDIR/reused/figures/ratios.svg" ]
}

@test "two methods with one recipe: side by side, never averaged" {
    run analyze methods methods-units ratios summary groups -q --nulls 9 --figures svg,pdf,png -o "$BATS_TEST_TMPDIR/two" \
        "$RUNS/a.h5" "$RUNS/other1.h5" "$RUNS/b.h5" "$RUNS/other2.h5" "$RUNS/strange.h5"
    [ "$status" -eq 0 ]
    cd "$BATS_TEST_TMPDIR/two"
    for name in methods methods-neurons accuracy-remaining; do
        well_formed "figures/$name.svg"
        [ "$(head -c 5 "figures/$name.pdf")" = "%PDF-" ]
        [ "$(head -c 4 "figures/$name.png" | tail -c 3)" = "PNG" ]
    done
    grep -q "edge-popup" figures/methods.svg && grep -q "signed-supermask" figures/methods-neurons.svg
    /usr/bin/python3 "$ORACLE" check_methods . "$RUNS/a.h5" "$RUNS/b.h5" "$RUNS/other1.h5" "$RUNS/other2.h5"
    [ "$(grep -vc '^#' groups.tsv)" -eq 4 ] # and a line of names
    [ -s figures/layers-ratios.svg ] && [ -s figures/layers-ratios-group2.svg ]
    run analyze methods -q --nulls 9 -o "$BATS_TEST_TMPDIR/alone" "$RUNS/a.h5" "$RUNS/b.h5"
    [[ "$output" == *"figure methods: not drawn: there are not two groups of runs"* ]]
}

@test "groups of runs that began with the same draws of scores are named, those with other score seeds are not" {
    bats_require_minimum_version 1.5.0
    cd "$BATS_TEST_TMPDIR"
    small=(--quiet --set dataset=digits --set network=784-6-10 --epochs 1 --threads 1)
    "$BIN/supermask-train" fcn-digits "${small[@]}" -o signed.h5
    "$BIN/supermask-train" fcn-mnist-edge-popup "${small[@]}" -o same.h5
    "$BIN/supermask-train" fcn-mnist-edge-popup "${small[@]}" --score-seed 7 -o other.h5
    sentence="methods: runs of fcn-digits and of fcn-mnist-edge-popup began with the same draws of scores"
    run -0 --separate-stderr analyze methods -q --nulls 3 --figures none -o out signed.h5 same.h5 other.h5
    [[ "$stderr" == "note: $sentence (initial_scores): "*"another --score-seed"* ]]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    run -0 --separate-stderr analyze methods -q --nulls 3 --figures none -o out signed.h5 other.h5
    [ -z "$stderr" ]
    run -0 --separate-stderr analyze report -q --nulls 3 --figures none -o out signed.h5 same.h5
    grep -qF "$sentence" out/index.html
}
