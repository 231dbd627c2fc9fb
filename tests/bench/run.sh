#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh BUILD - every benchmark; a rival that is not installed is left out, and said so.
set -eu
here=$(dirname "$0")
SUPERMASK_SHARE=$1/share/supermask "$1/bench/bench_fcn"
"$1/bench/bench_conv_forward"
"$1/bench/bench_conv_gradient"
"$1/bench/bench_conv_bf16"
/usr/bin/python3 "$here/compare_conv.py" "$1"
/usr/bin/python3 "$here/compare_methods.py" "$1"
SUPERMASK_SHARE=$1/share/supermask "$1/bench/bench_compact"
if /usr/bin/python3 -c 'import scipy' 2>/dev/null; then
    /usr/bin/python3 "$here/rival_assignment.py" "$1/bench/bench_assignment"
else
    echo "rival    scipy is not installed (Debian: python3-scipy): no comparison of assignments"
fi
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 /usr/bin/python3 "$here/rival_torch.py" "$1/bin/supermask-train"
else
    echo "rival    PyTorch is not installed (Debian: python3-torch): no comparison"
fi
