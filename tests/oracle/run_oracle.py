#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares every cell of supermask-analyze's tables with an independent recomputation from the run files.

    run_oracle.py [TABLE...]        # default: every table that has an oracle; program from SM_BIN; status 1 on a difference

A module tables*.py in this directory brings the oracles:

    from run_oracle import Close, SKIP
    def ratios(case): yield {"run": ..., "layer": ..., ...}      # every expected row in order, cells by column name
    TABLES = {"ratios": ratios}
    CASES = [function(directory) -> Case]                        # optional: more run files, see `cases` below
    ONLY_OWN_CASES = ["passport"]                                # optional: tables for those cases alone that name them

and may bring CHECKS = {"groups": check(case, out)}, which looks at the other files of a table and raises AssertionError.
Cells: text and int must be equal, a float agrees to RELATIVE (nan equals nan), Close(value, rel, absolute) says its own
tolerance, SKIP is not looked at. A column that the row lacks, or that the row has and the table has not, is a difference."""

import glob
import importlib
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

# Matrices here are small: a second thread would only wait. The programs that are run below choose for themselves.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: E402

del os.environ["OPENBLAS_NUM_THREADS"]

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.modules["run_oracle"] = sys.modules[__name__]  # so that `from run_oracle import Case` is this very module
import runfile  # noqa: E402

RELATIVE = 1e-12  # sums in another order and another log: a few units in the last place
ABSOLUTE = 1e-15
SKIP = object()
ANALYZE = pathlib.Path(os.environ.get("SM_BIN", HERE.parent.parent / "build/bin")) / "supermask-analyze"


@dataclass
class Close:
    value: float
    rel: float = RELATIVE
    absolute: float = ABSOLUTE


@dataclass
class Case:
    """Some run files and the options to analyze them with. runs, names and moments follow from the paths; what oracles
    computed of a run and ask for again (tables_units.py) stands in graphs and drops."""

    name: str
    paths: list
    args: list = field(default_factory=list)
    at: float = None  # becomes --at
    tables: list = None  # default: all

    def __post_init__(self):
        self.runs = [runfile.read(path) for path in self.paths]
        self.names = [pathlib.Path(path).stem for path in self.paths]
        self.moments = [self.moment(run) for run in self.runs]
        self.graphs, self.drops = {}, {}

    def moment(self, run):
        """Index of the record that --at picks."""
        return len(run.epoch) - 1 if self.at is None else int(np.flatnonzero(run.epoch <= self.at)[-1])

    def mask(self, i, layer):
        """Mask of run i at the moment."""
        return self.runs[i].layers[layer].mask[self.moments[i]]

    def weights(self, i, layer):
        """The weights that act at the moment: initial ones; those in place or the trained ones where they are stored."""
        run, stored = self.runs[i], self.runs[i].layers[layer]
        last = self.moments[i] + 1 == len(run.epoch)
        if last and stored.mask_weights is not None:
            return stored.mask_weights
        trained = last and run.attrs["trained"] == "weights"
        return stored.final_weights if trained and stored.final_weights is not None else stored.initial_weights

    def command(self, table, out):
        at = [] if self.at is None else ["--at", repr(self.at)]
        return [str(ANALYZE), table, "--quiet", "--figures", "none", "-o", str(out), *at, *self.args, *map(str, self.paths)]


def cell_agrees(want, text):
    if want is SKIP:
        return True
    if isinstance(want, (str, np.str_)):
        return want == text
    if isinstance(want, (int, np.integer)):
        return text == str(int(want))
    close = want if isinstance(want, Close) else Close(float(want))
    if math.isnan(close.value) or text == "nan":
        return math.isnan(close.value) and text == "nan"
    return math.isclose(close.value, float(text), rel_tol=close.rel, abs_tol=close.absolute)


def read_table(path):
    """Header and rows of a table, all as text."""
    lines = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8") if not line.startswith("#")]
    return lines[0], lines[1:]


def differences(path, expected):
    header, rows = read_table(path)
    expected = list(expected)
    if len(rows) != len(expected):
        yield f"{len(rows)} rows instead of {len(expected)}"
    for number, (row, want) in enumerate(zip(rows, expected), 1):
        if list(want) != header and set(want) != set(header):
            yield f"row {number}: columns {sorted(set(want) ^ set(header))} on one side only"
            return
        if len(row) != len(header):
            yield f"row {number}: {len(row)} cells"
            continue
        for name, text in zip(header, row):
            if not cell_agrees(want[name], text):
                yield f"row {number} {row[:3]}: {name} is {text}, expected {want[name]!r}"


# ---- cases that every table is tried on ----

def _ternary(rng, *shape, p=(0.3, 0.4, 0.3)):
    return rng.choice([-1, 0, 1], size=shape, p=p).astype(np.int8)


def _dense_run(path, seed, widths=(6, 5, 4, 3), n_records=4, weights="constant", p=(0.3, 0.4, 0.3), **keywords):
    rng = np.random.default_rng(seed)
    layers = []
    for l, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        w = rng.normal(size=(n_out, n_in)) if weights == "normal" else rng.choice([-0.5, 0.5], size=(n_out, n_in))
        layers.append(runfile.Layer(f"dense{l + 1}", _ternary(rng, n_records, n_out, n_in, p=p),
                                    inputs=[f"dense{l}" if l else "input"], initial_weights=w.astype(np.float32),
                                    activation="elu" if l + 2 < len(widths) else "linear"))
    runfile.write(path, layers, input_shape=(1, 1, widths[0]), weight_seed=seed, score_seed=seed + 100, **keywords)
    return path


def seeds(directory):
    return Case("three seeds", [_dense_run(directory / f"seed{s}.h5", s) for s in (1, 2, 3)])


def at_epoch(directory):
    return Case("--at", [_dense_run(directory / f"at{s}.h5", s, weights="normal", n_records=6) for s in (4, 5)], at=2.0)


def branches(directory):
    paths = []
    for seed in (0, 1):
        paths.append(directory / f"branch{seed}.h5")
        runfile.example(paths[-1], seed=seed)
    return Case("summed branch and convolutions", paths)


def extremes(directory):
    paths = []
    for name, p in [("keep", (0, 0, 1)), ("hide", (0, 1, 0)), ("invert", (1, 0, 0))]:
        paths.append(_dense_run(directory / f"all_{name}.h5", 7, n_records=2, p=p))
    return Case("all keep, all hide, all invert", paths)


def smallest(directory):
    return Case("one weight, one record", [_dense_run(directory / "one.h5", 9, widths=(1, 1), n_records=1)])


def mixed(directory):
    paths = [_dense_run(directory / "wide.h5", 11, widths=(6, 8, 3)), _dense_run(directory / "deep.h5", 12),
             _dense_run(directory / "other.h5", 13)]
    runfile.example(directory / "branched.h5", seed=14)
    return Case("mixed architectures", [*paths, directory / "branched.h5"])


def running(directory):
    return Case("a run that is not complete", [_dense_run(directory / "running.h5", 15, status="running")])


def _baseline(path, seed):
    """Weights that training moved, some of them through 0."""
    rng, widths = np.random.default_rng(seed), (5, 4, 3)
    layers = [runfile.Layer(f"dense{l + 1}", np.ones((3, n_out, n_in), np.int8), inputs=[f"dense{l}" if l else "input"],
                            initial_weights=rng.normal(size=(n_out, n_in)).astype(np.float32),
                            final_weights=rng.normal(size=(n_out, n_in)).astype(np.float32),
                            activation="linear" if l else "elu")
              for l, (n_in, n_out) in enumerate(zip(widths, widths[1:]))]
    runfile.write(path, layers, input_shape=(1, 1, 5), weight_seed=seed, method="dense")
    return path


def baselines(directory):
    return Case("trained weights", [_baseline(directory / f"dense{s}.h5", s) for s in (16, 17)])


cases = [seeds, at_epoch, branches, extremes, smallest, mixed, running, baselines]


# ---- running ----

def load_modules():
    return [importlib.import_module(pathlib.Path(path).stem) for path in sorted(glob.glob(str(HERE / "tables*.py")))]


def run_case(case, table, expected, check):
    """The differences of one table in one case."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(case.command(table, out), capture_output=True, text=True)
        if done.returncode != 0:
            return [f"status {done.returncode}: {done.stderr.strip()}"]
        found = list(differences(pathlib.Path(out) / f"{table}.tsv", expected(case)))
        if check:
            try:
                check(case, pathlib.Path(out))
            except AssertionError as error:
                found.append(str(error))
        return found


def make_case(maker, directory):
    """Each case has a directory of its own, so that file names do not meet."""
    directory.mkdir()
    return maker(directory)


def main(wanted):
    modules = load_modules()
    tables = {name: rows for module in modules for name, rows in module.TABLES.items()}
    checks = {name: check for module in modules for name, check in getattr(module, "CHECKS", {}).items()}
    own = {name for module in modules for name in getattr(module, "ONLY_OWN_CASES", [])}
    unknown = [name for name in wanted if name not in tables]
    if unknown:
        sys.exit(f"no oracle for {' '.join(unknown)}")
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        makers = cases + [maker for module in modules for maker in getattr(module, "CASES", [])]
        made = [make_case(maker, pathlib.Path(directory) / str(number)) for number, maker in enumerate(makers)]
        for table in wanted or tables:
            for case in made:
                if table not in case.tables if case.tables is not None else table in own:
                    continue
                found = run_case(case, table, tables[table], checks.get(table))
                failed += bool(found)
                print(f"{'not ok' if found else 'ok'} {table}: {case.name}")
                for line in found[:10]:
                    print(f"#   {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
