# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of matches.tsv, consistency.tsv and ensemble.tsv: what several runs have in common, unit by unit and weight by
weight. Which order of the hidden units is the best one is not asked here (tests/test_align.c does): the partners are
read from the analyzer's own matches.tsv, which must be permutations; everything else is numpy and scipy."""

import gzip
import os
import pathlib
import subprocess
import tempfile
from collections import defaultdict
from functools import lru_cache
from itertools import combinations
from math import ceil, nan

import numpy as np
import runfile
import weight_matching
import yaml_lines
from run_oracle import ABSOLUTE, ANALYZE, SKIP, Case, Close, read_table
from scipy import stats
from tables_overlap import comparable, share
from tables_units import graph_of

COMPARES = ["mask", "weight"]


# ---- partners ----

@lru_cache(maxsize=None)
def read_partners(command):
    """{(run_a, run_b, compare): {layer: partner of each unit}} by the analyzer."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([*command, "-o", out], check=True, capture_output=True)
        header, rows = read_table(pathlib.Path(out) / "matches.tsv")
    partners = defaultdict(lambda: defaultdict(list))
    for row in (dict(zip(header, row)) for row in rows):
        found = partners[row["run_a"], row["run_b"], row["compare"]][row["layer"]]
        assert int(row["unit_a"]) == len(found)
        found.append(int(row["unit_b"]))
    return partners


def partners_of(case, i, j, compare):
    """Of every level; inputs and outputs stand for themselves."""
    command = case.command("matches", "unused")
    at = command.index("-o")
    found = read_partners((*command[:at], *command[at + 2:], "--compare", compare))
    graph = graph_of(case, i)
    partners = {level: np.arange(n) for level, n in graph.units.items()}
    for layer, units in found[case.names[i], case.names[j], compare].items():
        assert sorted(units) == list(range(graph.units[layer])), f"{layer}: no permutation"
        partners[layer] = np.array(units)
    return partners


def signs(case, i, layer, compare):
    g = case.mask(i, layer).astype(int)
    return g if compare == "mask" else np.sign(case.weights(i, layer)).astype(int) * g


def aligned(array, layer, partners):
    """[out, units that are read, entries of one of them], rows and columns in the order of the partners."""
    source = partners[layer.inputs[0]]
    return array.reshape(array.shape[0], len(source), -1)[partners[layer.name]][:, source]


def pairs(case):
    return [(i, j) for i, j in combinations(range(len(case.runs)), 2) if comparable(case.runs[i], case.runs[j])]


# ---- matches ----

def common_entries(case, i, j, compare, partners):
    """{layer: both, either, equal of each unit}."""
    units = graph_of(case, i).units
    counts = {level: np.zeros((3, n), int) for level, n in units.items()}
    for layer in case.runs[i].layers.values():
        b = aligned(signs(case, j, layer.name, compare), layer, partners)
        a = signs(case, i, layer.name, compare).reshape(b.shape)
        for k, hit in enumerate([(a != 0) & (b != 0), (a != 0) | (b != 0), (a * b > 0)]):
            counts[layer.name][k] += hit.sum((1, 2))
            for source in layer.inputs:
                counts[source][k] += hit.reshape(len(hit), units[source], -1).sum((0, 2))
    return counts


def summed_layers_share_one_order(layers, partners):
    for layer in layers:
        sizes = {len(partners[source]) for source in layer.inputs}
        for source in layer.inputs:
            assert len(sizes) > 1 or np.array_equal(partners[source], partners[layer.inputs[0]])


def matches(case):
    wanted = [case.args[case.args.index("--compare") + 1]] if "--compare" in case.args else COMPARES
    for i, j in pairs(case):
        hidden = list(case.runs[i].layers)[:-1]
        for compare in wanted:
            partners = partners_of(case, i, j, compare)
            summed_layers_share_one_order(case.runs[i].layers.values(), partners)
            counts = common_entries(case, i, j, compare, partners)
            for layer in hidden:
                for unit, (both, either, equal) in enumerate(counts[layer].T):
                    yield {"run_a": case.names[i], "run_b": case.names[j], "compare": compare, "layer": layer,
                           "unit_a": unit, "unit_b": partners[layer][unit], "both": both, "either": either,
                           "jaccard": share(both, either), "sign_agreement": share(equal, both)}


# ---- consistency ----

def dense_ranks(values):
    """Exact values (integers, fractions) as small numbers in the same order."""
    order = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return np.array([order[value] for value in values], float)


def measures(graph, level):
    """Exact values of each unit; where a level has no such thing, it is left out."""
    last, found = graph.output, {}
    if level != "input":
        found |= {"fan_in": graph.own[level][0], "strength_in": graph.own[level][6]}
    if level != last:
        found |= {"fan_out": graph.outgoing(level)[0], "strength_out": graph.outgoing(level)[6]}
    found |= {"log10_paths": graph.through(level), "log10_synflow": graph.flow_in[level] * graph.flow_out[level]}
    order = ["fan_in", "fan_out", "strength_in", "strength_out", "log10_paths", "log10_synflow"]
    return {name: dense_ranks(list(found[name])) for name in order if name in found}


def in_top(values, k):
    """Chance of each value to be among the k largest, ties broken at random."""
    above, tied = (values[None, :] > values[:, None]).sum(1), (values[None, :] == values[:, None]).sum(1)
    return np.clip((k - above) / tied, 0, 1)


def correlation(function, x, y, **keywords):
    return function(x, y, **keywords) if len(set(x)) > 1 and len(set(y)) > 1 else (nan, nan)


def agreement(x, y):
    n, k = len(x), ceil(len(x) / 10)
    spearman, p = correlation(stats.spearmanr, x, y)
    tau, tau_p = correlation(stats.kendalltau, x, y, method="asymptotic")
    return {"n": n, "spearman": Close(spearman, 1e-11, 1e-13), "kendall_tau_b": Close(tau, 1e-11, 1e-13),
            "p_value": Close(p if n > 2 else nan, 1e-8, 1e-13),
            "kendall_p_value": Close(tau_p if n > 2 else nan, 1e-8, 1e-13), "top_k": k,
            "top_overlap": Close(in_top(x, k) @ in_top(y, k) / k, 1e-11) if k else nan,
            "expected_top_overlap": k / n if n else nan}


def consistency(case):
    graphs = [graph_of(case, i) for i in range(len(case.runs))]
    for i, j in pairs(case):
        a, b, partners = graphs[i], graphs[j], partners_of(case, i, j, "weight")
        for level in a.levels:
            alive = (a.through(level) > 0) & (b.through(level)[partners[level]] > 0)
            second = measures(b, level)
            for name, x in measures(a, level).items():
                y = second[name][partners[level]]
                for among, chosen in [("all", np.ones(len(x), bool)), ("alive", alive.astype(bool))]:
                    yield {"run_a": case.names[i], "run_b": case.names[j], "layer": level, "statistic": name,
                           "alignment": "identity" if level in ("input", a.output) else "aligned", "among": among,
                           **agreement(x[chosen], y[chosen])}


# ---- ensemble ----

def seed_groups(case):
    """Lists of runs that differ in seeds only."""
    found = []
    for i, run in enumerate(case.runs):
        like = lambda other: (comparable(run, other) and yaml_lines.settings(run.attrs["recipe"]) ==
                              yaml_lines.settings(other.attrs["recipe"]) and
                              all(run.attrs[key] == other.attrs[key] for key in
                                  ("method", "dataset", "dataset_sha256", "network", "recipe_name")))
        group = next((group for group in found if like(case.runs[group[0]])), None)
        found.append([i]) if group is None else group.append(i)
    return found


def poisson_binomial(p):
    polynomial = np.ones(1)
    for q in p:
        polynomial = np.convolve(polynomial, [1 - q, q])
    return polynomial


def laid_upon(case, group, alignment):
    """{layer: [run, out, units that are read, entries] signs of the effective weights}, and the same of g, both in the
    first run's order."""
    effective, masks = defaultdict(list), defaultdict(list)
    for i in group:
        partners = partners_of(case, group[0], i, "weight") if alignment == "aligned" and i != group[0] else \
            {level: np.arange(n) for level, n in graph_of(case, i).units.items()}
        for layer in case.runs[i].layers.values():
            effective[layer.name].append(aligned(signs(case, i, layer.name, "weight"), layer, partners))
            masks[layer.name].append(aligned(case.mask(i, layer.name), layer, partners))
    return [{name: np.array(parts) for name, parts in found.items()} for found in (effective, masks)]


