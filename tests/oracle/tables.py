# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of shares, changes, magnitudes and summaries, recomputed with numpy and scipy from the run files."""

import json
import math

import numpy as np
import yaml_lines
from run_oracle import ABSOLUTE, Case, Close, _dense_run
from scipy import sparse, stats
from scipy.spatial.distance import jensenshannon
from scipy.special import betaincinv, entr

nan = math.nan


def share(part, whole):
    return part / whole if whole else nan


def by_layer(arrays):
    """(name, array) of each layer, then `all` with every weight behind one another."""
    yield from arrays.items()
    yield "all", np.concatenate([a.ravel() for a in arrays.values()])


# ---- effective weights, by a graph of all units and a breadth-first search in both directions ----


def unit_graph(run, masks):
    """Edges (from, to, layer, weights) between units. Units of a level are numbered from its offset."""
    shape = run.attrs["input_shape"]
    first = next(iter(run.layers.values()))
    sizes = {"input": int(shape[0]) if first.kind == "conv2d" else int(np.prod(shape))}
    sizes |= {name: layer.shape[0] for name, layer in run.layers.items()}
    offset, total = {}, 0
    for name, size in sizes.items():
        offset[name], total = total, total + size
    edges = []
    for index, (name, layer) in enumerate(run.layers.items()):
        mask = masks[name].reshape(layer.shape[0], layer.shape[1], -1)
        for out, inp in zip(*np.nonzero(np.count_nonzero(mask, axis=2))):
            count = np.count_nonzero(mask[out, inp])
            for source in layer.inputs:
                unit = int(inp) // (layer.shape[1] // sizes[source])
                edges.append((offset[source] + unit, offset[name] + int(out), index, count))
    return edges, offset, sizes, total


def reach(starts, edges, total):
    """Units that can be reached from `starts`: a virtual unit before them, then a breadth-first search."""
    rows = [total] * len(starts) + [e[0] for e in edges]
    columns = list(starts) + [e[1] for e in edges]
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(total + 1, total + 1))
    found = sparse.csgraph.breadth_first_order(matrix, total, return_predecessors=False)
    return set(int(unit) for unit in found) - {total}


