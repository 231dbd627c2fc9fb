#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line of supermask-analyze, as a user types it.

setup_file() {
    export ANALYZE="${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}/supermask-analyze"
    export RUNS="$BATS_FILE_TMPDIR/runs"
    mkdir -p "$RUNS/again" "$RUNS/more/again"
    PYTHONPATH="$BATS_TEST_DIRNAME/oracle" "${PYTHON:-/usr/bin/python3}" - "$RUNS" <<'PY'
import pathlib, sys
import run_oracle, runfile
runs = pathlib.Path(sys.argv[1])
make = run_oracle._dense_run
make(runs / "a.h5", 1)
make(runs / "b.h5", 2)
make(runs / "again" / "a.h5", 3)
make(runs / "more" / "again" / "a.h5", 4)
make(runs / "wide.h5", 5, widths=(6, 9, 3))
make(runs / "running.h5", 6, status="running")
make(runs / "two words.h5", 7)
runfile.example(runs / "branched.h5")
PY
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    bats_require_minimum_version 1.5.0
}

# Standard error without progress.
said() { grep -v '^20..-..-..T' <<<"$stderr"; }

# One sentence on standard error that contains every argument, nothing on standard output.
one_sentence() {
    [ -z "$output" ] || { echo "standard output: $output"; return 1; }
    [ "$(said | wc -l)" -eq 1 ] || { echo "not one sentence: $stderr"; return 1; }
    local word
    for word in "$@"; do grep -qF -- "$word" <<<"$stderr" || { echo "no '$word' in: $stderr"; return 1; }; done
}

@test "no argument" {
    run -2 --separate-stderr "$ANALYZE"
    one_sentence "no table"
}

@test "a table but no run" {
    run -2 --separate-stderr "$ANALYZE" flips
    one_sentence "no run file"
}

@test "a run but no table" {
    run -2 --separate-stderr "$ANALYZE" "$RUNS/a.h5"
    one_sentence "no table"
}

@test "a misspelled table gives the nearest" {
    run -2 --separate-stderr "$ANALYZE" flip "$RUNS/a.h5"
    one_sentence "'flip'" "flips"
    run -2 --separate-stderr "$ANALYZE" ratios sumary "$RUNS/a.h5"
    one_sentence "'sumary'" "summary"
    run -2 --separate-stderr "$ANALYZE" reprot "$RUNS/a.h5"
    one_sentence "'reprot'" "report"
}

@test "a word like no table" {
    run -2 --separate-stderr "$ANALYZE" xyzzy "$RUNS/a.h5"
    one_sentence "'xyzzy'"
}

@test "wrong values of options" {
    run -2 --separate-stderr "$ANALYZE" flips --figures svg,jpg "$RUNS/a.h5"
    one_sentence "--figures" "svg,jpg"
    run -2 --separate-stderr "$ANALYZE" flips --figures "" "$RUNS/a.h5"
    one_sentence "--figures"
    run -2 --separate-stderr "$ANALYZE" flips --compare weights "$RUNS/a.h5"
    one_sentence "'weights'" "weight"
    for epoch in -1 1O nan inf ""; do
        run -2 --separate-stderr "$ANALYZE" flips --at="$epoch" "$RUNS/a.h5"
        one_sentence "--at" "'$epoch'"
    done
    for n in 0 -3 1e3 99999999999999999999; do
        run -2 --separate-stderr "$ANALYZE" flips --nulls="$n" "$RUNS/a.h5"
        one_sentence "--nulls" "'$n'"
    done
    for n in 0 -1 2.5 every ""; do
        run -2 --separate-stderr "$ANALYZE" overlap --pairs="$n" "$RUNS/a.h5"
        one_sentence "--pairs" "'$n'"
    done
    for n in 0 -1 65 2.5 many ""; do
        run -2 --separate-stderr "$ANALYZE" overlap --starts="$n" "$RUNS/a.h5"
        one_sentence "--starts" "'$n'"
    done
    for n in -1 1e3 18446744073709551616 seed ""; do
        run -2 --separate-stderr "$ANALYZE" overlap --seed="$n" "$RUNS/a.h5"
        one_sentence "--seed" "'$n'"
    done
    for n in 0 -2 two 99999; do
        run -2 --separate-stderr "$ANALYZE" overlap --threads="$n" "$RUNS/a.h5"
        one_sentence "--threads" "'$n'"
    done
    run -2 --separate-stderr "$ANALYZE" flips --figurse svg "$RUNS/a.h5"
    [[ $stderr == *figurse* ]]
}

