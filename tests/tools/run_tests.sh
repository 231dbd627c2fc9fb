#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run_tests.sh programs|short|long|FILE.bats... - the test programs, every test (long: also tests/long), or these files;
# a line each. The last line
# is "N passed, N failed, N skipped", the status 1 where one failed.
# Environment: SM_BIN, SM_TESTS (programs, test programs), PYTHON, SUPERMASK_DATA (tests of real data skip without it).
set -u
unset CDPATH
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export SM_BIN SM_TESTS PYTHON

skipped_line='^(not )?ok.*# skip'

# Counts TAP lines of one program; a program that fails without saying so counts as one failure.
count() {
    local name=$1 log=$2 status=$3 seconds=$4 bad ok skip
    # cmocka writes "not ok 3 # SKIP", bats "ok 3 name # skip"; cmocka repeats a failed group as "# not ok".
    skip=$(grep -ciE "$skipped_line" "$log")
    ok=$(($(grep -c '^ok' "$log") - $(grep -ciE '^ok.*# skip' "$log")))
    bad=$(($(grep -c '^not ok' "$log") - $(grep -ciE '^not ok.*# skip' "$log")))
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    if [ "$status" = 0 ] && [ $((ok + bad + skip)) = 0 ]; then bad=1; echo "    ran no test" >>"$log"; fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-34s %4d passed %3d failed %3d skipped %4d s\n' "$name" "$ok" "$bad" "$skip" "$seconds"
    if [ "$bad" != 0 ]; then sed 's/^/    /' "$log"; fi
    if [ "$skip" != 0 ]; then grep -iE "$skipped_line" "$log" | sed 's/^/    /' | head -n 20; fi
}

run() {
    local name=$1 log=$work/log began=$SECONDS
    shift
    (cd "$here/.." && "$@") >"$log" 2>&1
    count "$name" "$log" $? $((SECONDS - began))
}

run_programs() {
    local test
    for test in "$here"/test_*.c; do # by source: an old build may hold programs whose source is gone
        test=${test##*/}
        run "${test%.c}" env CMOCKA_MESSAGE_OUTPUT=TAP "$SM_TESTS/${test%.c}"
    done
}

run_bats() {
    local test
    for test in "$@"; do run "${test#"$here"/}" bats --tap "$test"; done
}

case ${1-} in
programs) run_programs ;;
short) run_programs; run_bats "$here"/*.bats ;;
long) run_programs; run_bats "$here"/*.bats "$here"/long/*.bats ;;
*.bats) run_bats "$@" ;;
*)
    echo "usage: run_tests.sh programs|short|long|FILE.bats..." >&2
    exit 2
    ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
