#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 after the trainer has written checkpoints of its own (every 15 s), and again after each resume.

bats_require_minimum_version 1.5.0

# Several times 15 s even alone on a fast machine (800 epochs took 13 s on two quiet cores).
words=(fcn-digits --resume --quiet --epochs 3000 --set network=784-20-10 --record 500 -o run.h5)

setup() {
    bin=${SM_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
    cd "$BATS_TEST_TMPDIR" && mkdir killed reference
}

@test "killed after its checkpoints, a run ends in the same file" {
    cd killed
    "$bin/supermask-train" "${words[@]}" 3>&- &
    trainer=$!
    for _ in $(seq 1200); do
        if [ -e run.h5.checkpoint ]; then break; fi
        kill -0 "$trainer"
        sleep 0.1
    done
    [ -e run.h5.checkpoint ]
    pause=$((RANDOM % 3)).$((RANDOM % 10))
    echo "kill -9 $pause s after the checkpoint"
    sleep "$pause"
    kill -9 "$trainer"
    status=0
    wait "$trainer" || status=$?
    [ "$status" -eq 137 ]
    for pause in 0.3 1.7 0.9; do # from that checkpoint, behind what the file already holds
        "$bin/supermask-train" "${words[@]}" 3>&- &
        trainer=$!
        sleep "$pause"
        kill -9 "$trainer"
        wait "$trainer" || true
    done
    "$bin/supermask-train" "${words[@]}"
    cd ../reference
    "$bin/supermask-train" "${words[@]}"
    "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../oracle/check_layout.py" --same ../killed/run.h5 run.h5
}
