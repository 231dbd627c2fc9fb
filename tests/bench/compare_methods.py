#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""compare_methods.py BUILD - training steps of the methods on the fully connected network of MNIST beside PyTorch's:
images per second and ratios, medians over the rounds with their range, beside what they are meant to reach; and the
share of a step that goes to the drawing of its masks, also where there are four million weights. The two take turns, so
that a busy moment hits both.

Environment: BENCH_ROUNDS (3)."""
import math
import os
import pathlib
import statistics
import sys

from compare_conv import has_rival, rows_of

HERE = pathlib.Path(__file__).resolve().parent
TARGET = 2
METHODS = ("supermask", "edge-popup", "lottery-ticket", "lottery-ticket-late")


def ours(build, *measures):
    rows = rows_of([build / "bench/bench_methods", *measures], {"SUPERMASK_SHARE": str(build / "share/supermask")})
    return {name: [float(value) for value in values] for name, *values in rows}


def rival(method):
    pages = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)}  # malloc keeps its pages
    rows = rows_of(["/usr/bin/python3", HERE / "rival_torch_methods.py", method], pages)
    return float(rows[0][1]) if rows else math.nan


def spread(values):
    return f"{statistics.median(values):7.2f} ({min(values):.2f}-{max(values):.2f})"


def compare(build, method, compares):
    found = [(ours(build, method).get(method), rival(method) if compares else math.nan)
             for _ in range(int(os.environ.get("BENCH_ROUNDS", "3")))]
    found = [(mine, other) for mine, other in found if mine]
    if not found:
        print(f"{method:20} not measured", flush=True)
        return
    batch, _, _, remaining, _ = found[0][0]
    draws = statistics.median(mine[4] for mine, _ in found)
    print(f"{method:20} {batch:5.0f} {100 * remaining:8.1f} % {statistics.median(mine[1] for mine, _ in found):9.0f}"
          f" {statistics.median(other for _, other in found):9.0f} {spread([mine[1] / other for mine, other in found]):22}"
          f" {TARGET:6} {100 * draws:11.1f} %", flush=True)


def main(build):
    compares = has_rival()
    print("methods on 784-300-100-10, each with the better of one thread and all; images/s")
    if not compares:
        print("rival    PyTorch is not installed (Debian: python3-torch): no comparison")
    print(f"{'method':20} {'batch':>5} {'remaining':>10} {'supermask':>9} {'PyTorch':>9} {'ratio (range)':>22} {'target':>6}"
          f" {'masks drawn':>13}")
    for method in METHODS:
        compare(build, method, compares)
    for name, (batch, rate, threads, _, draws) in ours(build, "conv2-supermask").items():
        print(f"{name}: {rate:.0f} images/s, batch {batch:.0f}, {threads:.0f} threads; the drawing of 4.3 million masks"
              f" takes {100 * draws:.1f} % of a step", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
