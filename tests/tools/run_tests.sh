#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run_tests.sh programs|short|long|FILE.bats... - the test programs, every test (long: also tests/long), or these files,
# as many at once as there are CPUs; a line each as they end. The last line is "N passed, N failed, N skipped", the
# status 1 where one failed.
# Environment: SM_BIN, SM_TESTS (programs, test programs), PYTHON, SUPERMASK_DATA (tests of real data skip without it),
# SM_JOBS (how many at once).
set -u
unset CDPATH
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
jobs=${SM_JOBS:-$(nproc)}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export SM_BIN SM_TESTS PYTHON

skipped_line='^(not )?ok.*# skip'

# Counts TAP lines of one program into LOG.count; a program that fails without saying so counts as one failure.
count() {
    local name=$1 log=$2 status=$3 seconds=$4 bad ok skip
    # cmocka writes "not ok 3 # SKIP", bats "ok 3 name # skip"; cmocka repeats a failed group as "# not ok".
    skip=$(grep -ciE "$skipped_line" "$log")
    ok=$(($(grep -c '^ok' "$log") - $(grep -ciE '^ok.*# skip' "$log")))
    bad=$(($(grep -c '^not ok' "$log") - $(grep -ciE '^not ok.*# skip' "$log")))
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    if [ "$status" = 0 ] && [ $((ok + bad + skip)) = 0 ]; then bad=1; echo "    ran no test" >>"$log"; fi
    echo "$ok $bad $skip" >"$log.count"
    printf '%-34s %4d passed %3d failed %3d skipped %4d s\n' "$name" "$ok" "$bad" "$skip" "$seconds"
    if [ "$bad" != 0 ]; then sed 's/^/    /' "$log"; fi
    if [ "$skip" != 0 ]; then grep -iE "$skipped_line" "$log" | sed 's/^/    /' | head -n 20; fi
}

# Its lines come out together.
run_one() {
    local name=$1 log=$2 began=$SECONDS status
    shift 2
    (cd "$here/.." && "$@") >"$log" 2>&1 </dev/null
    status=$?
    count "$name" "$log" $status $((SECONDS - began)) >"$log.lines"
    flock "$work" cat "$log.lines"
}

n_started=0
run() {
    local name=$1
    shift
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    run_one "$name" "$work/$n_started" "$@" &
    n_started=$((n_started + 1))
}

run_programs() {
    local test
    for test in "$here"/test_*.c; do # by source: an old build may hold programs whose source is gone
        test=${test##*/}
        run "${test%.c}" env CMOCKA_MESSAGE_OUTPUT=TAP "$SM_TESTS/${test%.c}"
    done
}

# Every CPU has a file already, so what a test starts has one thread unless the test says how many: two threads that
# wait for each other on CPUs that others hold cost several times as much.
run_bats() {
    local test
    for test in "$@"; do run "${test#"$here"/}" env OMP_NUM_THREADS=1 bats --tap "$test"; done
}

# The longest text takes about the longest time: begun last it would run alone.
mapfile -t short < <(find "$here" -maxdepth 1 -name '*.bats' -printf '%s %p\n' | sort -rn | cut -d ' ' -f 2-)

case ${1-} in
programs) run_programs ;;
short) run_bats "${short[@]}"; run_programs ;;
long) run_bats "$here"/long/*.bats "${short[@]}"; run_programs ;;
*.bats) run_bats "$@" ;;
*)
    echo "usage: run_tests.sh programs|short|long|FILE.bats..." >&2
    exit 2
    ;;
esac

wait

# A run that left no count has not run.
passed=0 failed=0 skipped=0
for ((k = 0; k < n_started; k++)); do
    read -r ok bad skip <"$work/$k.count" || ok=0 bad=1 skip=0
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
