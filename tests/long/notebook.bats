#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Every notebook runs from its first cell to its last.

bats_require_minimum_version 1.5.0

@test "every notebook runs" {
    [ -x /usr/bin/jupyter-nbconvert ] || skip "no jupyter-nbconvert"
    # Debian's kernel, whatever else a user has registered; nothing is written beside the notebooks.
    export JUPYTER_PATH=/usr/share/jupyter JUPYTER_RUNTIME_DIR=$BATS_TEST_TMPDIR/runtime JUPYTER_NO_CONFIG=1
    export JUPYTER_DATA_DIR=$BATS_TEST_TMPDIR/data IPYTHONDIR=$BATS_TEST_TMPDIR/ipython
    export MPLCONFIGDIR=$BATS_TEST_TMPDIR/matplotlib MPLBACKEND=module://matplotlib_inline.backend_inline
    SM_BIN=$(cd "${SM_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
    export SM_BIN
    n=0
    for notebook in "$BATS_TEST_DIRNAME"/../../notebooks/*.ipynb; do
        [ -e "$notebook" ]
        /usr/bin/python3 /usr/bin/jupyter-nbconvert --to notebook --execute --output-dir "$BATS_TEST_TMPDIR/out" \
            --ExecutePreprocessor.timeout=600 "$notebook"
        n=$((n + 1))
        # It did something: every code cell has a number, and there is a picture.
        "${PYTHON:-/usr/bin/python3}" - "$BATS_TEST_TMPDIR/out/${notebook##*/}" <<'PY'
import json, sys
cells = [c for c in json.load(open(sys.argv[1]))["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
assert cells and all(c["execution_count"] for c in cells)
assert any("image/png" in o.get("data", {}) for c in cells for o in c["outputs"]), "no picture"
PY
    done
    [ "$n" -gt 0 ]
}
