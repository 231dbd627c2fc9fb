# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of overlap.tsv and alignment.tsv.

Raw rows: numpy on the masks; against independent masks exactly (scipy.stats.hypergeom for single layers, for the whole
network the convolution of the layers' distributions in integers), against the other null models by draws of our own
within their sampling error. Aligned rows depend on where a search ends, so they are compared with the ends of another
search (weight_matching.py): checks of the table that was written, below."""

import csv
from fractions import Fraction
from itertools import combinations
from math import comb, isnan, nan, sqrt

import numpy as np
import runfile
from run_oracle import SKIP, Case, Close
from scipy import stats
from weight_matching import NULLS, Spaces, align, draws, placed


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


# ---- what is compared ----

ALL = "all"


def comparable(a, b):
    shape = lambda run: [(l.name, l.shape, l.kind, l.stride, list(l.inputs)) for l in run.layers.values()]
    return shape(a) == shape(b)


class Pair:
    """Two runs, compared in one way: networks of -1, 0, 1."""

    def __init__(self, case, i, j, compare):
        self.names, self.compare = (case.names[i], case.names[j]), compare
        self.spaces = Spaces(case.runs[i])
        self.a, self.b = (self._classes(case, r) for r in (i, j))
        self.n_nulls = int(case.args[case.args.index("--nulls") + 1]) if "--nulls" in case.args else 99
        self.key = {"run_a": self.names[0], "run_b": self.names[1], "compare": compare}

    def _classes(self, case, r):
        signs = {name: np.sign(case.weights(r, name)).astype(int) if self.compare == "weight" else 1
                 for name in case.runs[r].layers}
        return {name: case.mask(r, name).astype(int) * signs[name] for name in case.runs[r].layers}

    def aligned(self, b):
        return placed(self.spaces, b, align(self.spaces, self.a, b, self.compare == "weight"))


def pairs_of(case):
    wanted = [case.args[case.args.index("--compare") + 1]] if "--compare" in case.args else ["mask", "weight"]
    for i, j in combinations(range(len(case.runs)), 2):
        if comparable(case.runs[i], case.runs[j]):
            yield from (Pair(case, i, j, compare) for compare in wanted)


def with_all(net):
    return {**net, ALL: np.concatenate([np.ravel(x) for x in net.values()])}


# ---- sampled null models ----

DRAWS = {"raw": 120, "aligned": 20}


def draw(pair, null, alignment):
    """{layer: [(both, equal signs)] of draws}."""
    rng, a, found = np.random.default_rng(7), with_all(pair.a), {}
    for b in draws(null, pair.spaces, pair.b, rng, DRAWS[alignment]):
        b = with_all(pair.aligned(b) if alignment == "aligned" else b)
        for name, x in a.items():
            found.setdefault(name, []).append((np.count_nonzero(x * b[name]), np.count_nonzero(x * b[name] > 0)))
    return {name: np.array(values) for name, values in found.items()}


def mean_cell(samples, n, slack=0.0):
    """Of a mean over n replicates: five standard errors of both sides; what is so rare that we never saw it, beside."""
    samples = samples[~np.isnan(samples)]
    if len(samples) == 0:
        return SKIP
    error = np.std(samples) * sqrt(1 / n + 1 / len(samples))
    rare = 0 if np.ptp(samples) == 0 and slack == 0 else 0.5 / len(samples)
    return Close(float(np.mean(samples)), 1e-9, 5 * error + rare + slack)


def p_cell(reached, n, slack=0.0):
    share, r = (np.count_nonzero(reached) + 1) / (len(reached) + 2), len(reached)
    error = sqrt(share * (1 - share) * (1 / n + 1 / r))
    return Close((1 + n * np.mean(reached)) / (n + 1), 0, 5 * error + 3 / n + slack)


def z_cell(samples, value, n):
    """Loose, and only where the draws vary enough to know their spread."""
    if np.ptp(samples) == 0:
        return SKIP
    common = max(np.unique(samples, return_counts=True)[1]) / len(samples)
    z = (value - np.mean(samples)) / np.std(samples, ddof=1)
    return Close(z, 0, 5 * sqrt(1 / n + 1 / len(samples)) * (1 + abs(z))) if common < 0.8 else SKIP


def sampled(pair, drawn, seen, slack=0.0):
    """Cells of one layer against draws. seen: a, b, both, sign_agreement of the data."""
    n, marks, both, equal = pair.n_nulls, seen["a"] + seen["b"], drawn[:, 0], drawn[:, 1]
    agreement = np.where(both > 0, equal / np.maximum(both, 1), np.nan)
    signs = seen["sign_agreement"]
    return {"expected_jaccard": mean_cell(both / (marks - both), n, slack) if marks else nan,
            "z": z_cell(both, seen["both"], n), "p_value": p_cell(both >= seen["both"], n, slack),
            "expected_sign_agreement": mean_cell(agreement, n, slack),
            "sign_z": nan if isnan(signs) else SKIP,
            "sign_p_value": nan if isnan(signs) else p_cell(agreement >= signs - 1e-12, n, slack)}


def same_places(seen):
    """Other signs at the same places: nothing varies but the signs."""
    return {"z": nan, "p_value": 1.0, "expected_jaccard": seen["jaccard"]}


# ---- the rows ----

def raw_rows(pair, null):
    x, y, drawn = with_all(pair.a), with_all(pair.b), draw(pair, null, "raw")
    seen = {name: observed(x[name], y[name]) for name in x}
    for name, row in seen.items():
        row.update(sampled(pair, drawn[name], row), p_holm=nan if name == ALL else SKIP)
        row.update(same_places(row) if null == "sign-shuffle" else {})
    return exact_chances(seen) if null == "independent" else seen


def exact_chances(seen):
    layers = [name for name in seen if name != ALL]
    sizes = [(seen[name]["n"], seen[name]["a"], seen[name]["b"]) for name in layers]
    for name, size in zip(layers, sizes):
        seen[name].update(chance([size], seen[name]["both"]))
        single_layer_agrees_with_scipy(size, seen[name]["both"], seen[name])
    seen[ALL].update(chance(sizes, seen[ALL]["both"]))
    for name, p in zip(layers, holm([seen[name]["p_value"].value for name in layers])):
        seen[name]["p_holm"] = Close(p, 1e-11)
    return seen


CHANCE = ["expected_jaccard", "z", "p_value", "p_holm", "expected_sign_agreement", "sign_z", "sign_p_value"]


def aligned_rows(pair, null):
    """What does not depend on the order of the units; see `check_overlap`."""
    x, y = with_all(pair.a), with_all(pair.b)
    known = lambda row: {name: row[name] if name in ("n", "a", "b") else SKIP for name in row}
    return {name: {**dict.fromkeys(CHANCE, SKIP), **known(observed(x[name], y[name]))} for name in x}


def overlap(case):
    for pair in pairs_of(case):
        for alignment, rows in [("raw", raw_rows), ("aligned", aligned_rows)]:
            for null in NULLS:
                for layer, row in rows(pair, null).items():
                    yield {**pair.key, "layer": layer, "alignment": alignment, "null": null, **row}


# ---- aligned rows of the table that was written ----

def read_rows(path):
    """Rows as dictionaries, numbers as numbers."""
    number = lambda text: float(text) if text.replace("nan", "0").lstrip("-")[:1].isdigit() else text
    with open(path, encoding="utf-8") as file:
        rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")
        return [{name: text if name.startswith("run_") else number(text) for name, text in row.items()} for row in rows]


def near(got, want, what, rel=1e-10):
    same = (isnan(got) and isnan(want)) or abs(got - want) <= rel * max(1, abs(want))
    assert same, f"{what}: {got} instead of {want}"


def cell_within(got, cell, what):
    if cell is SKIP:
        return
    if not isinstance(cell, Close):
        return near(got, cell, what)
    assert abs(got - cell.value) <= cell.absolute + cell.rel * abs(cell.value), f"{what}: {got}, we drew {cell}"


def check_counts(row, what):
    """What follows from a, b and both."""
    a, b, both = row["a"], row["b"], row["both"]
    for name, value in [("jaccard", share(both, a + b - both)), ("dice", share(2 * both, a + b)),
                        ("overlap_coefficient", share(both, min(a, b)))]:
        near(row[name], value, f"{what} {name}")
    assert max(0, a + b - row["n"]) <= both <= min(a, b), what
    equal = 0 if both == 0 else both * row["sign_agreement"]
    near(row["agreement"], (equal + row["n"] - (a + b - both)) / row["n"], f"{what} agreement")


def check_holm(rows, what):
    layers = [row for row in rows if row["layer"] != ALL]
    for row, p in zip(layers, holm([row["p_value"] for row in layers])):
        near(row["p_holm"], p, f"{what} p_holm")


def profit_in(row, compare):
    signed = 2 * row["sign_agreement"] - 1 if row["both"] else 0
    return round(row["both"] * (signed if compare == "weight" else 1))


def check_search(case, pair, profit, what):
    """The end of their search against ours."""
    mine = sum(np.sum(x * y) if pair.compare == "weight" else np.count_nonzero(x * y)
               for x, y in zip(pair.a.values(), pair.aligned(pair.b).values()))
    low, high = sorted([profit, mine])
    assert low >= 0.98 * high - getattr(case, "slack", 3), f"{what}: profit {profit}, ours {mine}"
    if getattr(case, "planted", None):
        n = sum(np.count_nonzero(x) for x in pair.a.values())
        assert profit == mine == (case.planted(n) if pair.compare == "weight" else n), f"{what}: {profit} of {n}"


def check_overlap(case, out):
    rows, pairs = read_rows(out / "overlap.tsv"), list(pairs_of(case))
    for pair in pairs:
        of_pair = [row for row in rows if all(row[name] == value for name, value in pair.key.items())]
        for null in NULLS:
            blocks = {alignment: [row for row in of_pair if row["null"] == null and row["alignment"] == alignment]
                      for alignment in DRAWS}
            for alignment, block in blocks.items():
                check_holm(block, f"{pair.key} {alignment} {null}")
            check_aligned(case, pair, null, blocks)


def aligned_cells(pair, null, drawn, row):
    """Searches that end at other optima of the same profit differ by some entries in a layer. Units in random order are
    found again, so that their p-value tells nothing but how ties fell."""
    cells = sampled(pair, drawn, row, 0.02 + 6 / max(row["a"] + row["b"], 1))
    if null == "unit-permutation":
        cells.update(p_value=SKIP, sign_p_value=SKIP, z=SKIP)
    if null == "sign-shuffle" and pair.compare == "mask":
        cells.update(same_places(row))
    return cells


def check_aligned(case, pair, null, blocks):
    drawn, what = draw(pair, null, "aligned"), f"{pair.key} aligned {null}"
    for row in blocks["aligned"]:
        check_counts(row, f"{what} {row['layer']}")
        for name, cell in aligned_cells(pair, null, drawn[row["layer"]], row).items():
            cell_within(row[name], cell, f"{what} {row['layer']} {name}")
    total, raw = blocks["aligned"][-1], blocks["raw"][-1]
    assert profit_in(total, pair.compare) >= profit_in(raw, pair.compare), f"{what}: less than raw"
    if null == "independent":
        check_search(case, pair, profit_in(total, pair.compare), what)


# ---- alignment.tsv ----

def alignment(case):
    starts = int(case.args[case.args.index("--starts") + 1]) if "--starts" in case.args else 1
    for pair in pairs_of(case):
        n, tried = (starts, max(starts, 4)) if pair.spaces.free else (1, 1)
        yield {**pair.key, "profit": SKIP, "profit_lowest": SKIP, "profit_mean": SKIP,
               "profit_sd": SKIP if tried > 1 else nan, "starts": n, "rounds": SKIP, "tried": tried,
               "profit_highest": SKIP}


def check_alignment(case, out):
    for row, pair in zip(read_rows(out / "alignment.tsv"), pairs_of(case)):
        lowest, mean, highest = (row[f"profit_{which}"] for which in ("lowest", "mean", "highest"))
        assert lowest <= mean + 1e-9 and mean <= highest + 1e-9 and lowest <= row["profit"] <= highest
        assert row["tried"] > row["starts"] or row["profit"] == highest
        assert isnan(row["profit_sd"]) or row["profit_sd"] <= highest - lowest + 1e-9
        check_search(case, pair, row["profit"], pair.key)


# ---- runs ----

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


def _relabelled(path, run, rng, change=lambda mask: mask):
    """The last record of a run with its hidden units in random order."""
    spaces = Spaces(run)
    order = spaces.identity()
    for space in spaces.free:
        shuffled = rng.permutation(spaces.units[min(space)])
        order.update({level: shuffled for level in space})
    masks = placed(spaces, {name: layer.mask[-1] for name, layer in run.layers.items()}, order)
    weights = placed(spaces, {name: layer.initial_weights for name, layer in run.layers.items()}, order)
    layers = [runfile.Layer(name, change(masks[name])[None], inputs=layer.inputs, initial_weights=weights[name],
                            activation=layer.activation, stride=layer.stride) for name, layer in run.layers.items()]
    runfile.write(path, layers, input_shape=tuple(run.attrs["input_shape"]), weight_seed=9)
    return path


def _branched(path, seed):
    """A flatten and a sum, wide enough that no two units are alike."""
    rng = np.random.default_rng(seed)
    mask = lambda *shape: rng.choice([-1, 0, 1], size=(1, *shape), p=[0.25, 0.5, 0.25])
    layers = [runfile.Layer("conv1", mask(6, 3, 3, 3)), runfile.Layer("conv2", mask(6, 6, 3, 3), inputs=["conv1"]),
              runfile.Layer("dense1", mask(12, 6 * 16), inputs=["conv1", "conv2"]),
              runfile.Layer("dense2", mask(30, 12), inputs=["dense1"], activation="linear")]
    runfile.write(path, layers, input_shape=(3, 4, 4), weight_seed=seed)
    return path


def _case(name, paths, args, planted=None, slack=0):
    """planted: the profit by weights, from the number of entries; slack: entries by which two searches may differ (3
    where a case does not say)."""
    case = Case(name, paths, [*args, "--nulls", "39"], tables=["overlap", "alignment"])
    case.planted, case.slack = planted, slack
    return case


def unrelated(directory):
    return _case("unlike densities, independent masks, --starts 3",
                 [_run(directory / f"u{s}.h5", s, 0) for s in (1, 2, 3)], ["--starts", "3"], slack=4)


def related(directory):
    return _case("unlike densities, related masks, --compare weight",
                 [_run(directory / f"r{s}.h5", s, 0.9) for s in (1, 2)], ["--compare", "weight"])


def planted(directory):
    a, rng = _branched(directory / "a.h5", 5), np.random.default_rng(6)
    return _case("hidden units re-ordered", [a, _relabelled(directory / "b.h5", runfile.read(a), rng)], [],
                 planted=lambda n: n)


def planted_flipped(directory):
    a, rng = _branched(directory / "a.h5", 7), np.random.default_rng(8)
    flipped = []

    def flip(mask):
        places = rng.permutation(np.flatnonzero(mask))[: np.count_nonzero(mask) // 5]
        flipped.append(len(places))
        mask = mask.copy()
        mask.ravel()[places] *= -1
        return mask

    b = _relabelled(directory / "b.h5", runfile.read(a), rng, flip)
    return _case("hidden units re-ordered, one sign in five changed", [a, b], [],
                 planted=lambda n: n - 2 * sum(flipped))


TABLES = {"overlap": overlap, "alignment": alignment}
CHECKS = {"overlap": check_overlap, "alignment": check_alignment}
CASES = [unrelated, related, planted, planted_flipped]
