#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Training against a second implementation in numpy and float64, step by step, on MNIST (oracle/check_training.py).

bats_require_minimum_version 1.5.0

@test "every step of training agrees with numpy" {
    export SM_BIN=${SM_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
    status=0
    "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../oracle/check_training.py" >"$BATS_TEST_TMPDIR/log" || status=$?
    cat "$BATS_TEST_TMPDIR/log"
    [ "$status" -ne 77 ] || skip "no MNIST: set SUPERMASK_DATA"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^ok ' "$BATS_TEST_TMPDIR/log")" -ge 5 ]
}
