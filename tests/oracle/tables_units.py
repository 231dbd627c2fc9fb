# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of neurons.tsv, interfaces.tsv and concentration.tsv: the unit graph as matrices of integers of any length."""

from collections import defaultdict
from fractions import Fraction
from math import inf, log10, nan

import evaluation
import numpy as np
import runfile
from run_oracle import Case, Close
from scipy import stats

MEASURED = ["activation_mean", "activation_sd", "active_share", "ablation_accuracy_drop"]


def graph_of(case, i):
    """The graph of run i; several tables ask for it."""
    if i not in case.graphs:
        case.graphs[i] = Graph(case, i)
    return case.graphs[i]


class Graph:
    """levels: "input" and the layers; units[level]; edges: [(from level, to level, routes, kept, inverted, strength,
    positive, negative, exact)], each a matrix [units of to, units of from]; exact: the strength as fractions."""

    def __init__(self, case, i):
        layers = case.runs[i].layers
        self.levels = ["input", *layers]
        readers = [l.shape[1] for l in layers.values() if "input" in l.inputs]
        self.units = {"input": min(readers), **{name: l.shape[0] for name, l in layers.items()}}
        self.edges, self.own = [], {}
        for name, layer in layers.items():
            g = case.mask(i, name)
            v = case.weights(i, name).astype(float) * g
            exact = np.array([Fraction(float(x)) for x in np.abs(v).ravel()], object).reshape(v.shape)
            parts = [(g != 0).astype(int), (g == 1).astype(int), (g == -1).astype(int), np.abs(v),
                     (v > 0).astype(int), (v < 0).astype(int), exact]
            parts = [p.reshape(*p.shape[:2], -1).sum(2) for p in parts]  # kernel entries of a channel together
            self.own[name] = [p.sum(1) for p in parts]
            for source in layer.inputs:
                n = self.units[source]
                self.edges.append((source, name, *[p.reshape(p.shape[0], n, -1).sum(2) for p in parts]))
        self.output = self.levels[-1]
        self.routes_in, self.routes_out = self.propagate(2)
        self.flow_in, self.flow_out = self.propagate(8)

    def propagate(self, part):
        """Sums over all routes to and from each unit of the product of edge[part] along the way, exact."""
        into = {level: np.zeros(self.units[level], object) for level in self.levels}
        out = {level: np.zeros(self.units[level], object) for level in self.levels}
        into["input"] += 1
        out[self.output] += 1
        for level in self.levels[1:]:
            for edge in (edge for edge in self.edges if edge[1] == level):
                into[level] = into[level] + edge[part].astype(object).dot(into[edge[0]])
        for level in reversed(self.levels[:-1]):
            for edge in (edge for edge in self.edges if edge[0] == level):
                out[level] = out[level] + edge[part].astype(object).T.dot(out[edge[1]])
        return into, out

    def incoming(self, level):
        """fan_in, kept, inverted, strength, positive, negative of each unit."""
        return self.own[level] if level != "input" else [np.full(self.units[level], nan)] * 7

    def outgoing(self, level):
        if level == self.output:
            return [np.full(self.units[level], nan)] * 7
        edges = [edge[2:] for edge in self.edges if edge[0] == level]
        return [sum((m.sum(0) for m in part), np.zeros(self.units[level], int)) for part in zip(*edges)] or \
            [np.zeros(self.units[level], int)] * 7

    def first(self, level):
        """Number of the level's first unit over all levels."""
        return sum(self.units[name] for name in self.levels[:self.levels.index(level)])

    def through(self, level):
        return self.routes_in[level] * self.routes_out[level]

    def synflow(self, level):
        return [log_of_fraction(flow) for flow in self.flow_in[level] * self.flow_out[level]]


def log_of(count):
    return log10(count) if count else -inf


def log_of_fraction(x):
    """Fractions reach beyond the doubles in either direction; log10 of integers of any length is exact enough."""
    x = Fraction(x)
    return log10(x.numerator) - log10(x.denominator) if x else -inf


def balance(positive, negative):
    return (positive - negative) / (positive + negative) if positive + negative > 0 else nan