@test "tables behind the runs, tables beside report and list" {
    run -2 --separate-stderr "$ANALYZE" flips "$RUNS/a.h5" ratios
    one_sentence "'ratios'"
    run -2 --separate-stderr "$ANALYZE" report flips "$RUNS/a.h5"
    one_sentence "report"
    run -2 --separate-stderr "$ANALYZE" flips report "$RUNS/a.h5"
    one_sentence "report"
    run -2 --separate-stderr "$ANALYZE" list "$RUNS/a.h5"
    one_sentence "list"
}

@test "help, version and list" {
    run -0 --separate-stderr "$ANALYZE" --help
    [[ $output == *--compare* && -z $stderr ]]
    run -0 --separate-stderr "$ANALYZE" --version
    [[ $output == supermask-analyze\ [0-9]* ]]
    run -0 --separate-stderr "$ANALYZE" list
    for name in ratios flips settling similarity oscillation earlybird alignment overlap layers interfaces neurons \
        ablation concentration weights controls thresholds summary groups; do
        grep -q "^table  *$name  *[A-Za-z]" <<<"$output"
    done
    [ -z "$stderr" ]
}

@test "a full standard output is an error" {
    [ -w /dev/full ] || skip "no /dev/full"
    run -1 bash -c '"$ANALYZE" list > /dev/full'
    [[ $output == *"standard output"* ]]
}

@test "a missing file" {
    run -1 --separate-stderr "$ANALYZE" flips nowhere.h5
    one_sentence "nowhere.h5"
    [ ! -e tables ]
}

@test "a text file, an empty file, a directory as run" {
    echo "hello" >text.txt
    : >empty.h5
    mkdir folder.h5
    for run in text.txt empty.h5 folder.h5; do
        run -1 --separate-stderr "$ANALYZE" flips $run
        one_sentence "$run"
    done
    [ ! -e tables ]
}

@test "every unreadable run is named" {
    : >empty.h5
    run -1 --separate-stderr "$ANALYZE" flips "$RUNS/a.h5" empty.h5 nowhere.h5 "$RUNS/b.h5" gone.h5
    one_sentence empty.h5 nowhere.h5 gone.h5
    ! grep -q b.h5 <<<"$stderr"
}

# Tampers with a copy of a run: statements in Python, the file is f.
tampered() {
    cp "$RUNS/a.h5" "$1"
    "${PYTHON:-/usr/bin/python3}" -c "import h5py
with h5py.File('$1', 'r+') as f: $2"
}

@test "values that no run writes are refused; a method that only its author's program knows is not" {
    tampered method.h5 "f.attrs['recipe'] = 'method: \"supermask\"'"
    tampered epoch.h5 "f['records/epoch'][1] = -1"
    tampered falls.h5 "f['metrics/epoch'][...] = f['metrics/epoch'][()][::-1]"
    tampered threshold.h5 "f['layers/dense2'].attrs['threshold'] = float('nan')"
    tampered foreign.h5 "f.attrs.update(method='mine', recipe='method: \"mine\"')"
    says() {
        run -1 --separate-stderr "$ANALYZE" flips "$1"
        one_sentence "$@"
    }
    says method.h5 "attribute \`method\` says 'signed-supermask' where the recipe in the file says 'supermask'"
    says epoch.h5 "records/epoch says -1 for row 1"
    says falls.h5 "metrics/epoch does not rise from row 0 to 1"
    says threshold.h5 "layer dense1 has a \`threshold\`, and layer dense2 has none"
    [ ! -e tables ]
    run -0 "$ANALYZE" summary foreign.h5
    grep -q "	mine	" tables/summary.tsv
}