def accuracy_of(effective):
    """Of a stack of dense layers with ELU on MNIST's test images, in float64."""
    values, labels = test_images()
    for l, v in enumerate(effective):
        values = (np.where(values > 0, values, np.expm1(np.minimum(values, 0))) if l else values) @ v.T
    return np.mean(values.argmax(1) == labels)


def voted_accuracy(run, effective, masks, times):
    """The first run's |w| under the signs of most runs; a tie goes to the first run, hidden or not."""
    layers = []
    for name, votes in effective.items():
        sign = np.where(votes.sum(0) != 0, np.sign(votes.sum(0)), votes[0]) * ((masks[name] != 0).sum(0) >= times)
        w = np.abs(run.layers[name].initial_weights.astype(float))
        layers.append(w * sign.reshape(w.shape))
    return accuracy_of(layers)


def degree_null(case, group, alignment, n_draws=30):
    """Histograms of `times` where every run but the first is drawn anew with its degrees: {layer: [draw, times]}."""
    spaces, rng = weight_matching.Spaces(case.runs[group[0]]), np.random.default_rng(5)
    nets = [{name: signs(case, i, name, "weight") for name in case.runs[i].layers} for i in group]
    counts = defaultdict(list)
    for others in zip(*[weight_matching.draws("degree", spaces, net, rng, n_draws) for net in nets[1:]]):
        times = {name: (x != 0).astype(int) for name, x in nets[0].items()}
        for drawn in others:
            if alignment == "aligned":
                drawn = weight_matching.placed(spaces, drawn, weight_matching.align(spaces, nets[0], drawn, True))
            for name, x in drawn.items():
                times[name] = times[name] + (x != 0)
        for name, x in times.items():
            counts[name].append(np.bincount(x.ravel(), minlength=len(group) + 1))
    counts = {name: np.array(rows) for name, rows in counts.items()}
    return {**counts, "all": sum(counts.values())}


