# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs for the figures' tests, and another computation of what the analyzer writes into OUT/data.

    python3 figures.py make DIR         a.h5 b.h5 (784-6-10, two seeds, images in DIR/data), one.h5 (a single record, 16-5-3),
                                        conv.h5, wide.h5, hidden.h5 (all hidden in every record), other1.h5 other2.h5
                                        (as a and b, of another method with the same recipe, in rounds), strange.h5
                                        (as a, of a third method, with other weights from the same seed)
                                        t1.h5 t2.h5 c.h5 h.h5 g.h5 (runs in rounds: two seeds, another recipe, and two of
                                        one recipe that stopped nowhere early), once.h5 (nine rounds of one training), odd1.h5 odd2.h5 (one round; all hidden, not measured)
    python3 figures.py check OUT RUN... OUT/data against the run files
    python3 figures.py check_mixed OUT A B CONV    OUT/data of a group of two runs and one with a convolution
    python3 figures.py check_methods OUT A B OTHER1 OTHER2    OUT/data of two groups of two runs and STRANGE
    python3 figures.py check_rounds OUT T1 T2 C H G    OUT/data of runs in rounds"""

import csv
import sys
from pathlib import Path

import h5py
import numpy as np
from scipy import stats

import evaluation
import runfile
import tables_rounds


def dense_run(path, widths, shape, seed, records=4, density=0.5, binary=False, strange=False, **keywords):
    rng = np.random.default_rng(seed)
    layers, before = [], "input"
    for l, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        mask = np.stack([rng.choice([-1, 0, 1], (n_out, n_in), p=[density / 2, 1 - density, density / 2])
                         for _ in range(records)]).astype(np.int8)
        mask = abs(mask) if binary else mask
        last = l == len(widths) - 2
        weights = np.random.default_rng(l).normal(size=(n_out, n_in)).astype("f4") if strange else None
        layers.append(runfile.Layer(f"dense{l + 1}", mask, inputs=[before], activation="linear" if last else "elu",
                                    initial_weights=weights))
        before = f"dense{l + 1}"
    runfile.write(path, layers, input_shape=shape, weight_seed=seed, score_seed=seed, **keywords)


def conv_run(path):
    rng = np.random.default_rng(3)
    first = runfile.Layer("conv1", rng.choice([-1, 0, 1], (3, 4, 1, 3, 3)).astype(np.int8))
    second = runfile.Layer("dense1", rng.choice([-1, 0, 1], (3, 2, 4 * 16)).astype(np.int8), inputs=["conv1"],
                           activation="linear")
    runfile.write(path, [first, second], input_shape=(1, 4, 4))


def runs_in_rounds(folder):
    recipe = "name: lottery\nweight_seed: {}\nscore_seed: {}\n"
    for name, seed in (("t1", 1), ("t2", 2)):
        tables_rounds.pruned(folder / f"{name}.h5", seed, 5, 5, widths=(60, 50, 3), method="lottery-ticket",
                             recipe_name="lottery", recipe=recipe.format(seed, seed))
    tables_rounds.pruned(folder / "c.h5", 3, 4, 4, widths=(60, 50, 3), method="lottery-ticket", recipe_name="control",
                         recipe="name: control\nmasks_from: t1.h5\n")
    for name, seed, criterion in (("h", 4, "large_final"), ("g", 7, "random")):
        tables_rounds.pruned(folder / f"{name}.h5", seed, 3, 3, columns=["test_accuracy", "untrained_accuracy"],
                             method="supermask-heuristic", recipe_name="heuristic",
                             recipe=f"name: heuristic\ncriterion: {criterion}\n")
    tables_rounds.pruned(folder / "once.h5", 8, 9, 9, widths=(60, 50, 3), method="supermask-heuristic",
                         steps=np.array([0] + [40] * 8), epochs=np.array([0.0] + [4.0] * 8),
                         metrics={"epoch": np.arange(1, 9) / 2})
    tables_rounds.pruned(folder / "odd1.h5", 5, 1, 1, columns=["test_accuracy"], method="lottery-ticket")
    tables_rounds.pruned(folder / "odd2.h5", 6, 3, 3, columns=["test_accuracy"], method="lottery-ticket")
    with h5py.File(folder / "odd2.h5", "r+") as run:
        for layer in run["layers"].values():
            layer["mask"][:] = 0
        run["rounds/test_accuracy"][0] = np.nan


def make(folder):
    folder = Path(folder)
    rng = np.random.default_rng(5)
    sha = evaluation.write_mnist(folder / "data", evaluation.draw_images(rng, 200), rng.integers(0, 10, 200))
    for name, seed in (("a", 1), ("b", 2)):
        dense_run(folder / f"{name}.h5", (784, 6, 10), (1, 28, 28), seed, dataset="mnist", dataset_sha256=sha)
    for seed, accuracy in ((1, [0.5, 0.7, 0.6]), (2, [0.4, np.nan, 0.7])):
        dense_run(folder / f"other{seed}.h5", (784, 6, 10), (1, 28, 28), seed, density=0.3, binary=True, dataset="mnist",
                  dataset_sha256=sha, method="edge-popup", rounds={"test_accuracy": np.array(accuracy)})
    dense_run(folder / "strange.h5", (784, 6, 10), (1, 28, 28), 1, binary=True, strange=True, dataset="mnist",
              dataset_sha256=sha, method="supermask")
    dense_run(folder / "one.h5", (16, 5, 3), (1, 4, 4), 1, records=1)
    dense_run(folder / "wide.h5", (16, 6, 3), (1, 4, 4), 4)
    dense_run(folder / "hidden.h5", (16, 5, 3), (1, 4, 4), 5, records=7, density=0)
    conv_run(folder / "conv.h5")
    runs_in_rounds(folder)


def table(path):
    with open(path) as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def check_paths(out, files):
    """Products of V = w g, last layer first."""
    means = []
    for path in files:
        with h5py.File(path) as run:
            names = sorted(run["layers"], key=lambda name: run["layers"][name].attrs["index"])
            product = None
            for name in reversed(names):
                layer = run["layers"][name]
                v = layer["initial_weights"][:].astype(float) * layer["mask"][-1]
                product = v if product is None else product @ v
            means.append(product)
    rows = table(out / "data/input-pixels-classes.tsv")
    np.testing.assert_allclose(column(rows, "first"), means[0].ravel(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(column(rows, "mean"), np.mean(means, axis=0).ravel(), rtol=1e-12, atol=1e-15)
    assert np.ptp(column(rows, "first")) > 0


def check_scores(out, path):
    rows = table(out / "data/scores.tsv")
    with h5py.File(path) as run:
        for name in run["layers"]:
            mine = [row for row in rows if row["layer"] == name]
            edges = np.append(column(mine, "low"), float(mine[-1]["high"]))
            for key, values in (("initial_density", "initial_scores"), ("final_density", "final_scores")):
                scores = run["layers"][name][values][:].astype(float).ravel()
                assert abs(np.sum(column(mine, key) * np.diff(edges)) - 1) < 1e-9, "a density that is none"
                # A score on an edge may fall to either side by rounding: compare away from the edges.
                inside = np.abs(scores[:, None] - edges[None, :]).min(axis=1) > 1e-9
                expected, _ = np.histogram(scores[inside], edges)
                counts = column(mine, key) * np.diff(edges) * scores.size
                assert np.all(counts + 1e-6 >= expected) and counts.sum() - expected.sum() < (~inside).sum() + 1e-6


def check_mask(out, path):
    mask = np.loadtxt(out / "data/first-layer-mask.tsv", dtype=int)
    with h5py.File(path) as run:
        np.testing.assert_array_equal(mask, run["layers/dense1/mask"][-1])


def check_training(out, files):
    rows = table(out / "data/training.tsv")
    for path in files:
        mine = [row for row in rows if row["run"] == Path(path).stem]
        with h5py.File(path) as run:
            for name in ("epoch", "test_accuracy", "train_loss", "remaining"):
                np.testing.assert_array_equal(column(mine, name), run[f"metrics/{name}"][:])


def check(out, *files):
    out = Path(out)
    check_paths(out, files)
    check_scores(out, files[0])
    check_mask(out, files[0])
    check_training(out, files)


def check_filters(rows, path):
    layer = runfile.read(path).layers["conv1"]
    mask = layer.mask[-1]
    assert [int(row["mask"]) for row in rows] == mask.ravel().tolist()
    np.testing.assert_allclose(column(rows, "weight"), (layer.initial_weights.astype(float) * mask).ravel(), rtol=1e-12)
    places = np.array([[int(row[key]) for key in ("filter", "channel", "row", "column")] for row in rows])
    np.testing.assert_array_equal(places, np.argwhere(np.ones(mask.shape)))
    assert {row["filters"] for row in rows} == {str(len(mask))}


def check_shares(rows, files):
    runs = [runfile.read(path) for path in files]
    remaining = np.mean([sum(np.count_nonzero(layer.mask[-1]) for layer in run.layers.values())
                         / sum(layer.mask[-1].size for layer in run.layers.values()) for run in runs])
    assert [row["layer"] for row in rows] == list(runs[0].layers)
    for row in rows:
        for name, value in (("keep", 1), ("invert", -1)):
            want = np.mean([np.mean(run.layers[row["layer"]].mask[-1] == value) for run in runs])
            assert abs(float(row[name]) - want) < 1e-12
        assert abs(float(row["network_remaining"]) - remaining) < 1e-12 and int(row["runs"]) == len(runs)


def check_mixed(out, a, b, conv):
    check_filters(table(Path(out) / "data/filters.tsv"), conv)
    rows = table(Path(out) / "data/architectures.tsv")
    check_shares([row for row in rows if row["group"] == "1"], (a, b))
    check_shares([row for row in rows if row["group"] == "2"], (conv,))


def check_lists(out):
    of = lambda name: [(row["run"], row["curve"], row["panel"]) for row in table(out / f"data/{name}.tsv")]
    assert [row["own_masks"] for row in table(out / "data/rounds.tsv")] == ["1", "1", "0", "1", "1"]
    ticket, untrained = "lottery-ticket · test · digits", "supermask-heuristic · test · digits"
    expected = [("t1", "lottery", ticket), ("t2", "lottery", ticket), ("c", "control", ticket)]
    assert of("early-stop") == expected
    assert of("rounds") == [*expected, ("h", "criterion: large_final", untrained), ("g", "criterion: random", untrained)]


def check_plane(rows, path):
    """A sample of both kinds of weights: whole where there are at most 1000, each weight once, all over the layer."""
    for name, layer in runfile.read(path).layers.items():
        mine = [row for row in rows if row["layer"] == name]
        points = list(zip(column(mine, "initial_weight").astype("f4"), column(mine, "final_weight").astype("f4"),
                          column(mine, "mask").astype(int)))
        mask = layer.mask[-1].ravel()
        place = {point: i for i, point in enumerate(zip(layer.initial_weights.ravel(), layer.final_weights.ravel(), mask))}
        places = np.array([place[point] for point in points])
        assert np.all(np.diff(places) > 0)
        for kind in (0, 1):
            among, n = np.flatnonzero(mask == kind), int(np.sum(mask[places] == kind))
            assert n == min(1000, len(among))
            assert len(among) <= 1000 or abs(np.mean(places[mask[places] == kind]) / mask.size - 0.5) < 0.05
        assert {float(row["remaining"]) for row in mine} == {np.mean(mask != 0)}


def check_rounds(out, *files):
    out = Path(out)
    check_lists(out)
    rows = table(out / "data/criterion-plane.tsv")
    assert {row["run"] for row in rows} == {"t1", "c", "h", "g"}
    for path in files:
        mine = [row for row in table(out / "data/round-accuracies.tsv") if row["run"] == Path(path).stem]
        np.testing.assert_array_equal(column(mine, "test_accuracy"), runfile.read(path).rounds["test_accuracy"])
        assert [int(row["round"]) for row in mine] == list(range(len(mine)))
    for path in (files[0], *files[2:]):
        check_plane([row for row in rows if row["run"] == Path(path).stem], path)


def alive_units(masks):
    """Of a stack of dense layers: input and hidden units that are on a route from input to output."""
    masks = [mask != 0 for mask in masks]
    reached, leads = [np.ones(masks[0].shape[1], bool)], [np.ones(len(masks[-1]), bool)]
    for mask in masks:
        reached.append((mask & reached[-1]).any(1))
    for mask in masks[::-1]:
        leads.insert(0, (mask & leads[0][:, None]).any(0))
    return [a & b for a, b in zip(reached, leads)][:-1]


def check_neurons(rows, groups):
    """groups: lists of paths. Of hidden layers the first run of each alone: both have weight seed 1."""
    ranks = {}
    for number, files in enumerate(groups, 1):
        masks = [[layer.mask[-1] for layer in runfile.read(path).layers.values()] for path in files]
        kept = {"input": np.mean([(m[0] != 0).sum(0) for m in masks], axis=0), "dense1": (masks[0][0] != 0).sum(1)}
        alive = {"input": np.mean([alive_units(m)[0] for m in masks], axis=0), "dense1": alive_units(masks[0])[1]}
        for layer, want in kept.items():
            mine = [row for row in rows if row["group"] == str(number) and row["layer"] == layer]
            assert [int(row["unit"]) for row in mine] == list(range(len(want)))
            assert {row["runs"] for row in mine} == {str(len(files) if layer == "input" else 1)}
            np.testing.assert_allclose(column(mine, "kept"), want, rtol=1e-12)
            np.testing.assert_allclose(column(mine, "relative"), want / want.mean(), rtol=1e-12)
            np.testing.assert_allclose(column(mine, "alive"), alive[layer], rtol=1e-12)
            ranks.setdefault(layer, []).append(stats.rankdata(want))
            ranks[layer, number] = column(mine, "place")
    for layer in ("dense1",):  # the order of the inputs is also that of the third group
        order = np.argsort(-np.sum(ranks[layer], axis=0), kind="stable")
        for number in range(1, len(groups) + 1):
            np.testing.assert_array_equal(np.argsort(ranks[layer, number]), order)


def check_trajectories(rows, files):
    runs = [runfile.read(path) for path in files]
    remaining = lambda run, r: np.mean(np.concatenate([layer.mask[r].ravel() != 0 for layer in run.layers.values()]))
    assert len(rows) == len(runs[0].rounds["test_accuracy"]) and {row["group"] for row in rows} == {"2"}
    for r, row in enumerate(rows):
        found = [(remaining(run, r), run.rounds["test_accuracy"][r]) for run in runs]
        found = np.array([pair for pair in found if np.isfinite(pair[1])])
        want = [len(found), *found.mean(0), found[:, 1].min(), found[:, 1].max()]
        got = [float(row[name]) for name in ("runs", "remaining", "test_accuracy", "lowest", "highest")]
        np.testing.assert_allclose(got, want, rtol=1e-12)


def check_methods(out, a, b, other1, other2):
    rows = table(Path(out) / "data/methods-neurons.tsv")
    assert {row["layer"] for row in rows if row["group"] == "3"} == {"input"}  # its hidden units are others
    check_neurons(rows, [(a, b), (other1, other2)])
    check_trajectories(table(Path(out) / "data/trajectories.tsv"), (other1, other2))


if __name__ == "__main__":
    {"make": make, "check": check, "check_mixed": check_mixed, "check_methods": check_methods,
     "check_rounds": check_rounds}[sys.argv[1]](*sys.argv[2:])
