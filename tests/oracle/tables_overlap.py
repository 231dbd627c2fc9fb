# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of overlap.tsv: numpy on the masks, scipy.stats.hypergeom for single layers, and for the whole network the
convolution of the layers' exact distributions in integers."""

from fractions import Fraction
from itertools import combinations
from math import comb, nan, sqrt

import numpy as np
import runfile
from run_oracle import Case, Close
from scipy import stats


def share(part, whole):
    return part / whole if whole else nan


def kappa(x, y):
    p = np.array([[np.mean((x == i) & (y == j)) for j in (-1, 0, 1)] for i in (-1, 0, 1)])
    chance = p.sum(1) @ p.sum(0)
    return (np.trace(p) - chance) / (1 - chance) if chance < 1 - 1e-12 else nan


def observed(x, y):
    a, b = np.count_nonzero(x), np.count_nonzero(y)
    union, both = np.count_nonzero((x != 0) | (y != 0)), (x != 0) & (y != 0)
    n_both = np.count_nonzero(both)
    return {"n": x.size, "a": a, "b": b, "both": n_both, "jaccard": share(n_both, union),
            "dice": share(2 * n_both, a + b), "overlap_coefficient": share(n_both, min(a, b)),
            "agreement": np.mean(x == y), "kappa": Close(kappa(x, y), 1e-10, 1e-12),
            "sign_agreement": share(np.count_nonzero((x == y) & both), n_both)}


def distribution(layers):
    """{k: probability as a fraction} of the number of common places; layers: (n, a, b)."""
    weight, total = {0: 1}, 1
    for n, a, b in layers:
        total *= comb(n, b)
        summed = {}
        for k in range(max(0, a + b - n), min(a, b) + 1):
            ways = comb(a, k) * comb(n - a, b - k)
            for i, w in weight.items():
                summed[i + k] = summed.get(i + k, 0) + w * ways
        weight = summed
    return {k: Fraction(w, total) for k, w in weight.items()}


def chance(layers, both):
    p = distribution(layers)
    mean = sum(k * q for k, q in p.items())
    variance = sum(k * k * q for k, q in p.items()) - mean * mean
    marks = sum(a + b for _, a, b in layers)
    return {"expected_jaccard": float(sum(q * Fraction(k, marks - k) for k, q in p.items())) if marks else nan,
            "z": float((both - mean)) / sqrt(variance) if variance else nan,
            "p_value": Close(float(sum(q for k, q in p.items() if k >= both)), 1e-11)}


def single_layer_agrees_with_scipy(layer, both, row):
    n, a, b = layer
    assert abs(stats.hypergeom.sf(both - 1, n, a, b) - row["p_value"].value) < 1e-9


def holm(p):
    order, adjusted, largest = np.argsort(p, kind="stable"), np.empty(len(p)), 0.0
    for position, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - position) * p[i]))
        adjusted[i] = largest
    return adjusted


def rows_of(pairs):
    """pairs: {layer: (x, y)} of classes -1, 0, 1."""
    seen = {name: observed(x, y) for name, (x, y) in pairs.items()}
    layers = [(s["n"], s["a"], s["b"]) for s in seen.values()]
    for (name, s), layer in zip(seen.items(), layers):
        s.update(chance([layer], s["both"]))
        single_layer_agrees_with_scipy(layer, s["both"], s)
    for s, p in zip(seen.values(), holm([s["p_value"].value for s in seen.values()])):
        s["p_holm"] = Close(p, 1e-11)
    everything = [np.concatenate([np.ravel(v[side]) for v in pairs.values()]) for side in (0, 1)]
    total = observed(*everything)
    seen["all"] = {**total, **chance(layers, total["both"]), "p_holm": nan}
    return seen


def comparable(a, b):
    shape = lambda run: [(l.name, l.shape, l.kind, l.stride, list(l.inputs)) for l in run.layers.values()]
    return shape(a) == shape(b)


def overlap(case):
    wanted = [case.args[case.args.index("--compare") + 1]] if "--compare" in case.args else ["mask", "weight"]
    for i, j in combinations(range(len(case.runs)), 2):
        if not comparable(case.runs[i], case.runs[j]):
            continue
        for compare in wanted:
            def classes(r, layer):
                g = case.mask(r, layer)
                return g if compare == "mask" else np.sign(case.runs[r].layers[layer].initial_weights).astype(int) * g

            pairs = {layer: (classes(i, layer), classes(j, layer)) for layer in case.runs[i].layers}
            for layer, row in rows_of(pairs).items():
                yield {"run_a": case.names[i], "run_b": case.names[j], "layer": layer, "compare": compare,
                       "alignment": "raw", "null": "independent", **row}


def _run(path, seed, shared):
    """Two layers of unlike density; part of the places is shared by all seeds."""
    common, rng = np.random.default_rng(99), np.random.default_rng(seed)
    layers = []
    for name, shape, density, inputs in [("dense1", (30, 40), 0.06, "input"), ("dense2", (10, 30), 0.6, "dense1")]:
        fixed, own = common.random((1, *shape)), rng.random((1, *shape))
        mask = np.where(np.where(common.random((1, *shape)) < shared, fixed, own) < density,
                        rng.choice([-1, 1], size=(1, *shape)), 0)
        weights = rng.normal(size=shape).astype(np.float32)
        weights[0, 0] = 0
        layers.append(runfile.Layer(name, mask, inputs=[inputs], initial_weights=weights,
                                    activation="elu" if name == "dense1" else "linear"))
    runfile.write(path, layers, input_shape=(1, 5, 8), weight_seed=seed)
    return path


def unrelated(directory):
    return Case("unlike densities, independent masks", [_run(directory / f"u{s}.h5", s, 0) for s in (1, 2, 3)],
                tables=["overlap"])


def related(directory):
    return Case("unlike densities, related masks, --compare weight",
                [_run(directory / f"r{s}.h5", s, 0.9) for s in (1, 2)], ["--compare", "weight"], tables=["overlap"])


TABLES = {"overlap": overlap}
CASES = [unrelated, related]
