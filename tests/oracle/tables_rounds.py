# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of rounds.tsv, and runs in rounds for it and for the tables that such runs change."""

from math import nan

import numpy as np
import runfile
from run_oracle import Case

COLUMNS = ["test_accuracy", "untrained_accuracy", "untrained_loss", "trained_accuracy", "trained_loss",
           "validation_loss", "early_stop_step", "early_stop_accuracy"]


def rounds(case):
    for name, run in zip(case.names, case.runs):
        if run.rounds is None:
            continue
        weights = np.concatenate([layer.mask.reshape(len(layer.mask), -1) for layer in run.layers.values()], axis=1)
        for r in range(len(run.rounds["test_accuracy"])):
            yield {"run": name, "method": run.attrs["method"], "recipe": run.attrs["recipe_name"], "round": r,
                   "step": run.step[r], "epoch": run.epoch[r], "remaining": np.mean(weights[r] != 0),
                   **{column: run.rounds[column][r] for column in COLUMNS}}


def pruned(path, seed, n_records, n_rounds, *, columns=COLUMNS, widths=(6, 5, 3), constant=0, **keywords):
    """A run of which each round hides a fifth of what remains; test_accuracy of round 1 was not measured.
    constant: that times the signs of the initial weights is in place under the last mask."""
    rng = np.random.default_rng(seed)
    layers = []
    for l, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        order = rng.permutation(n_in * n_out).reshape(n_out, n_in)
        mask = np.stack([order < n_in * n_out * 0.8**r for r in range(n_records)]).astype(np.int8)
        layers.append(runfile.Layer(f"dense{l + 1}", mask, inputs=[f"dense{l}" if l else "input"],
                                    initial_weights=rng.normal(size=(n_out, n_in)).astype(np.float32),
                                    final_weights=rng.normal(size=(n_out, n_in)).astype(np.float32),
                                    activation="linear" if l else "relu"))
        if constant:
            layers[-1].mask_weights = constant * np.sign(layers[-1].initial_weights)
    values = {column: rng.random(n_rounds) for column in columns}
    if n_rounds > 1:
        values["test_accuracy"][1] = nan
    runfile.write(path, layers, input_shape=(1, 1, widths[0]), weight_seed=seed, score_seed=seed, trained="weights",
                  rounds=values, **keywords)
    return path


def pruning(directory):
    return Case("runs in rounds", [
        pruned(directory / "first.h5", 50, 5, 5, method="lottery-ticket", recipe_name="fcn-mnist-lottery"),
        pruned(directory / "second.h5", 51, 5, 3, method="lottery-ticket", recipe_name="fcn-mnist-lottery",
               status="running"),
        pruned(directory / "none.h5", 52, 2, 0, method="supermask-heuristic", status="running",
               columns=["test_accuracy"]),
        pruned(directory / "two.h5", 53, 2, 2, method="supermask-heuristic", columns=["test_accuracy"]),
    ], tables=["rounds", "summary", "groups", "ratios"])


def early(directory):
    """--at picks record 1, whose round lacks an accuracy."""
    return Case("runs in rounds, --at", [pruned(directory / "first.h5", 54, 5, 5, method="lottery-ticket")], at=1.5,
                tables=["rounds", "summary"])


def constants(directory, at=None):
    name = "signed constants in place" + (", --at" if at else "")
    return Case(name, [pruned(directory / f"constant{s}.h5", s, 4, 4, constant=0.25, method="supermask-heuristic")
                       for s in (55, 56)], at=at, tables=["neurons", "overlap", "consistency", "weights", "summary"])


def one_training(directory):
    """All masks are of the weights of one training, so their records share a step and an epoch."""
    runs = [pruned(directory / f"once{s}.h5", s, n, n, method="supermask-heuristic", columns=["test_accuracy"],
                   widths=(60, 50, 3), steps=np.array([0] + [40] * (n - 1)), epochs=np.array([0.0] + [4.0] * (n - 1)),
                   metrics={"epoch": np.arange(1, n) / 2}) for s, n in ((57, 16), (58, 4))]
    return Case("rounds of one training", runs, tables=["ratios", "flips", "settling", "similarity", "earlybird"])


TABLES = {"rounds": rounds}
CASES = [pruning, early, constants, one_training, lambda directory: constants(directory, at=2.0)]
