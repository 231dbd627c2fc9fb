#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line of supermask-train, as a user types it.

bats_require_minimum_version 1.5.0

setup() {
    train="${SM_BIN:-$BATS_TEST_DIRNAME/../build/bin}/supermask-train"
    mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return 1 # bats keeps files of its own above
    unset SUPERMASK_DATA SUPERMASK_SHARE
}

# A failure is one sentence on standard error that begins with the program's name, and nothing on standard output.
fails_with() {
    local status_wanted=$1 sentence=$2
    shift 2
    run "-$status_wanted" --separate-stderr "$@"
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ "$stderr" == "supermask-train: "*"$sentence"* ]] || { echo "stderr: $stderr"; false; }
}

small=(fcn-digits --quiet --epochs 1 --set network=784-10)

@test "no recipe" { fails_with 2 "no recipe given: --list shows" "$train"; }

@test "a misspelled recipe gets the nearest name" {
    fails_with 2 "no recipe is called 'fcn-mnits' (nearest: fcn-mnist): --list" "$train" fcn-mnits
}

@test "a recipe like nothing that is shipped" { fails_with 2 "no recipe is called 'resnet'" "$train" resnet; }

@test "a misspelled option gets the nearest one" {
    fails_with 2 "unknown option '--epoche' (nearest: --epochs)" "$train" fcn-digits --epoche 3
    fails_with 2 "unknown option '--treads' (nearest: --threads)" "$train" fcn-digits --treads=3
    fails_with 2 "unknown option '--dry_run' (nearest: --dry-run)" "$train" --dry_run fcn-digits
}

@test "a value that looks like an option is not one" {
    run -0 --separate-stderr "$train" fcn-digits --dry-run -o --epoche
    [[ "$output" == *"# output           --epoche"* ]]
    run -0 --separate-stderr "$train" fcn-digits --dry-run --data --epoche
}

@test "an option without its value" {
    run -2 --separate-stderr "$train" fcn-digits --epochs
    [[ "$stderr" == *"option '--epochs' requires an argument"* ]]
}

@test "two recipes" { fails_with 2 "one recipe a run: 'b' is one too many" "$train" fcn-digits b; }

@test "a misspelled key" {
    fails_with 2 "--set: unknown key 'learning_rat' (nearest: learning_rate)" "$train" fcn-digits --set learning_rat=1
    fails_with 2 "--set: unknown key 'lr' (nearest: learning_rate)" "$train" fcn-digits --set lr=1
}

@test "wrong values" {
    fails_with 2 "--epochs: '1O' is not a whole number" "$train" fcn-digits --epochs 1O
    fails_with 2 "--epochs: 0 is outside 1 .. 1000000" "$train" fcn-digits --epochs 0
    fails_with 2 "--seed: '-1' is not a whole number from 0 to" "$train" fcn-digits --seed -1
    fails_with 2 "--weight-seed: 'x' is not a whole number from 0 to" "$train" fcn-digits --weight-seed x
    fails_with 2 "--record: 'often' is neither" "$train" fcn-digits --record often
    fails_with 2 "--threads: 'two' is not a whole number" "$train" fcn-digits --threads two
    fails_with 2 "--set: 'epochs' is not KEY=VALUE" "$train" fcn-digits --set epochs
    fails_with 2 "--set: schedule: 'plateu' is not" "$train" fcn-digits --set schedule=plateu
    fails_with 2 "--set: momentum: 2 is outside" "$train" fcn-digits --set momentum=2
}

@test "a text file as a recipe" {
    echo "Dear reader," > notes.yaml
    fails_with 1 "notes.yaml:1: expected lines of the form \`key: value\`" "$train" notes.yaml
    fails_with 2 "no recipe is called 'notes.txt'" "$train" notes.txt
    fails_with 1 "./absent.txt: No such file or directory" "$train" ./absent.txt
    fails_with 1 "/: Is a directory" "$train" ./
}