def effective(run, masks):
    """Weights of each layer on a path from an input to an output. A weight of a summed branch is one weight: it counts
    where at least one of its branches is reached."""
    edges, offset, sizes, total = unit_graph(run, masks)
    last = list(run.layers)[-1]
    forward = reach(range(offset["input"], offset["input"] + sizes["input"]), edges, total)
    back = reach(range(offset[last], offset[last] + sizes[last]), [(b, a, l, n) for a, b, l, n in edges], total)
    result = []
    for name, layer in run.layers.items():
        mask, count = masks[name].reshape(layer.shape[0], layer.shape[1], -1), 0
        for out in range(layer.shape[0]):
            for inp in range(layer.shape[1]):
                units = [offset[s] + inp // (layer.shape[1] // sizes[s]) for s in layer.inputs]
                if offset[name] + out in back and any(unit in forward for unit in units):
                    count += np.count_nonzero(mask[out, inp])
        result.append(int(count))
    return result


def masks_at(run, record):
    return {name: layer.mask[record] for name, layer in run.layers.items()}


# ---- one function for each table ----


def wilson(k, n):
    if n == 0:
        return nan, nan
    z, p = stats.norm.ppf(0.975), k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def ratios(case):
    for name, run in zip(case.names, case.runs):
        for record in range(len(run.step)):
            masks = masks_at(run, record)
            counts = effective(run, masks)
            for (layer, mask), on_path in zip(by_layer(masks), [*counts, sum(counts)]):
                keep, hide, invert = (int(np.sum(mask == value)) for value in (1, 0, -1))
                n, left = mask.size, keep + invert
                low, high = wilson(invert, left)
                yield {"run": name, "layer": layer, "record": record, "step": run.step[record], "epoch": run.epoch[record],
                       "weights": n, "n_keep": keep, "n_hide": hide, "n_invert": invert, "keep": keep / n,
                       "hide": hide / n, "invert": invert / n, "remaining": left / n, "effective_remaining": on_path / n,
                       "inverted_share": share(invert, left), "inverted_low": Close(low, absolute=1e-14),
                       "inverted_high": high}


def flips(case):
    states = {"keep": 1, "hide": 0, "invert": -1}
    for name, run in zip(case.names, case.runs):
        whole = {n: layer.mask for n, layer in run.layers.items()}
        joined = np.concatenate([m.reshape(len(m), -1) for m in whole.values()], axis=1)
        for t in range(1, len(run.step)):
            for layer, m in [*whole.items(), ("all", joined)]:
                a, b, n = m[t - 1], m[t], m[t].size
                row = {"run": name, "layer": layer, "from_step": run.step[t - 1], "to_step": run.step[t], "weights": n,
                       "flips": int(np.sum(a != b)), "flip_rate": np.mean(a != b)}
                row |= {f"{i}_{j}": int(np.sum((a == states[i]) & (b == states[j]))) for i in states for j in states}
                row |= {"distance_to_initial": np.mean(b != m[0]), "distance_to_final": np.mean(b != m[-1]),
                        "jaccard_to_final": share(int(np.sum((b != 0) & (m[-1] != 0))),
                                                  int(np.sum((b != 0) | (m[-1] != 0)))),
                        "to_epoch": run.epoch[t], "to_record": t}
                yield row


def settling(case):
    for name, run in zip(case.names, case.runs):
        whole = {n: layer.mask.reshape(len(layer.mask), -1) for n, layer in run.layers.items()}
        joined = np.concatenate(list(whole.values()), axis=1)
        for layer, m in [*whole.items(), ("all", joined)]:
            for t in range(len(m)):  # settled: equal to its last value from here on
                yield {"run": name, "layer": layer, "step": run.step[t], "record": t,
                       "settled": np.mean(np.all(m[t:] == m[-1], axis=0))}


def layers(case):
    counts = [{n: [int(np.sum(case.mask(i, n) == v)) for v in (1, 0, -1)] for n in run.layers}
              for i, run in enumerate(case.runs)]
    for i, a in enumerate(case.names):
        for j in range(i, len(case.names)):
            for la, ca in counts[i].items():
                for lb, cb in counts[j].items():
                    # the root turns 1e-16 in the divergence of equal shares into 1e-8
                    yield {"run_a": a, "layer_a": la, "run_b": case.names[j], "layer_b": lb,
                           "js_distance": Close(float(jensenshannon(ca, cb, base=2)), rel=1e-9, absolute=3e-8)}


def ks(chosen, whole):
    """Largest distance of the two empirical distributions, looked at behind every value."""
    if len(chosen) == 0:
        return nan, nan
    points = np.unique(whole)
    behind = lambda sample: np.searchsorted(np.sort(sample), points, side="right") / len(sample)
    distance = float(np.max(np.abs(behind(chosen) - behind(whole))))
    n, m = len(chosen), len(whole)
    return distance, float(stats.kstwobign.sf(distance * math.sqrt(n * m / (n + m))))


def weights(case):
    for i, (name, run) in enumerate(zip(case.names, case.runs)):
        for layer_name, layer in run.layers.items():
            whole = np.abs(layer.initial_weights.astype(np.float64)).ravel()
            mask = case.mask(i, layer_name).ravel()
            for state, value in [("keep", 1), ("invert", -1), ("hide", 0)]:
                chosen = whole[mask == value]
                distance, p = ks(chosen, whole)
                sd = float(np.std(chosen, ddof=1)) if len(chosen) > 1 else nan
                yield {"run": name, "layer": layer_name, "state": state, "n": len(chosen),
                       "mean_abs": float(np.mean(chosen)) if len(chosen) else nan, "sd_abs": sd,
                       "ks_distance": Close(distance, absolute=ABSOLUTE), "ks_p_value": Close(p, rel=1e-10)}


def summary_rows(case):
    for i, (name, run) in enumerate(zip(case.names, case.runs)):
        masks = masks_at(run, case.moments[i])
        joined = np.concatenate([m.ravel() for m in masks.values()])
        entropy = [np.sum(entr([np.mean(m == v) for v in (1, 0, -1)])) / math.log(2) for m in masks.values()]
        bits = float(np.average(entropy, weights=[m.size for m in masks.values()]))
        if run.attrs["trained"] == "weights":
            bits = nan
        record, until = case.moments[i], run.epoch[case.moments[i]]
        if run.rounds is not None:  # a round's record stands at its beginning
            if record + 1 < len(run.epoch):
                until = run.epoch[record + 1]
            elif record < len(run.rounds["test_accuracy"]) and len(run.metrics["epoch"]):
                until = max(until, run.metrics["epoch"][-1])
        seen = run.metrics["epoch"] <= until
        measured = lambda key: run.metrics[key][seen]
        last = lambda key: float(measured(key)[-1]) if seen.any() else nan
        accuracy = last("test_accuracy")
        best = measured("test_accuracy")
        best = best[~np.isnan(best)]
        if run.rounds is not None:
            rows = run.rounds["test_accuracy"]
            accuracy = float(rows[record]) if record < len(rows) else nan
            best = rows[: record + 1]
            best = best[~np.isnan(best)]
        yield {"run": name, "network": run.attrs["network"], "dataset": run.attrs["dataset"],
               "method": run.attrs["method"], "recipe": run.attrs["recipe_name"],
               "weight_seed": run.attrs["weight_seed"], "score_seed": run.attrs["score_seed"],
               "data_seed": run.attrs["data_seed"], "parameters": joined.size,
               "remaining_weights": np.count_nonzero(joined), "remaining": np.mean(joined != 0),
               "effective_remaining": sum(effective(run, masks)) / joined.size, "test_accuracy": accuracy,
               "best_test_accuracy": float(np.max(best)) if len(best) else nan, "epochs": until,
               "seconds": last("seconds"), "bits_per_weight": bits, "compression": 32 / bits if bits > 0 else nan,
               "unfinished": int(run.attrs["status"] != "complete" or record < len(run.epoch) - 1)}


METRICS = ["test_accuracy", "best_test_accuracy", "remaining", "effective_remaining", "seconds"]


def t_quantile(n):
    """t(.975, n - 1) by the incomplete beta function: scipy 1.10's own quantile is good to ten digits only."""
    x = betaincinv((n - 1) / 2, 0.5, 0.05)
    return math.sqrt((n - 1) * (1 - x) / x)


def estimate(values):
    """Mean, sd and t interval of the mean."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return values.mean(), nan, nan, nan
    mean, sd = values.mean(), values.std(ddof=1)
    half = t_quantile(len(values)) * stats.sem(values)
    return mean, sd, mean - half, mean + half


def shapes(run):
    """What must be alike where masks are compared weight by weight."""
    return tuple((name, layer.shape, layer.kind, layer.stride, tuple(layer.inputs)) for name, layer in run.layers.items())


def group_rows(case):
    rows = list(summary_rows(case))
    settings = [yaml_lines.settings(run.attrs["recipe"]) for run in case.runs]
    names = [tuple(row[key] for key in ("network", "dataset", "method", "recipe")) for row in rows]
    members = {}
    for i, name in enumerate(names):
        members.setdefault((name, settings[i], shapes(case.runs[i])), []).append(i)
    for (name, lines, _), runs in members.items():
        others = [other for (n, other, _) in members if n == name]
        differing = sorted(line for line in lines if any(line not in other for other in others))
        row = dict(zip(("network", "dataset", "method", "recipe"), name)) | {"variant": differing, "runs": len(runs)}
        for metric in METRICS:
            values = estimate([rows[i][metric] for i in runs])
            row |= {f"{metric}_{part}": value for part, value in zip(("mean", "sd", "low", "high"), values)}
        published = yaml_lines.published(case.runs[runs[0]].attrs["recipe"])
        unfinished = sum(rows[i]["unfinished"] for i in runs)
        difference = lambda mean, value: nan if unfinished else mean - value
        yield row | {"published_accuracy": published[0],
                     "accuracy_difference": difference(row["test_accuracy_mean"], published[0]),
                     "published_remaining": published[1],
                     "remaining_difference": difference(row["remaining_mean"], published[1]),
                     "departures": "-",  # no recipe of these cases has the name of a shipped one
                     "unfinished": unfinished}


def groups(case):
    for row in group_rows(case):
        yield {key: Close(value, absolute=1e-14) if isinstance(value, float) else value
               for key, value in row.items()} | {"variant": ", ".join(row["variant"]) or "-"}


def check_groups(case, out):
    """summary.json says the same as the tables."""
    def refuse(constant):
        raise AssertionError(f"summary.json: {constant} is not JSON")

    same = lambda want, got: got is None if isinstance(want, float) and not math.isfinite(want) else (
        math.isclose(want, got, rel_tol=1e-12, abs_tol=1e-14) if isinstance(want, float) else want == got)
    text = json.loads((out / "summary.json").read_text("utf-8"), parse_constant=refuse)
    rows = list(summary_rows(case))
    assert len(text["runs"]) == len(rows), "summary.json: number of runs"
    for want, got in zip(rows, text["runs"]):
        assert list(want) == list(got), "summary.json: fields of a run"
        for key in want:
            assert same(want[key], got[key]), f"summary.json: {key} is {got[key]}, expected {want[key]}"
    want_groups = list(group_rows(case))
    assert len(text["groups"]) == len(want_groups), "summary.json: number of groups"
    for want, got in zip(want_groups, text["groups"]):
        assert len(got["runs"]) == want["runs"], "summary.json: runs of a group"
        for metric in METRICS:
            for part in ("mean", "sd", "low", "high"):
                assert same(float(want[f"{metric}_{part}"]), got[metric][part]), f"summary.json: {metric} {part}"


# ---- more cases ----

RECIPE = """name: fcn-of-mine
learning_rate: {rate}
weight_seed: {seed}
threads: {threads}
published_accuracy: {accuracy}
published_remaining: 0.0377
"""


def variants(directory):
    """Two settings under one recipe name, seeds in turn, one of them beyond 2^63; a dense run beside them."""
    paths = []
    for i, rate in enumerate([0.05, 0.01, 0.05, 0.01, 0.05]):
        paths.append(directory / f"variant{i}.h5")
        seed = 2**64 - 1 if i == 4 else i
        _dense_run(paths[-1], 20 + i, recipe=RECIPE.format(rate=rate, seed=seed, threads=i, accuracy=0.9748),
                   recipe_name="fcn-of-mine", data_seed=seed, trained=None,
                   metrics={"test_accuracy": np.array([0.5, 0.9 + i / 100, 0.8])})
    paths.append(_dense_run(directory / "dense.h5", 30, p=(0, 0, 1), method="dense", recipe_name="fcn-of-mine",
                            recipe=RECIPE.format(rate=0.05, seed=1, threads=1, accuracy=0.9742)))
    return Case("variants of a recipe", paths, tables=["summary", "groups"])


def unmeasured(directory):
    """Test accuracy not measured at the last epoch; before the first row with --at 0."""
    metrics = {"test_accuracy": np.array([0.5, 0.75, nan])}
    return Case("accuracy not measured", [_dense_run(directory / "unmeasured.h5", 31, metrics=metrics)],
                tables=["summary", "groups"])


def beginning(directory):
    return Case("--at 0", [_dense_run(directory / "beginning.h5", 32)], at=0.0)


TABLES = {"ratios": ratios, "flips": flips, "settling": settling, "layers": layers, "weights": weights,
          "summary": summary_rows, "groups": groups}
CHECKS = {"groups": check_groups}
CASES = [variants, unmeasured, beginning]
