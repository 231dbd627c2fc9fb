#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""trajectory.py RATIOS.tsv [RUN] - the densities of a real run's masks, layer by layer, for bench_conv --trajectory.

    supermask-analyze ratios --figures none -o out conv8-cifar10-seed1.h5
    tests/bench/trajectory.py out/ratios.tsv > tests/bench/trajectories/conv8-cifar10.tsv

Twelve of the run's records stay, the last among them, closer together at the beginning, where masks change most."""
import csv
import sys

MOMENTS = 12
COLUMNS = ("epoch", "layer", "keep", "invert")


def read(path):
    """The table's own command line, and its rows."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    command = [line for line in lines if line.startswith("# supermask-analyze")]
    return command, list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))


def chosen(records):
    """At most MOMENTS of the ascending records."""
    last = len(records) - 1
    return {records[round((k / (MOMENTS - 1)) ** 2 * last)] for k in range(MOMENTS)}


def main(path, run=None):
    command, rows = read(path)
    runs = sorted({row["run"] for row in rows})
    if run is None and len(runs) == 1:
        run = runs[0]
    if run not in runs:
        sys.exit(f"trajectory.py: {path}: which run? It has {' '.join(runs)}")
    rows = [row for row in rows if row["run"] == run and row["layer"] != "all"]
    records = chosen(sorted({int(row["record"]) for row in rows}))
    print(f"# Shares of kept and inverted weights in the masks of the run {run}, from its ratios.tsv by")
    print(*command, sep="\n")
    print(*COLUMNS, sep="\t")
    for row in rows:
        if int(row["record"]) in records:
            shares = [f"{float(row[column]):.6f}" for column in ("keep", "invert")]
            print(f"{float(row['epoch']):g}", row["layer"], *shares, sep="\t")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