@test "a recipe file: unknown key, wrong type, what it lacks" {
    printf 'network: fcn\n\nlearning_rat: 1\n' > a.yaml
    fails_with 1 "a.yaml:3: unknown key 'learning_rat' (nearest: learning_rate)" "$train" a.yaml
    printf 'network: fcn\nepochs: many\n' > b.yaml
    fails_with 1 "b.yaml:2: epochs: 'many' is not a whole number" "$train" b.yaml
    printf 'network: fcn\n' > c.yaml
    fails_with 1 "c.yaml: the recipe does not say its dataset" "$train" c.yaml
    printf 'a: 1\na: 2\n' > d.yaml
    fails_with 1 "d.yaml:2: the key 'a' stands here for the second time" "$train" d.yaml
    : > e.yaml
    fails_with 1 "e.yaml: the file is empty" "$train" e.yaml
}

@test "names within a recipe" {
    fails_with 1 "method: there is no method 'densse' (nearest: dense)" "$train" fcn-digits --set method=densse
    fails_with 1 "mnst" "$train" fcn-digits --set dataset=mnst
    fails_with 1 "network: 'fnc' is not shipped (nearest: fcn)" "$train" fcn-digits --set network=fnc
    fails_with 1 "its last layer dense2 has 11 units, the data set digits has 10 classes" \
        "$train" fcn-digits --set network=784-20-11
    fails_with 1 "its input is 1x1x783, the data set's images are 1x28x28" "$train" fcn-digits --set network=783-10
    fails_with 1 "hides every weight" "$train" fcn-digits --set threshold_kind=relative --set threshold=1
}

@test "--list names recipes, networks, methods, data sets" {
    run -0 --separate-stderr "$train" --list
    [ -z "$stderr" ]
    for word in Recipes fcn-mnist fcn-mnist-dense fcn-digits Networks fcn "266200 weights" Methods signed-supermask \
        dense "Data sets" digits mnist cifar-10 cifar-100; do
        [[ "$output" == *"$word"* ]] || { echo "no $word"; false; }
    done
}

@test "every shipped recipe has a dry run" {
    for recipe in $("$train" --list | sed -n '/^Recipes/,/^Networks/s/^  \([^ ]*\).*/\1/p'); do
        run -0 --separate-stderr "$train" "$recipe" --dry-run
        [[ "$output" == *"name: \"$recipe\""* ]]
    done
}

@test "--dry-run shows the whole recipe, the layers and the run, and writes nothing" {
    run -0 --separate-stderr "$train" fcn-digits --seed 7 --epochs 3 --set learning_rate=0.1 --threads 1 --dry-run \
        -o runs/
    [ -z "$stderr" ]
    for line in "epochs: 3" "learning_rate: 0.1" "weight_seed: 7" "score_seed: 7" "data_seed: 7" "threads: 1" \
        "weight_gain: 3" "# dense1  dense  input   -       300x1x1  [300, 784]      235200  elu         0.01       +-0.0874818" \
        "# dense3  dense  dense2  -       10x1x1   [10, 100]         1000  linear " "# output           runs/fcn-digits-seed7.h5" \
        "# parameters       266200" "# steps            237 (79 an epoch)" "# records          4" "# kernels" "# blas"; do
        [[ "$output" == *"$line"* ]] || { echo "no $line"; false; }
    done
    [ -z "$(ls)" ]
}

@test "--dry-run lists pools and sums with their shapes" {
    run -0 --separate-stderr "$train" fcn-digits --set dataset=cifar-10 --set network=resnet20 --set width=1.5 \
        --set method=dense --set batch_norm=true --dry-run
    for row in 'conv1 +conv2d +input +3x3/1 same +24x32x32 +\[24, 3, 3, 3\] +648 +batch norm, elu ' \
        'pool1 +max-pool +conv1 +3x3/1 same +24x32x32 +- +- +- ' \
        'conv11 +conv2d +add3 +1x1/2 same +48x16x16 +\[48, 24, 1, 1\] +1152 +batch norm, linear ' \
        'add4 +add +conv10 \+ conv11 +- +48x16x16 +- +- +elu ' \
        'pool2 +global-average-pool +add9 +- +96x1x1 +- +- +- ' 'dense23 +dense +pool2 +- +10x1x1 +\[10, 96\] +960 +linear '; do
        grep -Eq "^# $row" <<<"$output" || { echo "no $row"; false; }
    done
    [[ "$output" == *"# parameters       558600"* ]]
}