def logits(case, i, data, removed=None):
    masks = {name: case.mask(i, name) for name in case.runs[i].layers}
    return evaluation.activations(case.runs[i], masks, evaluation.weights_of(case.runs[i]), data, removed)[-1]


def accuracy(case, i, data, removed=None):
    """Accuracy without {level: units}, and the share of images so close to a tie that rounding to floats may decide."""
    out = logits(case, i, data, removed)
    two = np.sort(out, axis=1)[:, -2:]
    margin = two[:, 1] - two[:, 0]
    return np.mean(out.argmax(1) == data.labels), np.mean((margin > 0) & (margin < 2e-6 * np.abs(out).max(1)))


def drops(case, i, graph, data):
    """Accuracy that each unit is worth, of all levels, and how much of it rounding may decide; nan for output units.
    Two tables ask for it."""
    if i not in case.drops:
        whole, doubtful = accuracy(case, i, data)
        found = [accuracy(case, i, data, {level: [u]}) for level in graph.levels[:-1] for u in range(graph.units[level])]
        case.drops[i] = [(whole - without, doubtful + near) for without, near in found] + \
            [(nan, 0)] * graph.units[graph.output]
    return case.drops[i]


def data_at_hand(case, i):
    """Of run i, where it can be evaluated: trained weights are stored for the last record only."""
    run = case.runs[i]
    stored = run.attrs["trained"] != "weights" or case.moments[i] + 1 == len(run.step)
    return evaluation.data_of(case) if stored else None


def measured(case, i, graph):
    """The cells that take test images, for each unit over all levels."""
    data = data_at_hand(case, i)
    if data is None:
        return defaultdict(lambda: dict.fromkeys(MEASURED, nan))
    masks = {name: case.mask(i, name) for name in case.runs[i].layers}
    levels = evaluation.activations(case.runs[i], masks, evaluation.weights_of(case.runs[i]), data)
    values = np.concatenate(levels, axis=1)
    drop = drops(case, i, graph, data) if "--ablation" in case.args else [(nan, 0)] * values.shape[1]
    near_zero = np.mean(np.abs(values) < 1e-5, axis=0) * np.any(values != 0, axis=0)
    return [dict(zip(MEASURED, [Close(v.mean(), 1e-4, 1e-5), Close(v.std(), 1e-4, 1e-5),
                                Close(np.mean(v > 0), 0, near + 1e-12), Close(d[0], 0, d[1] + 1e-12)]))
            for v, near, d in zip(values.T, near_zero, drop)]


def cell(x):
    return nan if x != x else int(x)


def neurons(case):
    for i, name in enumerate(case.names):
        graph = graph_of(case, i)
        seen = measured(case, i, graph)
        for level in graph.levels:
            into, out, through = graph.incoming(level), graph.outgoing(level), graph.through(level)
            synflow = graph.synflow(level)
            rank = [sum(1 if t > v else 0.5 if t == v else 0 for t in through) + 0.5 for v in through]
            for u in range(graph.units[level]):
                row = {"run": name, "layer": level, "unit": u}
                for side, values in [("in", into), ("out", out)]:
                    row.update({f"fan_{side}": cell(values[0][u]), f"kept_{side}": cell(values[1][u]),
                                f"inverted_{side}": cell(values[2][u]), f"strength_{side}": Close(values[3][u], 1e-12)})
                row.update(log10_paths_in=log_of(graph.routes_in[level][u]), log10_paths=log_of(through[u]),
                           log10_paths_out=log_of(graph.routes_out[level][u]), alive=int(through[u] > 0), rank=rank[u])
                row.update({f"balance_{side}": balance(values[4][u], values[5][u])
                            for side, values in [("in", into), ("out", out)]})
                row.update(log10_synflow=Close(synflow[u], 0, 0.51e-10), **seen[graph.first(level) + u])
                yield row


