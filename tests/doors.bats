#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The house rules that a grep can check: who may include what, and what the library keeps its hands off.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return 1
    bin=${SM_BIN:-build/bin}
}

# The sources below these directories that include this header (a pattern), a line each.
includers() { grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$1[>\"]" -r "${@:2}" --include='*.c' --include='*.h' | sort; }

house=(include lib datasets train analyze)

# The header is included at all (else the check checks nothing), and only there.
one_door() {
    local header=$1 door=$2 found
    found=$(includers "$header" "${house[@]}")
    [ "$found" = "$door" ] || { printf '%s is included in:\n%s\n' "$header" "$found"; return 1; }
}

# No code (comments aside) below these directories has the pattern, a Python one.
nowhere() {
    "${PYTHON:-/usr/bin/python3}" - "$@" <<'PY'
import pathlib, re, sys
pattern, found = re.compile(sys.argv[1]), 0
for path in sorted(p for d in sys.argv[2:] for p in pathlib.Path(d).rglob("*.[ch]")):
    code = re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m[0].count("\n"), path.read_text(), flags=re.S)
    for number, line in enumerate(code.splitlines(), 1):
        if pattern.search(line):
            found += 1
            print(f"{path}:{number}: {line.strip()}")
sys.exit(found > 0)
PY
}

@test "HDF5 has one door" {
    one_door 'hdf5\.h' lib/runfile_hdf5.h
    one_door 'hdf5_hl\.h' lib/runfile_hdf5.h
    # Who goes through it: the run file's own sources.
    run -0 includers 'runfile_hdf5\.h' "${house[@]}"
    run -1 grep -v '^lib/runfile_[a-z0-9]*\.c$' <<<"$output"
}

@test "Random123 has one door" {
    [ "$(includers 'Random123/.*' "${house[@]}")" = lib/rng.c ]
    nowhere '\b(s?rand|[dlm]rand48|srandom|random|getrandom|getentropy)\s*\(' "${house[@]}"
}

@test "libyaml has one door" { one_door 'yaml\.h' lib/yaml.c; }

@test "BLAS has one door" {
    one_door 'cblas\.h' lib/blas.c
    nowhere '(cblas|openblas)_' include datasets train analyze
    run -1 nowhere '(cblas|openblas)_' lib # the check sees what it looks for
}

@test "nettle and zlib stay with the data sets, GSL with the statistics" {
    [ -z "$(includers '(nettle/.*|zlib\.h)' include lib train analyze)" ]
    [ -n "$(includers '(nettle/.*|zlib\.h)' datasets)" ]
    [ -z "$(includers 'gsl/.*' include lib datasets train)" ]
    [ -n "$(includers 'gsl/.*' analyze)" ]
}

@test "gnuplot is started in analyze/figure.c, and no other program anywhere" {
    found=$(grep -lE '\b(posix_spawnp?|execv[pe]*|execl[pe]*|fork|vfork|popen|system)[[:space:]]*\(' -r "${house[@]}" --include='*.[ch]' | sort)
    [ "$found" = analyze/figure.c ] || { echo "$found"; false; }
    grep -q '"gnuplot"' analyze/figure.c
}

@test "train and analyze do not know each other, the library knows neither" {
    [ -z "$(includers '(\.\./)*analyze/.*' include lib datasets train)" ]
    [ -z "$(includers '(\.\./)*train/.*' include lib datasets analyze)" ]
    [ -n "$(includers 'train/.*' train)" ]
    [ -n "$(includers 'analyze/.*' analyze)" ]
}

@test "the library neither prints nor exits" {
    run -1 nowhere '\bexit\s*\(' train # the check sees what it looks for
    nowhere '\b(exit|_exit|_Exit|quick_exit|abort|printf|puts|putchar|perror)\s*\(|\bstdout\b' include lib datasets
    # Progress goes to standard error, in one place.
    found=$(grep -lwE 'stderr' -r lib datasets --include='*.c' | sort)
    [ "$found" = lib/progress.c ] || { echo "$found"; false; }
}

@test "every symbol of the library begins with sm_" {
    library=$bin/../libsupermask.a
    [ -e "$library" ]
    # The sanitizers' own symbols begin with an underscore, as the C standard reserves them; clang's locks for OpenMP with
    # a dot, which no name in C has.
    found=$(nm -g --defined-only "$library" | awk 'NF == 3 && $3 !~ /^(sm_|_|\.)/ { print $3 }')
    [ -z "$found" ] || { echo "$found"; false; }
    [ "$(nm -g --defined-only "$library" | grep -c ' T sm_')" -gt 50 ]
}

@test "the library holds nothing that changes" {
    # Tables of constants lie elsewhere (.rodata, .data.rel.ro). Sanitizers put data of their own here.
    if nm "$bin/../libsupermask.a" | grep -qE '__(asan|tsan|ubsan)_'; then return 0; fi
    run -0 objdump -h "$bin/../libsupermask.a"
    [[ "$output" == *"runfile_hdf5.o:"*"file format"*".text"* ]]
    found=$(awk '/file format/ { object = $1 } $2 ~ /^\.t?(data|bss)$/ && $3 !~ /^0+$/ { print object, $2, $3 }' <<<"$output")
    [ -z "$found" ] || { echo "$found"; false; }
}

@test "every header of the library has its source" {
    for header in include/supermask/*.h; do
        name=$(basename "$header" .h)
        [ -e "lib/$name.c" ] || [ -e "datasets/$name.c" ] || compgen -G "lib/${name}_*.c" >/dev/null ||
            { echo "$header is implemented nowhere"; false; }
    done
}

@test "every source names its licence" {
    found=$(grep -L 'SPDX-License-Identifier: GPL-3.0-or-later' -r "${house[@]}" tests plots \
        --include='*.[ch]' --include='*.sh' --include='*.py' --include='*.bats' --include='*.gp')
    [ -z "$found" ] || { echo "$found"; false; }
}
