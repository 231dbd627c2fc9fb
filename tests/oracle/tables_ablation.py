# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of ablation.tsv, and run files with pictures for what neurons.tsv measures: an independent forward pass, and
orders by routes counted in integers and fractions."""

import pathlib
import subprocess
import tempfile

import evaluation
import numpy as np
import philox
import runfile
from run_oracle import Case, Close, read_table
from tables_units import accuracy, data_at_hand, drops, graph_of

ORDERS = 8


class Network:
    """A run at its moment, with its test images."""

    def __init__(self, case, i):
        self.case, self.i, self.data = case, i, data_at_hand(case, i)
        self.graph = graph_of(case, i)
        exact = lambda into, out: [x for level in self.graph.levels for x in into[level] * out[level]]
        self.routes = exact(self.graph.routes_in, self.graph.routes_out)
        flow = exact(self.graph.flow_in, self.graph.flow_out)
        drop, doubtful = zip(*drops(case, i, self.graph, self.data))
        assert not any(doubtful[self.graph.units["input"]:]), "choose images that rounding cannot classify otherwise"
        self.value = {"paths": self.routes, "synflow": flow, "drop": drop}

    def alive(self, levels):
        """Units on a route, (level, unit)."""
        first = self.graph.first
        return [(level, u) for level in levels for u in range(self.graph.units[level]) if self.routes[first(level) + u]]

    def ordered(self, alive, criterion):
        number = {(level, u): self.graph.first(level) + u for level, u in alive}
        return sorted(alive, key=lambda unit: (-self.value[criterion][number[unit]], number[unit]))

    def curve(self, order):
        """[(removed, accuracy, doubtful)] at up to 17 points."""
        steps = min(16, len(order))
        points = [int(np.floor(k * len(order) / steps + 0.5)) if steps else 0 for k in range(steps + 1)]
        without = [{level: [u for own, u in order[:m] if own == level] for level in self.graph.levels} for m in points]
        return [(m, *accuracy(self.case, self.i, self.data, removed)) for m, removed in zip(points, without)]


def rows(curves, n, names):
    for points in zip(*curves):
        removed, values, doubtful = points[0][0], [p[1] for p in points], max(p[2] for p in points)
        close = lambda value: Close(value, 1e-12, doubtful + 1e-15)
        yield {**names, "removed": removed, "units": n, "share": removed / n if n else float("nan"),
               "accuracy": close(np.mean(values)), "accuracy_low": close(min(values)),
               "accuracy_high": close(max(values)), "orders": len(curves)}


def ablation(case):
    seed = int(case.args[case.args.index("--seed") + 1]) if "--seed" in case.args else 1
    for i, name in enumerate(case.names):
        if data_at_hand(case, i) is None:
            continue
        network = Network(case, i)
        hidden = network.graph.levels[1:-1]
        groups = [*((level, [level]) for level in hidden), ("all", hidden)] if hidden else []
        for number, (layer, levels) in enumerate(groups):
            alive, names = network.alive(levels), {"run": name, "layer": layer}
            for criterion in network.value:
                order = network.ordered(alive, criterion)
                for direction, one in [("first", order), ("last", order[::-1])]:
                    yield from rows([network.curve(one)], len(alive),
                                    {**names, "criterion": criterion, "direction": direction})
            shuffled = [[alive[k] for k in philox.permutation(seed, "removal", ORDERS * number + r, len(alive))]
                        for r in range(ORDERS)]
            yield from rows([network.curve(order) for order in shuffled], len(alive),
                            {**names, "criterion": "random", "direction": "random"})


def check_threads(case, out):
    """The same table from another number of threads."""
    if evaluation.data_of(case) is None:
        return
    with tempfile.TemporaryDirectory() as again:
        subprocess.run([*case.command("ablation", again), "--threads", "3"], check=True, capture_output=True)
        same = read_table(out / "ablation.tsv") == read_table(pathlib.Path(again) / "ablation.tsv")
    assert same, "the number of threads changes the table"


# ---- cases ----


def _run(path, sha256, seed, widths, density, constant=None, shape=(1, 28, 28)):
    rng = np.random.default_rng(seed)
    layers = []
    for l, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        mask = rng.choice([-1, 0, 1], size=(1, n_out, n_in), p=[density[l] / 2, 1 - density[l], density[l] / 2])
        w = rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in)
        w = np.where(rng.random((n_out, n_in)) < 0.5, -constant, constant) if constant else w
        layers.append(runfile.Layer(f"dense{l + 1}", mask, inputs=[f"dense{l}" if l else "input"],
                                    initial_weights=w.astype(np.float32),
                                    activation="elu" if l + 2 < len(widths) else "linear"))
    runfile.write(path, layers, input_shape=shape, weight_seed=seed, dataset="mnist", dataset_sha256=sha256)
    return path


def _images(directory, seed, n):
    """Noise with labels at random; the SHA-256 of the set."""
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(0, 256, (n, 784)).astype(np.uint8), rng.integers(0, 10, n).astype(np.uint8)
    return evaluation.write_mnist(directory / "data", images, labels)


def _case(name, directory, paths, seed):
    return Case(name, paths, args=["--data", str(directory / "data"), "--ablation", "--seed", str(seed)],
                tables=["neurons", "ablation"])


def measured(directory):
    """Weights of all sizes and of one; more and fewer units than points of a curve; dead units."""
    sha = _images(directory, 1, 200)
    paths = [_run(directory / "sizes.h5", sha, 1, (784, 40, 12, 10), (0.01, 0.15, 0.5)),
             _run(directory / "one-size.h5", sha, 2, (784, 30, 20, 10), (0.02, 0.2, 0.6), constant=0.25)]
    return _case("networks that lose units", directory, paths, 2**40 + 3)


def few(directory):
    """A single hidden layer, none, and a network without a route."""
    sha = _images(directory, 2, 130)
    paths = [_run(directory / "hidden.h5", sha, 3, (784, 5, 10), (0.1, 0.8)),
             _run(directory / "flat.h5", sha, 4, (784, 10), (0.1,)),
             _run(directory / "nothing.h5", sha, 5, (784, 4, 10), (0.1, 0))]
    return _case("few units or none", directory, paths, 0)


TABLES = {"ablation": ablation}
CHECKS = {"ablation": check_threads}
CASES = [measured, few]
