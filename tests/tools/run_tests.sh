#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run_tests.sh short|long - every test, a line each; ends with "N passed, N failed, N skipped".
# Environment: SM_BIN, SM_TESTS (programs, test programs), PYTHON, SUPERMASK_DATA (tests of real data skip without it).
set -u
kind=$1
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export SM_BIN SM_TESTS PYTHON

skipped_line='^(not )?ok.*# skip'

# Counts TAP lines of one program; a program that fails without saying so counts as one failure.
count() {
    local name=$1 log=$2 status=$3 bad ok skip
    # cmocka writes "not ok 3 # SKIP", bats "ok 3 name # skip"; cmocka repeats a failed group as "# not ok".
    skip=$(grep -ciE "$skipped_line" "$log")
    ok=$(($(grep -c '^ok' "$log") - $(grep -ciE '^ok.*# skip' "$log")))
    bad=$(($(grep -c '^not ok' "$log") - $(grep -ciE '^not ok.*# skip' "$log")))
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    if [ "$status" = 0 ] && [ $((ok + bad + skip)) = 0 ]; then bad=1; echo "    ran no test" >>"$log"; fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-34s %4d passed %3d failed %3d skipped\n' "$name" "$ok" "$bad" "$skip"
    if [ "$bad" != 0 ]; then sed 's/^/    /' "$log"; fi
    if [ "$skip" != 0 ]; then grep -iE "$skipped_line" "$log" | sed 's/^/    /' | head -n 20; fi
}

run() {
    local name=$1 log=$work/log
    shift
    (cd "$here/.." && "$@") >"$log" 2>&1
    count "$name" "$log" $?
}

for test in "$SM_TESTS"/test_*; do
    case $test in *.o | *.d) continue ;; esac
    run "${test##*/}" env CMOCKA_MESSAGE_OUTPUT=TAP "$test"
done
for test in "$here"/*.bats; do run "${test##*/}" bats --tap "$test"; done
if [ "$kind" = long ]; then
    for test in "$here"/long/*.bats; do run "long/${test##*/}" bats --tap "$test"; done
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