@test "the same run twice" {
    ln -s "$RUNS/a.h5" link.h5
    run -1 --separate-stderr "$ANALYZE" groups "$RUNS/a.h5" link.h5
    one_sentence "link.h5" "a.h5"
}

@test "an output directory that cannot be made or written" {
    echo >file
    run -1 --separate-stderr "$ANALYZE" flips -q -o file/below "$RUNS/a.h5"
    one_sentence "file"
    run -1 --separate-stderr "$ANALYZE" flips -q -o file "$RUNS/a.h5"
    one_sentence "file"
    mkdir readonly
    chmod 555 readonly
    if [ "$(id -u)" -eq 0 ]; then
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
        chmod -R a+rX "$BATS_RUN_TMPDIR"
        run -1 --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups "$ANALYZE" flips -q -o readonly "$RUNS/a.h5"
    else
        run -1 --separate-stderr "$ANALYZE" flips -q -o readonly "$RUNS/a.h5"
    fi
    one_sentence "readonly/flips.tsv" "ermission"
    [ -z "$(ls -A readonly)" ]
}

@test "tables in several orders, options anywhere, paths on standard output" {
    run -0 --separate-stderr "$ANALYZE" settling flips flips -o out "$RUNS/a.h5" --figures=none "$RUNS/b.h5" -q
    [ "$output" = $'out/flips.tsv\nout/settling.tsv' ]
    [ -z "$stderr" ]
    [ "$(ls -A out)" = $'flips.tsv\nsettling.tsv' ]
}

@test "the default directory, and a name with a blank" {
    run -0 --separate-stderr "$ANALYZE" flips -q --figures none "$RUNS/two words.h5"
    [ "$output" = tables/flips.tsv ]
    grep -q $'^two words\tdense1' tables/flips.tsv
    grep -qF "# supermask-analyze flips -q --figures none '$RUNS/two words.h5'" tables/flips.tsv
}

@test "nothing is left of a table that failed" {
    mkdir -p out/settling.tsv # cannot be replaced by a file
    run -1 --separate-stderr "$ANALYZE" settling -q -o out --figures none "$RUNS/a.h5"
    one_sentence "out/settling.tsv"
    [ "$(ls -A out)" = settling.tsv ]
}

@test "runs of the same name" {
    run -0 --separate-stderr "$ANALYZE" summary -q -o out --figures none "$RUNS/a.h5" "$RUNS/again/a.h5" \
        "$RUNS/more/again/a.h5" "$RUNS/b.h5"
    run -0 bash -c "grep -v '^#' out/summary.tsv | cut -f1 | paste -sd' '"
    [ "$output" = "run runs/a runs/again/a more/again/a b" ]
}

@test "mixed architectures" {
    run -0 --separate-stderr "$ANALYZE" ratios layers summary groups overlap -q -o out --figures none --nulls 3 \
        "$RUNS/a.h5" "$RUNS/wide.h5" "$RUNS/branched.h5"
    [ "$(grep -vc '^#' out/summary.tsv)" -eq 4 ]
    [[ $stderr == note:*a*wide* ]]
}

@test "a run that is not complete is described and noted" {
    run -0 --separate-stderr "$ANALYZE" summary -q -o out --figures none "$RUNS/running.h5"
    [[ $stderr == note:*running*"not complete"*"epoch 3"* ]]
    grep -q $'^running\t' out/summary.tsv
}

@test "--at" {
    run -0 --separate-stderr "$ANALYZE" summary -q -o out --figures none --at 1.9 "$RUNS/a.h5"
    [ -z "$stderr" ]
    run -0 bash -c "grep -v '^#' out/summary.tsv | awk -F'\t' 'NR==1 {for (i=1;i<=NF;i++) if (\$i==\"epochs\") c=i} NR==2 {print \$c}'"
    [ "$output" = 1 ]
    run -0 --separate-stderr "$ANALYZE" summary -q -o out --figures none --at 50 "$RUNS/a.h5"
    [[ $stderr == note:*"--at 50"*"epoch 3"* ]]
}

