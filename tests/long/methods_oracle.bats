#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# edge-popup and the learned Supermask for a few steps, each of which PyTorch predicts (oracle/torch_methods.py).

bats_require_minimum_version 1.5.0

@test "every step of edge-popup and Supermask agrees with PyTorch" {
    export SM_BIN=${SM_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
    unset SUPERMASK_DATA SUPERMASK_SHARE
    status=0
    "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../oracle/torch_methods.py" >"$BATS_TEST_TMPDIR/log" || status=$?
    cat "$BATS_TEST_TMPDIR/log"
    [ "$status" -ne 77 ] || skip "PyTorch is not installed (Debian: python3-torch)"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^ok ' "$BATS_TEST_TMPDIR/log")" -ge 7 ]
}