def sampled(draws):
    """The mean of five draws of the program's own; matched, another local optimum may be found."""
    mean, sd, n = draws.mean(), draws.std(ddof=1), len(draws)
    return Close(mean, 0.05, 5 * sd * (1 / 5 + 1 / n) ** 0.5 + 1)


def ensemble_rows(label, run, effective, masks, alignment, null):
    n_runs = len(next(iter(masks.values())))
    seen = {name: np.bincount((g != 0).sum(0).ravel(), minlength=n_runs + 1) for name, g in masks.items()}
    expected = {name: g[0].size * poisson_binomial([np.mean(h != 0) for h in g]) for name, g in masks.items()}
    seen["all"], expected["all"] = sum(seen.values()), sum(expected.values())
    with_data = run.attrs["dataset"] == "mnist"
    first = accuracy_of([l.initial_weights * l.mask[-1] for l in run.layers.values()]) if with_data else nan
    for name, weights in seen.items():
        for times in range(n_runs + 1):
            measured = with_data and name == "all" and times > 0
            accuracy = voted_accuracy(run, effective, masks, times) if measured else nan
            yield {"group": label, "runs": n_runs, "layer": name, "alignment": alignment, "times": times,
                   "weights": weights[times], "expected": Close(expected[name][times], 1e-11, ABSOLUTE),
                   "at_least": weights[times:].sum(), "accuracy": Close(accuracy, 0, 5e-4),
                   "first_accuracy": Close(first if measured else nan, 0, 5e-4),
                   "expected_degree": sampled(null[name][:, times])}


def ensemble(case):
    """What a label says beyond the recipe's name is looked at by check_labels."""
    for group in seed_groups(case):
        for alignment in ["raw", "aligned"] if len(group) > 1 else []:
            yield from ensemble_rows(SKIP, case.runs[group[0]], *laid_upon(case, group, alignment), alignment,
                                     degree_null(case, group, alignment))


