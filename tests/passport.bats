#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The page of one unit, from runs that are made here. The numbers of its tables: run_oracle.py passport.

setup_file() {
    export BIN="${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}"
    export ORACLE="$BATS_TEST_DIRNAME/oracle/figures.py"
    export RUNS="$BATS_FILE_TMPDIR/runs" OUT="$BATS_FILE_TMPDIR/out"
    mkdir -p "$RUNS"
    "${PYTHON:-/usr/bin/python3}" "$ORACLE" make "$RUNS"
    "$BIN/supermask-analyze" passport -q --unit dense1:1 --figures svg,png -o "$OUT" "$RUNS/a.h5" "$RUNS/b.h5" \
        >"$BATS_FILE_TMPDIR/log" 2>"$BATS_FILE_TMPDIR/notes"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    bats_require_minimum_version 1.5.0
}

analyze() { "$BIN/supermask-analyze" "$@"; }

# `!` before a command does not fail a bats test.
absent() { if "$@"; then return 1; fi; }

# Is every file well-formed XML?
well_formed() { "${PYTHON:-/usr/bin/python3}" -c 'import sys, xml.dom.minidom
for path in sys.argv[1:]: xml.dom.minidom.parse(path)' "$@"; }

# One sentence on standard error that contains every argument, nothing on standard output.
one_sentence() {
    [ -z "$output" ] || { echo "standard output: $output"; return 1; }
    [ "$(wc -l <<<"$stderr")" -eq 1 ] || { echo "not one sentence: $stderr"; return 1; }
    local word
    for word in "$@"; do grep -qF -- "$word" <<<"$stderr" || { echo "no '$word' in: $stderr"; return 1; }; done
}

# The value of a measure in OUT/passport.tsv.
value() { awk -F'\t' -v m="$1" '$1 == m { print $2 }' "${2:-$OUT}/passport.tsv"; }

@test "tables, figures and the page are written, and named on standard output" {
    for name in passport passport-fields passport-links passport-classes passport-settling passport-partners; do
        grep -qx "$OUT/$name.tsv" "$BATS_FILE_TMPDIR/log"
    done
    for name in passport-field passport-field-run2 passport-classes passport-settling; do
        well_formed "$OUT/figures/$name.svg"
        [ "$(head -c 4 "$OUT/figures/$name.png" | tail -c 3)" = "PNG" ]
    done
    grep -qx "$OUT/passport.html" "$BATS_FILE_TMPDIR/log"
    [ -z "$(find "$OUT" -name '.*' -type f)" ]
}

@test "the page stands alone and says what the tables say" {
    page="$OUT/passport.html"
    absent grep -qE '(src|href)="?(https?:)?//|@import|url\(' "$page"
    [ "$(grep -o '<img ' "$page" | wc -l)" -eq 5 ] # the photo, classes, settling, this unit and its partner
    grep -q '<span class="state alive">alive</span>' "$page"
    grep -qF "Reads $(value fan_in) of $(value possible_in) pixels, $(value kept_in) kept and $(value inverted_in) inverted; is read by $(value fan_out) of $(value possible_out) units of dense2" "$page"
    grep -qF "title=\"$(value log10_paths)" "$page"
    jaccard=$(awk -F'\t' '!/^#/ && !c { for (i = 1; i <= NF; i++) if ($i == "jaccard_in") c = i; next }
        !/^#/ { printf "%.2f", $c }' "$OUT/passport-partners.tsv")
    grep -qF "Jaccard $jaccard" "$page"
    [ "$(grep -o '<span class="chip [^>]*>' "$page" | wc -l)" -eq "$(grep -c $'^out\t' "$OUT/passport-links.tsv")" ]
}

@test "redraw.sh draws the same bytes again" {
    cp -r "$OUT" again
    for file in again/figures/*.svg; do : >"$file"; done
    sh again/plots/redraw.sh
    for file in "$OUT"/figures/*.svg; do cmp "$file" "again/figures/${file##*/}"; done
}

@test "an input, an output and a channel have a page too" {
    for unit in input:5 dense2:0; do
        analyze passport -q --unit $unit -o "${unit%:*}" "$RUNS/a.h5" "$RUNS/b.h5" 2>/dev/null
    done
    grep -q "It is an input: it reads nothing" input/passport.html
    grep -q "It is an output: nothing reads it" dense2/passport.html
    [ ! -e dense2/figures/passport-classes.svg ]
    for unit in conv1:3 dense1:1; do
        analyze passport -q --unit $unit -o "${unit%:*}" "$RUNS/conv.h5" 2>/dev/null
        well_formed "${unit%:*}/figures/passport-field.svg"
    done
    analyze passport -q --unit input:0 -o channel "$RUNS/conv.h5" 2>/dev/null
    [ ! -e channel/figures/passport-field.svg ] && [ -s channel/passport.html ]
}

@test "one run alone, a run of a single record, a run that is not complete" {
    analyze passport -q --unit dense1:0 -o one "$RUNS/one.h5" 2>/dev/null
    grep -q "Name more runs" one/passport.html
    grep -q "single record" one/passport.html
    [ ! -e one/figures/passport-settling.svg ]
    PYTHONPATH="$BATS_TEST_DIRNAME/oracle" "${PYTHON:-/usr/bin/python3}" -c '
import pathlib, run_oracle
run_oracle._dense_run(pathlib.Path("running.h5"), 6, status="running")'
    run -0 --separate-stderr analyze passport -q --unit dense2:1 -o running running.h5
    [[ $stderr == *"not complete"* ]]
    grep -q "the run is not complete" running/passport.html
}

@test "a dead unit says so, and has no counterpart" {
    PYTHONPATH="$BATS_TEST_DIRNAME/oracle" "${PYTHON:-/usr/bin/python3}" - <<'PY'
import numpy as np, runfile
for seed, name in ((1, "x.h5"), (2, "y.h5")):
    rng = np.random.default_rng(seed)
    first, second = rng.choice([-1, 1], (2, 4, 6)), rng.choice([-1, 1], (2, 3, 4))
    first[1, 2], second[1, :, 2] = 0, 0
    runfile.write(name, [runfile.Layer("dense1", first), runfile.Layer("dense2", second, inputs=["dense1"],
                  activation="linear")], input_shape=(1, 2, 3), weight_seed=seed)
PY
    analyze passport -q --unit dense1:2 -o dead x.h5 y.h5 2>/dev/null
    grep -q '<span class="state dead">dead</span>' dead/passport.html
    grep -q "no route from input to output leads through it" dead/passport.html
    grep -q "It has read nothing since epoch 1" dead/passport.html
    grep -q "no counterpart" dead/passport.html
    grep -q "It has a counterpart in 0 of 1 other run" dead/passport.html
}

@test "a run of other layers is left out, with a note" {
    run -0 --separate-stderr analyze passport -q --unit dense1:0 -o mixed "$RUNS/a.h5" "$RUNS/wide.h5" "$RUNS/b.h5"
    [[ $stderr == *"a and wide have different layers"* ]]
    [ -s mixed/figures/passport-field-run3.svg ] && [ ! -e mixed/figures/passport-field-run2.svg ]
    [ "$(grep -vc '^#' mixed/passport-partners.tsv)" -eq 2 ]
}

@test "a picture of an earlier unit does not stay beside other tables" {
    cp -r "$OUT" reused
    analyze passport -q --unit dense2:0 -o reused "$RUNS/a.h5" 2>/dev/null
    [ "$(ls reused/figures)" = $'passport-field.svg\npassport-settling.svg' ]
    absent grep -q 'passport-classes' <(grep -o '<figcaption>.*' reused/passport.html)
    analyze passport -q --unit dense2:0 --figures none -o reused "$RUNS/a.h5" 2>/dev/null
    absent grep -q '<img ' reused/passport.html
}

@test "--at describes that moment" {
    analyze passport -q --unit dense1:1 --figures none --at 1 -o earlier "$RUNS/a.h5" 2>/dev/null
    grep -q "not the last record" earlier/passport.html
    absent cmp -s earlier/passport.tsv "$OUT/passport.tsv"
    [ ! -e earlier/figures ]
}

@test "a unit that is not there: what there is" {
    run -1 --separate-stderr analyze passport -q --unit dense1:999 -o no "$RUNS/a.h5"
    one_sentence "a.h5" "no unit 999 in dense1" "its units are 0 to "
    run -1 --separate-stderr analyze passport -q --unit dens1:0 -o no "$RUNS/a.h5"
    one_sentence "a.h5" "'dens1'" "nearest: dense1"
    run -1 --separate-stderr analyze passport -q --unit xyzzy:0 -o no "$RUNS/a.h5"
    one_sentence "'xyzzy'" "from dense1 to dense2"
    [ ! -e no ]
}

@test "wrong command lines" {
    for unit in dense1 dense1: :3 dense1:-1 dense1:1O dense1:99999999999999999999 ""; do
        run -2 --separate-stderr analyze passport --unit "$unit" "$RUNS/a.h5"
        one_sentence "--unit" "'$unit'"
    done
    run -2 --separate-stderr analyze passport "$RUNS/a.h5"
    one_sentence "passport" "--unit LAYER:UNIT"
    run -2 --separate-stderr analyze ratios --unit dense1:0 "$RUNS/a.h5"
    one_sentence "--unit"
    run -2 --separate-stderr analyze passport ratios --unit dense1:0 "$RUNS/a.h5"
    one_sentence "passport"
    run -2 --separate-stderr analyze passport --unit dense1:0
    one_sentence "no run file"
}

@test "a name with markup" {
    cp "$RUNS/a.h5" "it's <b> & co.h5"
    analyze passport -q --unit dense1:0 -o odd "it's <b> & co.h5" "$RUNS/b.h5" 2>/dev/null
    grep -qF "it&#39;s &lt;b&gt; &amp; co" odd/passport.html
    absent grep -qF "it's <b>" odd/passport.html
    well_formed odd/figures/passport-field.svg
}

@test "the same page for any number of threads" {
    for n in 1 2 5; do
        analyze passport -q --unit dense1:1 --figures none --threads $n -o "t$n" "$RUNS/a.h5" "$RUNS/b.h5" 2>/dev/null
        cat t$n/*.tsv | grep -v '^# supermask-analyze' >all$n
    done
    cmp all1 all2
    cmp all1 all5
}

@test "what the unit is worth is what the table of neurons says" {
    analyze passport -q --unit dense1:1 --data "$RUNS/data" --figures none -o worth "$RUNS/a.h5"
    analyze neurons -q --ablation --data "$RUNS/data" --figures none -o all "$RUNS/a.h5"
    for name in ablation_accuracy_drop activation_mean active_share log10_synflow strength_in; do
        want=$(awk -F'\t' -v n=$name '!/^#/ && !c { for (i = 1; i <= NF; i++) if ($i == n) c = i; next }
            $2 == "dense1" && $3 == 1 { print $c }' all/neurons.tsv)
        [ -n "$want" ] && [ "$want" != nan ] && [ "$(value $name worth)" = "$want" ]
    done
    grep -q "test accuracy" worth/passport.html
}
