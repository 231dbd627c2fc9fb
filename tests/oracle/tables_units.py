# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of neurons.tsv, interfaces.tsv and concentration.tsv: the unit graph as matrices of integers of any length."""

from math import inf, log10, nan

import numpy as np
import runfile
from run_oracle import Case, Close
from scipy import stats


class Graph:
    """levels: "input" and the layers; units[level]; edges: [(from level, to level, routes, kept, inverted, strength)],
    each a matrix [units of to, units of from]."""

    def __init__(self, run, mask):
        layers = run.layers
        self.levels = ["input", *layers]
        readers = [l.shape[1] for l in layers.values() if "input" in l.inputs]
        self.units = {"input": min(readers), **{name: l.shape[0] for name, l in layers.items()}}
        self.edges, self.own = [], {}
        for name, layer in layers.items():
            g = mask(name)
            parts = [(g != 0).astype(int), (g == 1).astype(int), (g == -1).astype(int),
                     np.abs(layer.initial_weights.astype(float)) * (g != 0)]
            parts = [p.reshape(*p.shape[:2], -1).sum(2) for p in parts]  # kernel entries of a channel together
            self.own[name] = [p.sum(1) for p in parts]
            for source in layer.inputs:
                n = self.units[source]
                self.edges.append((source, name, *[p.reshape(p.shape[0], n, -1).sum(2) for p in parts]))
        self.output = self.levels[-1]
        self.count_routes()

    def count_routes(self):
        big = lambda matrix: matrix.astype(object)
        zero = lambda level: np.zeros(self.units[level], object)
        self.routes_in = {level: zero(level) for level in self.levels}
        self.routes_out = {level: zero(level) for level in self.levels}
        self.routes_in["input"] += 1
        self.routes_out[self.output] += 1
        for level in self.levels[1:]:
            for source, target, routes, *_ in self.edges:
                if target == level:
                    self.routes_in[level] = self.routes_in[level] + big(routes).dot(self.routes_in[source])
        for level in reversed(self.levels[:-1]):
            for source, target, routes, *_ in self.edges:
                if source == level:
                    self.routes_out[level] = self.routes_out[level] + big(routes).T.dot(self.routes_out[target])

    def incoming(self, level):
        """fan_in, kept, inverted, strength of each unit."""
        return self.own[level] if level != "input" else [np.full(self.units[level], nan)] * 4

    def outgoing(self, level):
        if level == self.output:
            return [np.full(self.units[level], nan)] * 4
        edges = [edge[2:] for edge in self.edges if edge[0] == level]
        return [sum((m.sum(0) for m in part), np.zeros(self.units[level], int)) for part in zip(*edges)] or \
            [np.zeros(self.units[level], int)] * 4

    def through(self, level):
        return self.routes_in[level] * self.routes_out[level]


def log_of(count):
    return log10(count) if count else -inf


def cell(x):
    return nan if x != x else int(x)


def neurons(case):
    for i, name in enumerate(case.names):
        graph = Graph(case.runs[i], lambda layer: case.mask(i, layer))
        for level in graph.levels:
            into, out, through = graph.incoming(level), graph.outgoing(level), graph.through(level)
            rank = [sum(1 if t > v else 0.5 if t == v else 0 for t in through) + 0.5 for v in through]
            for u in range(graph.units[level]):
                row = {"run": name, "layer": level, "unit": u}
                for side, values in [("in", into), ("out", out)]:
                    row.update({f"fan_{side}": cell(values[0][u]), f"kept_{side}": cell(values[1][u]),
                                f"inverted_{side}": cell(values[2][u]), f"strength_{side}": Close(values[3][u], 1e-12)})
                row.update(log10_paths_in=log_of(graph.routes_in[level][u]), log10_paths=log_of(through[u]),
                           log10_paths_out=log_of(graph.routes_out[level][u]), alive=int(through[u] > 0), rank=rank[u])
                yield row


def interfaces(case):
    for i, name in enumerate(case.names):
        graph = Graph(case.runs[i], lambda layer: case.mask(i, layer))
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
        graph = Graph(case.runs[i], lambda layer: case.mask(i, layer))
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


def _deep(path, depth=400, width=20):
    """So many routes that no double holds their number."""
    rng = np.random.default_rng(5)
    layers = [runfile.Layer(f"dense{l}", _ternary(rng, width, width, density=0.7),
                            inputs=[f"dense{l - 1}" if l > 1 else "input"],
                            activation="elu" if l < depth else "linear") for l in range(1, depth + 1)]
    runfile.write(path, layers, input_shape=(1, 4, 5))
    return path


def deep(directory):
    return Case("more routes than a double can hold", [_deep(directory / "deep.h5")],
                tables=["neurons", "concentration"])


TABLES = {"neurons": neurons, "interfaces": interfaces, "concentration": concentration}
CASES = [residual, deep]