@test "the same bytes for any number of threads" {
    for n in 1 2 5; do
        OMP_NUM_THREADS=$n "$ANALYZE" ratios flips settling layers weights summary groups -q -o out --figures none \
            "$RUNS/branched.h5" "$RUNS/a.h5" >/dev/null 2>&1
        cat out/*.tsv out/groups.tex out/summary.json | sha256sum >sum$n
    done
    cmp sum1 sum2
    cmp sum1 sum5
}

# Cells of a table without what the command line changes.
cells() { grep -v '^#' "$1"; }

@test "overlap and alignment: the same bytes for any number of threads" {
    for n in 1 2 5; do
        "$ANALYZE" overlap alignment -q -o out$n --figures none --nulls 20 --starts 4 --threads $n \
            "$RUNS/a.h5" "$RUNS/b.h5" "$RUNS/two words.h5" >/dev/null
        cells out$n/overlap.tsv >overlap$n
        cells out$n/alignment.tsv >alignment$n
    done
    [ "$(wc -l <overlap1)" -eq $((1 + 3 * 2 * 2 * 4 * 4)) ] # pairs, compares, alignments, nulls, layers and all
    [ "$(wc -l <alignment1)" -eq $((1 + 3 * 2)) ]
    cmp overlap1 overlap2 && cmp overlap1 overlap5
    cmp alignment1 alignment2 && cmp alignment1 alignment5
}

@test "another seed changes what is sampled, and nothing else" {
    for seed in 1 1 2; do
        "$ANALYZE" overlap -q -o out --figures none --nulls 20 --seed $seed "$RUNS/a.h5" "$RUNS/b.h5" >/dev/null
        [ ! -e sampled$seed ] || cmp sampled$seed <(cells out/overlap.tsv)
        cells out/overlap.tsv >sampled$seed
        cells out/overlap.tsv | cut -f 1-16 >seen$seed
        awk -F'\t' '$5 == "raw" && $6 == "independent"' sampled$seed | cut -f 1-20 >exact$seed
    done
    cmp seen1 seen2
    cmp exact1 exact2
    [ -s exact1 ]
    run -1 cmp sampled1 sampled2
}

@test "progress goes to standard error, at most ten lines where there is no terminal" {
    run -0 --separate-stderr "$ANALYZE" flips -o out --figures none "$RUNS/a.h5"
    [ "$output" = out/flips.tsv ]
    [[ $stderr == *run=a* ]]
    [ "$(grep -c run=a <<<"$stderr")" -le 10 ]
}

# The process is held up for longer than work stays silent: so it takes long on any machine.
@test "units that are removed one by one show themselves, and no time left is told that leaves them out" {
    "${ANALYZE%analyze}train" fcn-digits --quiet --set network=784-300-200-10 --epochs 1 -o long.h5
    OMP_NUM_THREADS=1 "$ANALYZE" flips neurons --ablation -o out --figures none long.h5 >/dev/null 2>log 3>&- &
    pid=$!
    while kill -0 $pid && ! grep -q "masks=2 of=3" log; do sleep 0.01; done
    # The units take seconds. Where a machine is too fast for that, it is put to sleep among them: the images come first.
    sleep 1
    if kill -STOP $pid; then
        sleep 2.2
        kill -CONT $pid
    fi
    wait $pid
    grep -Eq "Z images=[0-9]+ of=2000 run=long removed=each-unit elapsed=[0-9]+ left=[0-9]+$" log
    run -1 grep "masks=[12] of=3 .*left=" log
    grep -q "masks=3 of=3 run=long .*left=0" log
    run -0 --separate-stderr "$ANALYZE" flips -o out --figures none long.h5
    [[ "$stderr" == *"masks=1 of=2 run=long elapsed="*" left="* ]] # nothing else is to come
}

@test "networks that are scored one after the other show themselves" {
    "${ANALYZE%analyze}train" fcn-digits --quiet --set network=784-1000-800-10 --epochs 1 -o long.h5
    OMP_NUM_THREADS=1 "$ANALYZE" controls -o out --figures none long.h5 >/dev/null 2>log 3>&- &
    pid=$!
    sleep 1 # dozens of networks of 1.6 million weights take seconds, and here they take two more
    if kill -STOP $pid; then
        sleep 2.2
        kill -CONT $pid
    fi
    wait $pid
    grep -Eq "Z networks=[0-9]+ of=32 run=long table=controls elapsed=[0-9]+ left=[0-9]+$" log
    [ "$(grep -c networks= log)" -le 11 ]
}

@test "report makes every table and the page" {
    run -0 --separate-stderr "$ANALYZE" report -q -o out --figures none --nulls 3 "$RUNS/a.h5" "$RUNS/b.h5"
    for name in $("$ANALYZE" list | awk '$1 == "table" {print $2}'); do
        [ -s "out/$name.tsv" ]
        grep -qx "out/$name.tsv" <<<"$output"
    done
    [ -s out/index.html ] && [ -s out/summary.json ] && [ -s out/groups.tex ]
    [ -z "$(find out -name '.*.part')" ]
}

@test "figures of a table go where the tables are" {
    command -v gnuplot >/dev/null || skip "no gnuplot"
    run -0 --separate-stderr "$ANALYZE" settling -q -o out --figures svg,png "$RUNS/a.h5"
    [ -s out/figures/settling.svg ] && [ -s out/figures/settling.png ]
    grep -qx out/figures/settling.svg <<<"$output"
    [ ! -e out/index.html ]
}

@test "groups.tex compiles" {
    command -v pdflatex >/dev/null || skip "no pdflatex"
    "$ANALYZE" groups -q -o out --figures none "$RUNS/a.h5" "$RUNS/b.h5" >/dev/null
    printf '%s\n' '\documentclass{article}\usepackage{booktabs}\begin{document}' '\input{out/groups.tex}' '\end{document}' >t.tex
    run -0 pdflatex -halt-on-error t.tex
}

@test "ensemble of a run with itself: every weight in both, the accuracy that training measured" {
    "$(dirname "$ANALYZE")/supermask-train" fcn-digits --quiet --epochs 1 --set network=784-20-10 -o one.h5 >/dev/null
    cp one.h5 two.h5
    run -0 --separate-stderr "$ANALYZE" ensemble summary -q -o out --figures none one.h5 two.h5
    [ -z "$stderr" ]
    cell() { awk -F'\t' -v name="$2" '/^#/ {next} !n {for (i = 1; i <= NF; i++) if ($i == name) n = i; next} {print $n}' "out/$1.tsv"; }
    accuracy=$(cell summary test_accuracy | sort -u)
    [ -n "$accuracy" ] && [ "$accuracy" != nan ]
    [ "$(cell ensemble accuracy | grep -v nan | sort | uniq -c | xargs)" = "4 $accuracy" ] # union, intersection; raw, aligned
    [ "$(cell ensemble first_accuracy | grep -v nan | sort -u)" = "$accuracy" ]
    [ "$(awk '$5 == 1 {s += $6} END {print s}' FS='\t' out/ensemble.tsv)" = 0 ]
}

@test "matches, consistency and ensemble: the same bytes for any number of threads" {
    for n in 1 3; do
        "$ANALYZE" matches consistency ensemble -q --threads $n -o out$n --figures none "$RUNS"/*.h5 >/dev/null 2>&1
        grep -hv '^#' out$n/*.tsv >all$n
    done
    cmp all1 all3
}

@test "every cell agrees with numpy and scipy" {
    SM_BIN="$(dirname "$ANALYZE")" run -0 "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/oracle/run_oracle.py"
    [[ $output != *"not ok"* ]]
}
