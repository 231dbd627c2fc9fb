# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of methods.tsv and methods-units.tsv: means over the pairs of runs of two groups.

Which pairs are compared is worked out here again. Raw rows against independent masks are numpy and exact distributions;
all other rows must be the means of what the analyzer's own overlap.tsv says of each pair, which has an oracle of its own
(tables_overlap.py). Units are ranked with scipy, matched as in matches.tsv (tables_seeds.py)."""

import pathlib
import subprocess
import tempfile
from collections import defaultdict
from math import isnan, nan

import numpy as np
import runfile
from run_oracle import SKIP, Case, Close, read_table
from tables_overlap import ALL, NULLS, Pair, comparable, exact_chances, observed, read_rows, share, with_all
from tables_seeds import agreement, graph_of, measures, partners_of, seed_groups


# ---- which pairs ----

def option(case, name, default):
    return case.args[case.args.index(name) + 1] if name in case.args else default


def hides_nothing(case, i):
    return all(np.all(case.mask(i, name) != 0) for name in case.runs[i].layers)


def seed(case, i):
    return int(case.runs[i].attrs["weight_seed"])


def within(group):
    return [(i, j) for k, i in enumerate(group) for j in group[k + 1:]]


def between(case, first, second, most):
    """The k-th of one group with the k-th of the other, then with the one behind it, and so on around."""
    chosen = {True: [], False: []}
    for shift in range(len(second)):
        for k, i in enumerate(first):
            j = second[(k + shift) % len(second)]
            chosen[seed(case, i) == seed(case, j)].append((i, j))
    kept = chosen[True][:most] + chosen[False][:most]
    return [(i, j) for i, j in kept if not hides_nothing(case, i) and not hides_nothing(case, j)]


def group_pairs(case):
    """(first group, second group, same weight seed, [(run, run) in the groups' order])."""
    groups, most = seed_groups(case), option(case, "--pairs", "5")
    most = None if most == "all" else int(most)
    for g, first in enumerate(groups):
        for second in groups[g:]:
            if not comparable(case.runs[first[0]], case.runs[second[0]]):
                continue
            pairs = within(first) if second is first else between(case, first, second, most)
            for same in (True, False):
                found = [(i, j) for i, j in pairs if (seed(case, i) == seed(case, j)) == same]
                if found:
                    yield first, second, same, found


def key_of(case, first, second, same, pairs):
    return {"group_a": SKIP, "method_a": case.runs[first[0]].attrs["method"], "group_b": SKIP,
            "method_b": case.runs[second[0]].attrs["method"], "weight_seeds": "same" if same else "different",
            "pairs": len(pairs)}


# ---- means ----

def spread(values):
    """Mean, sd, lowest and highest of those that are defined."""
    values = np.array([v for v in values if not isnan(v)])
    if len(values) == 0:
        return nan, nan, nan, nan
    return values.mean(), values.std(ddof=1) if len(values) > 1 else nan, values.min(), values.max()


def near(value):
    return Close(value, 1e-10, 1e-13)


# ---- methods ----

def initial_signs(case, i, j):
    of = lambda r: with_all({name: np.sign(layer.initial_weights) for name, layer in case.runs[r].layers.items()})
    a, b = of(i), of(j)
    return {name: np.mean(a[name] == b[name]) for name in a}


def initial_scores(case, i, j):
    layers = [{name: layer.initial_scores for name, layer in case.runs[r].layers.items()} for r in (i, j)]
    if any(scores is None for of in layers for scores in of.values()):
        return dict.fromkeys([*case.runs[i].layers, ALL], nan)
    found = {}
    for name in case.runs[i].layers:
        a, b = (np.abs(of[name].astype(float).ravel()) for of in layers)
        found[name] = np.corrcoef(a, b)[0, 1] if np.ptp(a) > 0 and np.ptp(b) > 0 else nan
    sizes = [np.size(layer.initial_scores) for layer in case.runs[i].layers.values()]
    return {**found, ALL: np.average(list(found.values()), weights=sizes)}


def association(row, expected):
    """Cole 1949, C7."""
    n, a, b, both = (row[name] for name in ("n", "a", "b", "both"))
    bound = min(a, b) if both >= expected else max(0, a + b - n)
    return (both - expected) / abs(bound - expected) if abs(bound - expected) > 1e-9 else nan


def plain(cell):
    return cell.value if isinstance(cell, Close) else cell


def compare_exactly(case, i, j, compare):
    """{layer: cells of overlap's row `raw independent`}, the association beside them. Signs of the weights decide what
    counts as hidden by weight."""
    pair = Pair(case, min(i, j), max(i, j), compare)
    x, y = with_all(pair.a), with_all(pair.b)
    seen = exact_chances({name: {**observed(x[name], y[name]), "p_holm": nan} for name in x})
    expected = {name: row["a"] * row["b"] / row["n"] for name, row in seen.items() if name != ALL}
    expected[ALL] = sum(expected.values())
    for name, row in seen.items():
        row["association"] = association(row, expected[name])
        row["remaining"] = (share(row["a"], row["n"]), share(row["b"], row["n"]))[:: 1 if i < j else -1]
    return {name: {key: plain(value) if key != "remaining" else value for key, value in row.items()}
            for name, row in seen.items()}


def row_of_means(layer, cells, signs, scores):
    """What is the same for every null, and what is for raw independent alone."""
    over = lambda name: [cell[name] for cell in cells]
    jaccard, assoc = spread(over("jaccard")), spread(over("association"))
    p = "p_value" if layer == ALL else "p_holm"
    return {"initial_signs": near(np.mean(signs)), "initial_scores": Close(spread(scores)[0], 1e-8, 1e-10), "remaining_a": near(np.mean([a for a, _ in over("remaining")])),
            "remaining_b": near(np.mean([b for _, b in over("remaining")])), "jaccard": near(jaccard[0]),
            "jaccard_sd": Close(jaccard[1], 1e-7, 1e-12), "jaccard_low": near(jaccard[2]), "jaccard_high": near(jaccard[3]),
            "overlap_coefficient": near(spread(over("overlap_coefficient"))[0]),
            "sign_agreement": near(spread(over("sign_agreement"))[0])}, \
           {"expected_jaccard": near(spread(over("expected_jaccard"))[0]), "association": near(assoc[0]),
            "association_low": near(assoc[2]), "association_high": near(assoc[3]),
            "expected_sign_agreement": SKIP, "significant": sum(value < 0.05 for value in over(p))}


CHANCE = ["expected_jaccard", "association", "association_low", "association_high", "expected_sign_agreement", "significant"]
ALIGNED = ["jaccard", "jaccard_sd", "jaccard_low", "jaccard_high", "overlap_coefficient", "sign_agreement"]


def methods(case):
    wanted = [case.args[case.args.index("--compare") + 1]] if "--compare" in case.args else ["mask", "weight"]
    for first, second, same, pairs in group_pairs(case):
        key = key_of(case, first, second, same, pairs)
        signs, scores = ([of(case, i, j) for i, j in pairs] for of in (initial_signs, initial_scores))
        for compare in wanted:
            compared = [compare_exactly(case, i, j, compare) for i, j in pairs]
            for alignment in ("raw", "aligned"):
                for null in NULLS:
                    for layer in compared[0]:
                        seen, chance = row_of_means(layer, [c[layer] for c in compared], [s[layer] for s in signs],
                                                    [s[layer] for s in scores])
                        exact = alignment == "raw" and null == "independent"
                        yield {**key, "layer": layer, "compare": compare, "alignment": alignment, "null": null, **seen,
                               **(dict.fromkeys(ALIGNED, SKIP) if alignment == "aligned" else {}),
                               **(chance if exact else dict.fromkeys(CHANCE, SKIP))}


def overlap_rows(case):
    """{(run_a, run_b, layer, compare, alignment, null): row} by the analyzer."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(case.command("overlap", out), check=True, capture_output=True)
        return {tuple(row[name] for name in ("run_a", "run_b", "layer", "compare", "alignment", "null")): row
                for row in read_rows(pathlib.Path(out) / "overlap.tsv")}


def check_labels(case, out):
    """A label says one group, and the method where nothing else differs."""
    header, rows = read_table(out / "methods.tsv")
    said = {row[header.index(f"group_{side}")]: row[header.index(f"method_{side}")] for row in rows for side in "ab"}
    groups = {g for first, second, _, _ in group_pairs(case) for g in (first[0], second[0])}
    assert len(said) == len(groups), f"labels {said} of {len(groups)} groups"
    for label in getattr(case, "labels", []):
        assert label in said, f"no group {label} among {list(said)}"


def check_methods(case, out):
    """Every row is the mean of rows of overlap.tsv."""
    check_labels(case, out)
    overlap, rows = overlap_rows(case), iter(read_rows(out / "methods.tsv"))
    used = set()
    for first, second, same, pairs in group_pairs(case):
        names = [tuple(case.names[r] for r in sorted(pair)) for pair in pairs]
        used |= set(names)
        n_rows = sum(1 for key in overlap if key[:2] == names[0])
        for _ in range(n_rows):
            row = next(rows)
            of = [overlap[(*pair, row["layer"], row["compare"], row["alignment"], row["null"])] for pair in names]
            check_row(row, of)
    assert used == {key[:2] for key in overlap}, "overlap compares other pairs"


def check_row(row, of):
    over = lambda name: [pair[name] for pair in of]
    want = dict(zip(("jaccard", "jaccard_sd", "jaccard_low", "jaccard_high"), spread(over("jaccard"))))
    for name in ("expected_jaccard", "overlap_coefficient", "sign_agreement", "expected_sign_agreement"):
        want[name] = spread(over(name))[0]
    want["significant"] = sum(p < 0.05 for p in over("p_value" if row["layer"] == ALL else "p_holm"))
    for name, value in want.items():
        same = (isnan(value) and isnan(row[name])) or abs(row[name] - value) <= 1e-7 * max(1, abs(value))
        assert same, f"{row['method_a']} {row['method_b']} {row['layer']} {name}: {row[name]} instead of {value}"
    if not isnan(row["association"]):
        assert -1 - 1e-9 <= row["association_low"] <= row["association"] + 1e-12 and row["association_high"] <= 1 + 1e-9
        assert row["association"] <= row["association_high"] + 1e-12


# ---- methods-units ----

STATISTICS = ["fan_in", "fan_out", "log10_paths"]


def ranked(case, graphs, pair, level, alignment, name, among):
    """scipy on one level of a pair."""
    i, j = sorted(pair)
    (a, measures_a), (b, measures_b) = graphs[i], graphs[j]
    order = partners_of(case, i, j, "weight")[level] if alignment == "aligned" else np.arange(a.units[level])
    alive = (a.through(level) > 0) & (b.through(level)[order] > 0)
    chosen = alive.astype(bool) if among == "alive" else np.ones(len(order), bool)
    return agreement(measures_a[level][name][chosen], measures_b[level][name][order][chosen])


def measured(case, i):
    graph = graph_of(case, i)
    return graph, {level: measures(graph, level) for level in graph.levels}


def methods_units(case):
    graphs = [measured(case, i) for i in range(len(case.runs))]
    for first, second, same, pairs in group_pairs(case):
        key, (graph, measured_first) = key_of(case, first, second, same, pairs), graphs[first[0]]
        for level in graph.levels:
            hidden = level not in ("input", graph.output)
            for name in STATISTICS:
                if name not in measured_first[level]:
                    continue
                for alignment in ["raw", "aligned"] if hidden else ["raw"]:
                    for among in ("all", "alive"):
                        cells = [ranked(case, graphs, pair, level, alignment, name, among) for pair in pairs]
                        of = lambda column: spread([plain(cell[column]) for cell in cells])
                        rho = of("spearman")
                        yield {**key, "layer": level, "statistic": name, "alignment": alignment, "among": among,
                               "n": near(of("n")[0]), "spearman": near(rho[0]), "spearman_sd": Close(rho[1], 1e-7, 1e-10),
                               "spearman_low": near(rho[2]), "spearman_high": near(rho[3]),
                               "kendall_tau_b": near(of("kendall_tau_b")[0]), "top_overlap": near(of("top_overlap")[0]),
                               "expected_top_overlap": near(of("expected_top_overlap")[0])}


# ---- runs of several methods ----

WIDTHS = (20, 12, 8, 4)
METHODS = [  # name, share of weights kept, are they signed, what is trained, recipe
    ("signed-supermask", 0.2, True, "scores", "name: fcn\n"),
    ("edge-popup", 0.5, False, "scores", "name: fcn\n"),
    ("lottery-ticket", 0.3, False, "weights", "name: ticket\n"),
    ("dense", 1.0, False, "weights", "name: fcn\n"),
    ("edge-popup", 0.0, False, "scores", "name: nothing\n"),
]


def method_run(path, number, weight_seed, widths=WIDTHS):
    """Masks that depend on the initial weights, which depend on the weight seed alone, and on the method."""
    name, kept, signed, trained, recipe = METHODS[number]
    common, own = np.random.default_rng([weight_seed, 1]), np.random.default_rng([weight_seed, 2, number])
    layers = []
    for l, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        w = common.normal(size=(n_out, n_in)).astype(np.float32)
        score = np.abs(w) + 0.7 * own.random(w.shape)
        mask = (score >= np.quantile(score, 1 - kept)).astype(np.int8) if kept else np.zeros(w.shape, np.int8)
        if signed:
            mask *= own.choice([-1, 1], size=mask.shape).astype(np.int8)
        scores = None if trained == "weights" else common.normal(size=w.shape).astype(np.float32) + number
        moved = w + 0.8 * own.normal(size=w.shape).astype(np.float32) if trained == "weights" else None
        layers.append(runfile.Layer(f"dense{l + 1}", mask[None], inputs=[f"dense{l}" if l else "input"], initial_weights=w,
                                    final_weights=moved, initial_scores=scores, activation="elu" if l + 2 < len(widths) else "linear"))
    runfile.write(path, layers, input_shape=(1, 1, widths[0]), weight_seed=weight_seed, method=name, recipe=recipe,
                  recipe_name=recipe.split()[1], trained=trained)
    return path


def _methods(directory, name, seeds, args):
    """`seeds`: of each method, in turn, so that groups are not in a row."""
    runs = sorted((s, number) for number, own in enumerate(seeds) for s in own)
    case = Case(name, [method_run(directory / f"m{m}-{s}.h5", m, s) for s, m in runs], [*args, "--nulls", "9"],
                tables=["methods", "methods-units"])
    case.labels = ["fcn (method: signed-supermask)", "fcn (method: edge-popup)", "ticket"]
    return case


def side_by_side(directory):
    return _methods(directory, "five methods, --pairs 2", [(1, 2, 3), (2, 1, 5), (1, 2), (1,), (2,)], ["--pairs", "2"])


def convolutions(directory):
    paths = []
    for seed in (0, 1):
        paths.append(directory / f"branch{seed}.h5")
        runfile.example(paths[-1], seed=seed)
    return Case("summed branch and convolutions", paths, ["--nulls", "9"], tables=["methods", "methods-units"])


def all_pairs(directory):
    return _methods(directory, "four methods, every pair, by masks", [(1, 2), (2, 3), (7,), (2,)],
                    ["--pairs", "all", "--compare", "mask"])


TABLES = {"methods": methods, "methods-units": methods_units}
CHECKS = {"methods": check_methods}
CASES = [side_by_side, all_pairs, convolutions]
ONLY_OWN_CASES = ["methods", "methods-units"]
