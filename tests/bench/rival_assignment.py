#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rival_assignment.py BENCH - our linear assignment against scipy.optimize.linear_sum_assignment on the same problems, in
turn; medians of five. The sums must be the same: both are exact."""
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import linear_sum_assignment

ROUNDS = 5


def solve(profit):
    start = time.perf_counter()
    rows, columns = linear_sum_assignment(profit, maximize=True)
    return 1e3 * (time.perf_counter() - start), int(profit[rows, columns].sum())


with tempfile.NamedTemporaryFile() as file:
    for kind, n in [("overlap", 100), ("overlap", 300), ("overlap", 512), ("uniform", 300)]:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            words = subprocess.run([sys.argv[1], str(n), kind, file.name], check=True, capture_output=True, text=True)
            milliseconds, total = words.stdout.split()
            ours.append(float(milliseconds))
            profit = np.fromfile(file.name, np.int32).reshape(n, n).astype(float)
            milliseconds, rival_total = solve(profit)
            theirs.append(milliseconds)
            assert int(total) == rival_total, f"{kind} {n}: {total} is not {rival_total}"
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"assign   {kind} {n:4d} x {n:<4d} {a:8.3f} ms   scipy {b:8.3f} ms   ratio {b / a:.1f}")