# The cells of a dry run's columns threshold and initial scores, of its first layer.
threshold_and_scores() {
    "$train" "$@" --dry-run | awk -F '  +' '/^# layer/ {for (k = 1; k <= NF; k++) at[$k] = k}
        /^# [a-z]*1 / {print $at["threshold"] " | " $at["initial scores"]; exit}'
}

@test "--dry-run shows thresholds and scores of methods that have them" {
    [ "$(threshold_and_scores fcn-mnist --set threshold=0.2)" = "0.2 | uniform +-0.074398" ]
    [ "$(threshold_and_scores fcn-mnist-edge-popup)" = "- | uniform +-0.0357143" ]
    [ "$(threshold_and_scores fcn-mnist-supermask)" = "- | 0" ]
    for recipe in fcn-mnist-dense fcn-mnist-lottery-ticket fcn-mnist-heuristic; do
        [ "$(threshold_and_scores $recipe)" = "- | -" ]
    done
}

@test "thresholds and scores are set of methods that have them" {
    fails_with 1 "fcn-mnist-supermask: threshold: the method supermask has no threshold" \
        "$train" fcn-mnist-supermask --set threshold=.3
    fails_with 1 "threshold_kind: the method edge-popup has no threshold" \
        "$train" fcn-mnist-edge-popup --set threshold_kind=relative
    fails_with 1 "score_gain: the method supermask begins with scores of 0" \
        "$train" fcn-mnist-supermask --set score_gain=2
    fails_with 1 "score_scale: the method lottery-ticket has no scores" \
        "$train" fcn-mnist-lottery-ticket --set score_scale=he
    fails_with 1 "threshold: the method dense has no threshold" "$train" fcn-mnist --set method=dense --set threshold=.3
    run -0 "$train" fcn-mnist-supermask --set threshold=0.01 --dry-run # what it is anyway
    [ "$(threshold_and_scores conv2-cifar10 --set method=supermask)" = "- | 0" ] # the file's own go unheeded
    [ "$(threshold_and_scores conv2-cifar10 --set method=edge-popup | cut -c1-11)" = "- | uniform" ]
}

@test "networks that do not fit what is asked for" {
    fails_with 1 "fcn-digits: batch_norm: the method signed-supermask masks the network, and masked networks have none" \
        "$train" fcn-digits --set batch_norm=true
    fails_with 2 "--set: width: 0 is outside" "$train" fcn-digits --set width=0
    fails_with 1 "networks/fcn.yaml:6: layer dense1: 300 units times the width 1.001 are 300.3, no whole number" \
        "$train" fcn-digits --set width=1.001
    fails_with 1 "its input is 3x32x32, the data set's images are 1x28x28" "$train" fcn-digits --set network=conv2
    for arguments in --dry-run --quiet; do
        fails_with 1 "network 784-268435456-10: training its 213137752064 weights takes " \
            "$train" fcn-digits --set network=784-268435456-10 "$arguments"
        [[ "$stderr" == *" GB, and this machine has "*" GB of memory" ]]
    done
    mkdir sub
    printf 'name: mine\ndataset: digits\nnetwork: ./net.yaml\n' >sub/mine.yaml
    printf 'name: n\ninput: [1, 28, 28]\nlayers:\n  - {kind: conv2d, filters: 2, kernel: 29, padding: valid}\n' >sub/net.yaml
    fails_with 1 "sub/net.yaml:4: layer conv1: the kernel 29x29 is larger than the 28x28 that it reads" \
        "$train" sub/mine.yaml
    printf 'name: n\ninput: [1, 28, 28]\nlayers:\n  - {kind: conv2d, filters: 2, kernel: 3, batch_norm: true}\n' >net.yaml
    printf '  - {kind: dense, units: 10}\n' >>net.yaml
    fails_with 1 "network n: layer conv1 has batch norm, and networks masked by signed-supermask have none" \
        "$train" fcn-digits --set network=./net.yaml
    printf 'name: n\ninput: [1, 28, 28]\nlayers:\n  - {kind: conv2d, filters: 1000000, kernel: 3}\n' >net.yaml
    printf '  - {kind: dense, units: 1000000}\n  - {kind: dense, units: 10}\n' >>net.yaml
    fails_with 1 "network n: layer conv1: kernel height x filters x width is too large" \
        "$train" fcn-digits --set network=./net.yaml --dry-run
    printf 'name: n\ninput: [1, 28, 28]\nlayers:\n  - {kind: conv2d, filters: 120000, kernel: 1}\n' >net.yaml
    printf '  - {kind: conv2d, filters: 2, kernel: 9}\n  - {kind: dense, units: 10}\n' >>net.yaml
    fails_with 1 "network n: layer conv2: kernel height x channels it reads x width is too large" \
        "$train" fcn-digits --set network=./net.yaml --dry-run
}