def check_labels(case, out):
    """Every group of several runs has a label of its own, which begins with the recipe's name."""
    groups = [group for group in seed_groups(case) if len(group) > 1]
    labels = list(dict.fromkeys(row[0] for row in read_table(out / "ensemble.tsv")[1]))
    assert len(labels) == len(groups), f"labels of groups: {labels}"
    for label, group in zip(labels, groups):
        name = case.runs[group[0]].attrs["recipe_name"]
        assert label == name or label.startswith(f"{name} ("), f"label {label} of recipe {name}"


# ---- more cases ----

def _relabel(rng, masks, weights):
    """The same network with its hidden units in another order, a tenth of its entries drawn anew."""
    before = np.arange(masks[0].shape[1])
    for l, (mask, w) in enumerate(zip(masks, weights)):
        after = rng.permutation(len(mask)) if l + 1 < len(masks) else np.arange(len(mask))
        mask, w = mask[after][:, before], w[after][:, before]
        noise = rng.random(mask.shape) < 0.1
        yield np.where(noise, rng.choice([-1, 0, 1], size=mask.shape), mask).astype(np.int8), w
        before = after


def _related_run(path, seed, recipe="name: test\n", widths=(30, 40, 25, 10)):
    common, rng = np.random.default_rng(50), np.random.default_rng(seed)
    masks = [common.choice([-1, 0, 1], size=(n, m), p=[0.1, 0.8, 0.1]) for m, n in zip(widths, widths[1:])]
    weights = [common.normal(size=mask.shape) for mask in masks]
    layers = [runfile.Layer(f"dense{l + 1}", mask[None], inputs=[f"dense{l}" if l else "input"],
                            initial_weights=w.astype(np.float32), activation="elu" if l + 2 < len(widths) else "linear")
              for l, (mask, w) in enumerate(_relabel(rng, masks, weights))]
    runfile.write(path, layers, input_shape=(1, 5, 6), weight_seed=seed, recipe=recipe)
    return path


def relabelled(directory):
    return Case("one network under five orders of its units",
                [_related_run(directory / f"order{s}.h5", s) for s in range(5)],
                tables=["matches", "consistency", "ensemble"])


def two_groups(directory):
    """Two settings in turn under one name, and one run that stands alone."""
    recipes = [f"name: test\nlearning_rate: {rate}\nweight_seed: {s}\n" for s, rate in
               enumerate(["0.05", "0.01", "0.05", "0.01", "0.05", "0.02"])]
    return Case("groups in turn", [_related_run(directory / f"turn{s}.h5", s, recipe, (30, 8, 10))
                                   for s, recipe in enumerate(recipes)], tables=["ensemble"])


def by_weight(directory):
    paths = [_related_run(directory / f"w{s}.h5", s, widths=(30, 9, 8, 4)) for s in (7, 8)]
    return Case("related, --compare weight", paths, ["--compare", "weight"], tables=["matches", "consistency"])


# ---- real images: where $SUPERMASK_DATA holds MNIST ----

MNIST = pathlib.Path(os.environ.get("SUPERMASK_DATA", "none")) / "mnist"


def read_idx(stem):
    path = next(MNIST.glob(f"{stem}*"))
    data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    shape = [int.from_bytes(data[4 + 4 * k:8 + 4 * k], "big") for k in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


@lru_cache(maxsize=None)
def test_images():
    """Each image standardized by itself, as the recipes of fcn-mnist say; and the labels."""
    images = read_idx("t10k-images").reshape(10000, -1).astype(float)
    spread = np.maximum(images.std(1, keepdims=True), 1 / np.sqrt(images.shape[1]))
    return (images - images.mean(1, keepdims=True)) / spread, read_idx("t10k-labels")


def trained(directory):
    """Small networks after one epoch: their accuracies are those of a forward pass in float64."""
    for seed in (1, 2, 3):
        subprocess.run([str(ANALYZE.with_name("supermask-train")), "fcn-mnist", "--quiet", "--epochs", "1", "--seed",
                        str(seed), "--set", "network=784-20-10", "-o", str(directory / f"s{seed}.h5")], check=True,
                       capture_output=True)
    return Case("trained on MNIST", sorted(directory.glob("s*.h5")), tables=["ensemble"])


TABLES = {"matches": matches, "consistency": consistency, "ensemble": ensemble}
CASES = [relabelled, two_groups, by_weight] + ([trained] if MNIST.is_dir() else [])
CHECKS = {"ensemble": check_labels}
