# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of similarity.tsv, oscillation.tsv and earlybird.tsv: each weight's history as a row of numbers or a word of
three letters, masks as sets of (place, sign)."""

import re
from fractions import Fraction
from math import floor, nan

import numpy as np
import runfile
from run_oracle import Case

EPSILON, WINDOW, MOST = Fraction(1, 10), 5, 41


def histories(run):
    """(layer, masks [record, weight]) of each layer, then of `all`."""
    flat = {name: layer.mask.reshape(len(layer.mask), -1) for name, layer in run.layers.items()}
    yield from flat.items()
    yield "all", np.concatenate(list(flat.values()), axis=1)


def share(part, whole):
    return int(part) / int(whole) if whole else nan


def jaccard(a, b):
    return share(np.sum((a != 0) & (b != 0)), np.sum((a != 0) | (b != 0)))


def chosen(n):
    return list(range(n)) if n <= MOST else [floor(k * Fraction(n - 1, MOST - 1) + Fraction(1, 2)) for k in range(MOST)]


def similarity(case):
    for name, run in zip(case.names, case.runs):
        records = chosen(len(run.step))
        for layer, masks in histories(run):
            for at, i in enumerate(records):
                for j in records[at:]:
                    yield {"run": name, "layer": layer, "from_step": run.step[i], "to_step": run.step[j],
                           "from_epoch": run.epoch[i], "to_epoch": run.epoch[j], "jaccard": jaccard(masks[i], masks[j]),
                           "agreement": np.mean(masks[i] == masks[j]), "from_record": i, "to_record": j}


def oscillation(case):
    for name, run in zip(case.names, case.runs):
        for layer, masks in histories(run):
            words = ["".join("-0+"[g + 1] for g in history) for history in masks.T]
            changes = np.array([sum(a != b for a, b in zip(word, word[1:])) for word in words])
            back = np.array([re.search("[-+]0+[-+]", word) is not None for word in words])
            left = np.array([word[-1] != "0" for word in words])
            for k in range(changes.max() + 1):
                mine = changes == k
                yield {"run": name, "layer": layer, "changes": k, "weights": int(mine.sum()), "share": np.mean(mine),
                       "reentered": int(np.sum(mine & back)), "remaining": int(np.sum(mine & left))}


def signed_distance(a, b):
    """1 - Jaccard similarity of the sets of places that are not hidden, each with its sign; None for two empty sets."""
    x, y = ({(place, g[place]) for place in np.flatnonzero(g)} for g in (a, b))
    either = len({place for place, _ in x | y})
    return 1 - Fraction(len(x & y), either) if either else None


def hamming(a, b):
    return Fraction(int(np.sum(a != b)), a.size)


def first_bird(masks, distance):
    """Record with which the last WINDOW distances are below EPSILON."""
    d = [distance(a, b) for a, b in zip(masks, masks[1:])]
    below = [x is not None and x < EPSILON for x in d]
    return next((t for t in range(WINDOW, len(masks)) if all(below[t - WINDOW:t])), None)


def accuracy(run, record):
    if run.rounds is not None:
        return dict(enumerate(run.rounds["test_accuracy"])).get(record, nan)
    rows = np.flatnonzero(run.metrics["epoch"] <= run.epoch[record])
    return run.metrics["test_accuracy"][rows[-1]] if len(rows) else nan


def earlybird(case):
    for name, run in zip(case.names, case.runs):
        for layer, masks in histories(run):
            for distance, of in [("hamming", hamming), ("jaccard", signed_distance)]:
                t = first_bird(masks, of)
                row = {"run": name, "layer": layer, "distance": distance, "epsilon": float(EPSILON), "window": WINDOW}
                row |= dict.fromkeys(["epoch", "step", "remaining", "jaccard_to_final", "test_accuracy", "record"], nan)
                if t is not None:
                    row |= {"epoch": run.epoch[t], "step": run.step[t], "remaining": np.mean(masks[t] != 0),
                            "jaccard_to_final": jaccard(masks[t], masks[-1]), "test_accuracy": accuracy(run, t),
                            "record": t}
                yield row | {"final_test_accuracy": accuracy(run, len(masks) - 1)}


# ---- runs that settle, as trained ones do ----


def _history(rng, n_records, *shape, density, factor):
    """Each record redraws a share of the weights, less and less."""
    draw = lambda: rng.choice([-1, 0, 1], size=shape, p=[density / 2, 1 - density, density / 2]).astype(np.int8)
    masks = [draw()]
    for t in range(1, n_records):
        masks.append(np.where(rng.random(shape) < factor**t, draw(), masks[-1]))
    return np.stack(masks)


def _settling(path, seed, n_records, density=0.2, factor=0.9, **keywords):
    rng = np.random.default_rng(seed)
    layers = [runfile.Layer("dense1", _history(rng, n_records, 13, 17, density=density, factor=factor)),
              runfile.Layer("dense2", _history(rng, n_records, 5, 13, density=0.9, factor=factor), inputs=["dense1"],
                            activation="linear")]
    runfile.write(path, layers, input_shape=(1, 1, 17), weight_seed=seed, **keywords)
    return path


def settles(directory):
    return Case("masks that settle", [_settling(directory / f"s{s}.h5", s, 41 + 20 * s) for s in range(4)],
                tables=["similarity", "oscillation", "earlybird"])


def sparse(directory):
    """The distances disagree: dense1 is nearly hidden."""
    return Case("sparse masks that settle late", [_settling(directory / "late.h5", 5, 90, density=0.04, factor=0.97)],
                tables=["similarity", "oscillation", "earlybird"])


def fine(directory):
    """Four records an epoch; accuracy of the second epoch not measured; not complete."""
    metrics = {"epoch": np.arange(1.0, 11.0), "test_accuracy": np.array([0.5, nan, 0.7, 0.8, *[0.9] * 6])}
    metrics |= {name: np.linspace(0.1, 1, 10) for name in runfile.METRICS if name not in metrics}
    paths = [_settling(directory / f"fine{n}.h5", n, n, factor=0.5, epochs=np.arange(n) / 4, steps=np.arange(n) * 3,
                       metrics=metrics, status="running") for n in (4, 6, 12, 43)]
    return Case("records finer than an epoch", paths, tables=["earlybird", "similarity"])


def dies(directory):
    """A layer that is hidden from some record on: no distance of nothing from nothing."""
    rng = np.random.default_rng(8)
    masks = _history(rng, 20, 6, 8, density=0.5, factor=0.6)
    masks[9:] = 0
    runfile.write(directory / "dies.h5", [runfile.Layer("dense1", masks),
                                          runfile.Layer("dense2", np.ones((20, 3, 6), np.int8), inputs=["dense1"],
                                                        activation="linear")], input_shape=(1, 1, 8))
    return Case("a layer that dies", [directory / "dies.h5"], tables=["similarity", "oscillation", "earlybird"])


TABLES = {"similarity": similarity, "oscillation": oscillation, "earlybird": earlybird}
CASES = [settles, sparse, fine, dies]