@test "a part of a data set is trained on with a note, one file cut short is not" {
    mkdir cifar-10-batches-bin
    for n in 1 2 3 4 5; do truncate -s $((2 * 3073)) cifar-10-batches-bin/data_batch_$n.bin; done
    truncate -s $((4 * 3073)) cifar-10-batches-bin/test_batch.bin
    part=(fcn-digits --set dataset=cifar-10 --set network=3072-10 --set batch=5 --epochs 1 --quiet --data .)
    run -0 --separate-stderr "$train" "${part[@]}" -o part.h5
    [ "$stderr" = "supermask-train: note: cifar-10 has 10 training and 4 test images here, as published 50000 and 10000" ]
    truncate -s 30730000 cifar-10-batches-bin/*
    truncate -s 3073000 cifar-10-batches-bin/test_batch.bin
    fails_with 1 "./cifar-10-batches-bin/test_batch.bin: 1000 images, expected 10000: data_batch_1.bin beside it is whole" \
        "$train" "${part[@]}" -o cut.h5
    [ ! -e cut.h5 ]
}

@test "passes make an epoch longer" {
    run -0 --separate-stderr "$train" fcn-digits --epochs 3 --set passes=7 --set augment=crop-flip --dry-run
    [[ "$output" == *"passes: 7"* ]]
    [[ "$output" == *"# steps            1659 (553 an epoch)"* ]] || { echo "$output"; false; }
    fails_with 2 "--set: passes: 0 is outside 1 .. 1000" "$train" fcn-digits --set passes=0
    fails_with 2 "--set: augment: 'crop_flip' is not" "$train" fcn-digits --set augment=crop_flip
    fails_with 2 "--set: standardize: 'chanel' is not" "$train" fcn-digits --set standardize=chanel
}

@test "the output of --dry-run is a recipe with the same dry run" {
    "$train" fcn-digits --seed 7 --set weight_scale=he --dry-run > a.yaml
    "$train" a.yaml --dry-run > b.yaml
    diff a.yaml b.yaml
}

@test "the later of two values wins, a seed of its own beats --seed" {
    run -0 --separate-stderr "$train" fcn-digits --epochs 3 --set epochs=4 --score-seed 5 --seed 2 --dry-run
    [[ "$output" == *$'\nepochs: 4\n'* ]]
    [[ "$output" == *"weight_seed: 2"*"score_seed: 5"*"data_seed: 2"* ]]
    [[ "$output" == *"# output           fcn-digits-w2-s5-d2.h5"* ]]
}

@test "where the run goes" {
    mkdir there
    run -0 --separate-stderr "$train" fcn-digits --dry-run -o there
    [[ "$output" == *"# output           there/fcn-digits-seed1.h5"* ]]
    run -0 --separate-stderr "$train" fcn-digits --dry-run -o mine.h5
    [[ "$output" == *"# output           mine.h5"* ]]
}

@test "--keys, --help, --version" {
    run -0 --separate-stderr "$train" --keys
    [[ "$output" == *"learning_rate"*"weight_gain"*"published_source"* ]]
    run -0 --separate-stderr "$train" --help
    [[ "$output" == *"--weight-seed=N"*"--dry-run"*"Exit status"* ]]
    run -0 --separate-stderr "$train" --version
    [[ "$output" =~ ^"supermask-train "[0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "a full or closed standard output is an error" {
    for arguments in --list --help --version "fcn-digits --dry-run"; do
        # shellcheck disable=SC2086
        run -1 bash -c "'$train' $arguments > /dev/full"
        [[ "$output" == *"standard output: No space left on device"* ]]
        run -1 bash -c "'$train' $arguments >&-"
        [[ "$output" == *"standard output is closed"* ]]
    done
}

@test "no data: where it was looked for" {
    fails_with 1 "nowhere" "$train" fcn-mnist --quiet --data nowhere
    [ -z "$(ls)" ]
}

@test "an output that cannot be written is found before the data is loaded" {
    : > file
    fails_with 1 "file/x.h5: the run file cannot be written: Not a directory" "$train" fcn-mnist --data nowhere -o file/x.h5
    fails_with 1 "absent/x.h5: the run file cannot be written: No such file" "$train" fcn-mnist --data nowhere -o absent/x.h5
    fails_with 1 "/proc/" "$train" fcn-mnist --data nowhere -o /proc/
    fails_with 1 "/dev/null: is not a regular file" "$train" fcn-mnist --data nowhere -o /dev/null
    : > taken.h5
    fails_with 1 "taken.h5: exists already: --resume continues it" "$train" fcn-mnist --data nowhere -o taken.h5
    [ "$(ls)" = $'file\ntaken.h5' ]
}

@test "a run prints one line and leaves one file" {
    run -0 --separate-stderr "$train" "${small[@]}" -o "new dir/deep/"
    [ -z "$stderr" ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" =~ ^"path='new dir/deep/fcn-digits-seed1.h5' test_accuracy="0\.[0-9]+" remaining="0\.[0-9]+" epochs=1 seconds="[0-9.]+$ ]]
    [ "$(ls "new dir/deep")" = fcn-digits-seed1.h5 ]
    fails_with 1 "exists already" "$train" "${small[@]}" -o "new dir/deep/"
}

@test "progress is plain lines where there is no terminal" {
    run -0 --separate-stderr "$train" fcn-digits --epochs 2 --set network=784-10
    [[ "$stderr" == *"epoch=1 of=2 "*"epoch=2 of=2 "*"test_accuracy="* ]]
    [[ "$stderr" != *$'\033'* ]]
}

@test "a full standard output after a run is an error, the file stays" {
    run -1 bash -c "'$train' ${small[*]} -o a.h5 > /dev/full"
    [ -s a.h5 ]
}

@test "stopped by a signal: status, one line how to resume, and that line works" {
    "$train" fcn-digits --epochs 60 --set network=784-10 -o "a run.h5" 2> log > out &
    pid=$!
    for _ in $(seq 300); do
        grep -q "epoch=2 " log && break
        sleep 0.1
    done
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 143 ]
    [ ! -s out ]
    [ "$(grep -c '^supermask-train: ' log)" -eq 1 ]
    line="$train fcn-digits --epochs 60 --set network=784-10 -o 'a run.h5' --resume"
    [ "$(tail -n 1 log)" = "supermask-train: stopped; continue with: $line" ]
    [ -s "a run.h5" ]
    run -0 --separate-stderr bash -c "$line"
    [[ "$output" == "path='a run.h5' test_accuracy="*" epochs=60 seconds="* ]]
    finished=$output
    run -0 --separate-stderr bash -c "$line" # a whole run: nothing left to do
    [ "$output" = "$finished" ]
}
