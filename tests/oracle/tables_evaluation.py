# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that evaluate networks on test images, recomputed with numpy in double precision."""

import math

import evaluation
import numpy as np
from run_oracle import Close, SKIP, read_table

nan = math.nan

FACTORS = [0, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16]
SINGLE = 2e-5  # relative error of a loss that was computed in single precision


def remaining(masks):
    return sum(np.count_nonzero(m) for m in masks.values()) / sum(m.size for m in masks.values())


# ---- controls ----


def shuffled(rng, mask):
    return rng.permutation(mask.ravel()).reshape(mask.shape)


def shuffled_with_weights(rng, mask, weights):
    """Weights that stand only where the mask keeps them: those that lose their place are dealt out to the new ones."""
    new, w = shuffled(rng, mask), weights.copy()
    come, go = (new != 0) & (mask == 0), (new == 0) & (mask != 0)
    w[come], w[go] = rng.permutation(weights[go]), 0
    return new, w


def signs_shuffled(rng, mask):
    out = mask.copy()
    out[mask != 0] = rng.permutation(mask[mask != 0])
    return out


def redrawn(rng, run, layer):
    """Defaults of a recipe: signed constants of ELUS."""
    c = math.sqrt(3 / layer.fan_in)
    return np.where(rng.random(layer.shape) < 0.5, c, -c)


def controlled(name, rng, run, masks, weights):
    if name == "shuffle-mask" and run.attrs["trained"] == "weights":
        pairs = {layer: shuffled_with_weights(rng, m, weights[layer]) for layer, m in masks.items()}
        return [{layer: pair[k] for layer, pair in pairs.items()} for k in range(2)]
    if name == "shuffle-mask":
        masks = {layer: shuffled(rng, m) for layer, m in masks.items()}
    if name == "shuffle-signs":
        masks = {layer: signs_shuffled(rng, m) for layer, m in masks.items()}
    if name == "invert-all":
        masks = {layer: -m for layer, m in masks.items()}
    if name == "redraw-weights":
        weights = {layer: redrawn(rng, run, run.layers[layer]) for layer in weights}
    return masks, weights


def applies(name, masks):
    """Places are shuffled where a mask has two states, signs where it has both."""
    states = [set(np.unique(m)) for m in masks.values()]
    if name == "shuffle-mask":
        return any(len(s) > 1 for s in states)
    return name != "shuffle-signs" or any({-1, 1} <= s for s in states)


def control_row(name, run, masks, weights, data):
    """A random control agrees within 5 standard errors of ten replicates with 60 of our own; one that can change
    nothing is not evaluated."""
    if not applies(name, masks):
        return {"replicates": 0, "accuracy": nan, "accuracy_sd": nan, "accuracy_min": nan, "accuracy_max": nan, "loss": nan}
    random = name not in ("as-trained", "invert-all")
    rng = np.random.default_rng(1)
    scores = [evaluation.score(run, *controlled(name, rng, run, masks, weights), data) for _ in range(60 if random else 1)]
    accuracy, loss = (np.array([getattr(s, key) for s in scores]) for key in ("accuracy", "loss"))
    if not random:
        return {"replicates": 1, "accuracy": accuracy[0], "accuracy_sd": nan, "accuracy_min": accuracy[0],
                "accuracy_max": accuracy[0], "loss": Close(loss[0], SINGLE)}
    error = 5 / math.sqrt(10)
    return {"replicates": 10, "accuracy": Close(accuracy.mean(), 0, error * accuracy.std()), "accuracy_sd": SKIP,
            "accuracy_min": SKIP, "accuracy_max": SKIP, "loss": Close(loss.mean(), 0, error * loss.std())}


def controls(case):
    data = evaluation.data_of(case)
    for i, (name, run) in enumerate(zip(case.names, case.runs)):
        if data is None:
            continue
        masks = {layer: case.mask(i, layer) for layer in run.layers}
        weights = evaluation.weights_of(run)
        for control in ("as-trained", "shuffle-mask", "shuffle-signs", "invert-all", "redraw-weights"):
            row = control_row(control, run, masks, weights, data)
            yield {"run": name, "control": control, **row, "remaining": remaining(masks)}


def check_controls(case, out):
    header, rows = read_table(out / "controls.tsv")
    for row in rows:
        cell = dict(zip(header, row))
        if int(cell["replicates"]) == 0:
            continue
        low, mean, high, sd = (float(cell[key]) for key in ("accuracy_min", "accuracy", "accuracy_max", "accuracy_sd"))
        assert low <= mean + 1e-12 and mean <= high + 1e-12, row
        if not math.isnan(sd):  # the extremes of ten values lie between sd * sqrt(2 / 10) and sd * sqrt(20) apart
            assert math.sqrt(0.2) * sd - 1e-12 <= high - low <= math.sqrt(20) * sd + 1e-12, row


# ---- thresholds ----


def threshold_rows(name, run, factor, data):
    masks = {}
    for layer, stored in run.layers.items():
        t = factor * stored.threshold
        m = stored.final_scores.astype(np.float32)
        masks[layer] = (m > np.float32(t)).astype(np.int8) - (m < -np.float32(t)).astype(np.int8)
        yield row_of(name, layer, factor, t, masks[layer].ravel(), None)
    score = evaluation.score(run, masks, evaluation.weights_of(run), data) if data else None
    yield row_of(name, "all", factor, nan, np.concatenate([m.ravel() for m in masks.values()]), score)


def row_of(name, layer, factor, threshold, mask, score):
    keep, hide, invert = (int(np.sum(mask == value)) for value in (1, 0, -1))
    return {"run": name, "layer": layer, "factor": factor, "threshold": threshold, "n_keep": keep, "n_hide": hide,
            "n_invert": invert, "remaining": (keep + invert) / mask.size, "accuracy": score.accuracy if score else nan,
            "loss": Close(score.loss, SINGLE) if score else nan}


def thresholds(case):
    data = evaluation.data_of(case)
    for name, run in zip(case.names, case.runs):
        if any(layer.final_scores is None or math.isnan(layer.threshold) for layer in run.layers.values()):
            continue
        for factor in FACTORS:
            yield from threshold_rows(name, run, factor, data)


def check_thresholds(case, out):
    """At factor 1 the shares are those of the last mask."""
    header, rows = read_table(out / "thresholds.tsv")
    cells = [dict(zip(header, row)) for row in rows]
    for name, run in zip(case.names, case.runs):
        for cell in cells:
            if cell["run"] == name and cell["layer"] != "all" and float(cell["factor"]) == 1:
                last = run.layers[cell["layer"]].mask[-1]
                assert int(cell["n_keep"]) == np.sum(last == 1) and int(cell["n_invert"]) == np.sum(last == -1), cell


TABLES = {"controls": controls, "thresholds": thresholds}
CHECKS = {"controls": check_controls, "thresholds": check_thresholds}


def fitting(directory):
    return evaluation.trained_case(directory, tables=list(TABLES))


CASES = [fitting]