def interfaces(case):
    for i, name in enumerate(case.names):
        graph = graph_of(case, i)
        for level in graph.levels[1:]:
            for source, target, routes, *_ in sorted(graph.edges, key=lambda edge: graph.levels.index(edge[1])):
                if source != level:
                    continue
                fan_in, fan_out = graph.incoming(level)[0], routes.sum(0)
                fed, read = set(np.flatnonzero(fan_in)), set(np.flatnonzero(fan_out))
                varies = len(set(fan_in)) > 1 and len(set(fan_out)) > 1
                r, p = stats.spearmanr(fan_in, fan_out) if varies else (nan, nan)
                yield {"run": name, "layer": level, "next_layer": target, "units": len(fan_in), "fed": len(fed),
                       "read": len(read), "both": len(fed & read),
                       "jaccard": len(fed & read) / len(fed | read) if fed | read else nan,
                       "spearman": Close(r, 1e-11, 1e-14), "p_value": Close(p, 1e-9, 1e-13)}


def gini(x):
    return np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) * x.sum()) if x.sum() > 0 else nan


def concentration(case):
    for i, name in enumerate(case.names):
        graph = graph_of(case, i)
        for level in graph.levels:
            x, y = graph.incoming(level)[0], graph.outgoing(level)[0]
            has_in, has_out = level != "input", level != graph.output
            yield {"run": name, "layer": level, "units": graph.units[level],
                   "alive": sum(int(t > 0) for t in graph.through(level)),
                   "dead_in": int(np.count_nonzero(x == 0)) if has_in else nan,
                   "dead_out": int(np.count_nonzero(y == 0)) if has_out else nan,
                   "gini_fan_in": gini(x) if has_in else nan, "gini_fan_out": gini(y) if has_out else nan,
                   "cv_fan_in": x.std() / x.mean() if has_in and x.sum() else nan,
                   "max_fan_in": int(x.max()) if has_in else nan,
                   "median_fan_in": float(np.median(x)) if has_in else nan}


def _ternary(rng, *shape, density):
    return rng.choice([-1, 0, 1], size=(1, *shape), p=[density / 2, 1 - density, density / 2]).astype(np.int8)


def _residual(path, seed, density):
    """Convolutions with a shortcut that crosses two layers, a flatten that reads a sum, unlike |w|."""
    rng = np.random.default_rng(seed)
    layers = [("conv1", (6, 3, 3, 3), ["input"]), ("conv2", (6, 6, 3, 3), ["conv1"]),
              ("conv3", (6, 6, 1, 1), ["conv1", "conv2"]), ("conv4", (6, 6, 3, 3), ["conv1", "conv2", "conv3"]),
              ("dense1", (9, 6 * 25), ["conv3", "conv4"]), ("dense2", (5, 9), ["dense1"])]
    made = [runfile.Layer(name, _ternary(rng, *shape, density=density), inputs=inputs,
                          initial_weights=rng.normal(size=shape).astype(np.float32),
                          activation="linear" if name == "dense2" else "elu") for name, shape, inputs in layers]
    runfile.write(path, made, input_shape=(3, 5, 5), weight_seed=seed)
    return path


def residual(directory):
    return Case("residual convolutions, sparse and dense",
                [_residual(directory / f"res{int(100 * d)}.h5", 21, d) for d in (0.02, 0.08, 0.3, 1)],
                tables=["neurons", "interfaces", "concentration"])


def _deep(path, depth=400, width=12):
    """So many routes that no double holds their number, and weights so small that none holds what they weigh."""
    rng = np.random.default_rng(5)
    layers = [runfile.Layer(f"dense{l}", _ternary(rng, width, width, density=0.7),
                            initial_weights=rng.integers(1, 8, (width, width)) * 2.0 ** -rng.integers(6, 14, (width, width)),
                            inputs=[f"dense{l - 1}" if l > 1 else "input"],
                            activation="elu" if l < depth else "linear") for l in range(1, depth + 1)]
    runfile.write(path, layers, input_shape=(1, 3, 4))
    return path


def deep(directory):
    return Case("more routes than a double can hold", [_deep(directory / "deep.h5")],
                tables=["neurons", "concentration"])


TABLES = {"neurons": neurons, "interfaces": interfaces, "concentration": concentration}
CASES = [residual, deep]
