# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes and reads supermask run files with h5py alone: an independent witness of the layout, and the way in which
tests make runs of any graph without a trainer.

    import numpy as np, runfile
    mask = np.zeros((3, 4, 6), np.int8)                        # [record, out, in]; convolutions [record, out, in, kh, kw]
    hidden = runfile.Layer("dense1", mask)                     # fed by the network's input
    output = runfile.Layer("dense2", np.ones((3, 2, 4), np.int8), inputs=["dense1"], activation="linear")
    runfile.write("a.h5", [hidden, output], input_shape=(1, 2, 3))
    run = runfile.read("a.h5")                                 # run.layers["dense1"].mask, run.attrs["weight_seed"], ...

What is left out gets a plain default (weights +-0.1 from weight_seed, scores that have the first and last mask at the
threshold 0.01, one epoch and ten steps a record, metrics that fall and rise smoothly). `python3 runfile.py PATH` writes
a small example with a summed branch and a convolution."""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import h5py
import numpy as np

MASK_ENUM = {"INVERT": -1, "HIDE": 0, "KEEP": 1}
MASK_TYPE = h5py.enum_dtype(MASK_ENUM, basetype="i1")
AXES = ["out", "in", "kernel_height", "kernel_width"]
METRICS = {  # name: (unit, description)
    "epoch": ("epoch", "Number of finished passes over the training set at the row"),
    "train_loss": ("nat", "Mean loss over the training samples"),
    "train_accuracy": ("1", "Share of training samples classified correctly"),
    "test_loss": ("nat", "Mean loss over the test samples"),
    "test_accuracy": ("1", "Share of test samples classified correctly"),
    "learning_rate": ("1", "Learning rate of the epoch's last step"),
    "weight_decay": ("1", "Weight decay of the epoch's last step"),
    "remaining": ("1", "Share of weights that are kept or inverted"),
    "seconds": ("s", "Wall time since the start of training"),
}
ROUNDS = {  # name: (unit, description)
    "test_accuracy": ("1", "Test accuracy that the round is reported with"),
    "untrained_accuracy": ("1", "Test accuracy before the round's training"),
    "untrained_loss": ("nat", "Test loss before the round's training"),
    "trained_accuracy": ("1", "Test accuracy after the round's training"),
    "trained_loss": ("nat", "Test loss after the round's training"),
    "validation_loss": ("nat", "Least validation loss of the round"),
    "early_stop_step": ("step", "Steps of the round to the least validation loss"),
    "early_stop_accuracy": ("1", "Test accuracy at the least validation loss"),
}
VALUES = {
    "initial_weights": "Frozen initial weights",
    "final_weights": "Weights at the end of training",
    "initial_scores": "Scores before the first step",
    "final_scores": "Scores at the end of training",
    "mask_weights": "Weights in place under the last record's mask",
}


@dataclass
class Layer:
    """One layer. mask: int array [record, out, in] (dense) or [record, out, in, kh, kw] (conv2d)."""

    name: str
    mask: np.ndarray
    inputs: list = field(default_factory=lambda: ["input"])
    activation: str = "elu"
    stride: int = 1
    threshold: float = 0.01
    kind: str = None  # from the mask's rank
    initial_weights: np.ndarray = None
    initial_scores: np.ndarray = None
    final_scores: np.ndarray = None
    final_weights: np.ndarray = None
    mask_weights: np.ndarray = None  # optional
    score: np.ndarray = None  # [record, ...], optional

    def __post_init__(self):
        self.mask = np.asarray(self.mask, np.int8)
        if self.kind is None:
            self.kind = "dense" if self.mask.ndim == 3 else "conv2d"
        assert self.mask.ndim == {"dense": 3, "conv2d": 5}[self.kind], self.name

    @property
    def shape(self):
        return self.mask.shape[1:]

    @property
    def fan_in(self):
        return int(np.prod(self.shape[1:]))

    @property
    def fan_out(self):
        return int(self.shape[0] * np.prod(self.shape[2:]))


@dataclass
class Run:
    attrs: dict
    host: dict
    layers: dict  # name: Layer, in index order
    step: np.ndarray
    epoch: np.ndarray
    metrics: dict  # name: float64 array
    rounds: dict  # the same, of whole rows; None where the method does not work in rounds


def chunk_of(shape):
    """Whole units, as many as fit in 64 Ki weights."""
    fan_in = int(np.prod(shape[1:]))
    return (min(shape[0], max(1, 65536 // fan_in)), *shape[1:])


def make_group(parent, name, ordered=False):
    """A group without a time stamp; `ordered`: listed in the order of creation."""
    properties = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    properties.set_obj_track_times(False)
    if ordered:
        properties.set_link_creation_order(h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED)
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=properties))


def describe(dataset, description, units):
    dataset.attrs["description"] = description
    dataset.attrs["units"] = units


def default_metrics(masks, epoch):
    """A row for each record after the first, at that record's epoch."""
    n = max(len(epoch) - 1, 0)
    total = sum(m[0].size for m in masks)
    t = np.arange(1, n + 1, dtype=np.float64)
    return {
        "epoch": np.asarray(epoch[1:], np.float64),
        "train_loss": 2.0 / t,
        "train_accuracy": 1 - 0.9 / t,
        "test_loss": 2.1 / t,
        "test_accuracy": 1 - 0.95 / t,
        "learning_rate": 0.05 * 0.9**t,
        "weight_decay": 5e-4 * 0.9**t,
        "remaining": np.array([sum(np.count_nonzero(m[r + 1]) for m in masks) / total for r in range(n)]),
        "seconds": 1.5 * t,
    }


def fill_defaults(layer, rng, trains_weights, complete):
    t = 0.01 if not np.isfinite(layer.threshold) else layer.threshold
    if layer.initial_weights is None:
        layer.initial_weights = np.where(rng.random(layer.shape) < 0.5, -0.1, 0.1).astype(np.float32)
    if not trains_weights and layer.initial_scores is None:
        layer.initial_scores = (2 * t * layer.mask[0]).astype(np.float32)
    if complete and not trains_weights and layer.final_scores is None:
        layer.final_scores = (2 * t * layer.mask[-1]).astype(np.float32)
    if complete and trains_weights and layer.final_weights is None:
        layer.final_weights = (layer.initial_weights * 1.5).astype(np.float32)


def write_records(file, step, epoch):
    group = make_group(file, "records")
    scales = []
    for name, values, dtype, fill, text in [
        ("epoch", epoch, "<f8", np.nan, "Epoch (fractional) at which each mask was recorded"),
        ("step", step, "<i8", -1, "Optimizer step after which each mask was recorded; written last: its length is the "
         "number of whole records"),
    ]:
        ds = group.create_dataset(name, data=np.asarray(values, dtype), maxshape=(None,), chunks=(1024,), fillvalue=fill)
        describe(ds, text, name)
        ds.make_scale(name)
        scales.append(ds)
    return scales[::-1]  # step, epoch


def write_series(group, name, values, dtype, fill, units, text, axis):
    ds = group.create_dataset(name, data=np.asarray(values, dtype), maxshape=(None,), chunks=(1024,), fillvalue=fill)
    describe(ds, text, units)
    ds.dims[0].label = axis
    return ds


def attach_scale(group, axis):
    group[axis].make_scale(axis)
    for name in group:
        if name != axis:
            group[name].dims[0].attach_scale(group[axis])


def write_metrics(file, metrics):
    group = make_group(file, "metrics")
    for name, (units, text) in METRICS.items():
        write_series(group, name, metrics[name], "<f8", np.nan, units, text, "epoch")
    attach_scale(group, "epoch")


def write_rounds(file, rounds):
    """rounds: some of the columns of ROUNDS, all of one length; the others are NaN."""
    group = make_group(file, "rounds")
    n = len(next(iter(rounds.values())))
    assert set(rounds) <= set(ROUNDS)
    for name, (units, text) in ROUNDS.items():
        write_series(group, name, rounds.get(name, np.full(n, np.nan)), "<f8", np.nan, units, text, "round")
    write_series(group, "round", np.arange(n), "<i8", -1, "round", "Number of each round", "round")
    attach_scale(group, "round")


def label(dataset, names):
    for axis, name in enumerate(names):
        dataset.dims[axis].label = name


def write_layer(layers, index, layer, scales):
    group = make_group(layers, layer.name)
    for key, value in [("index", index), ("stride", layer.stride), ("fan_in", layer.fan_in), ("fan_out", layer.fan_out)]:
        group.attrs.create(key, value, dtype="<i8")
    group.attrs["kind"] = layer.kind
    group.attrs["activation"] = layer.activation
    group.attrs.create("threshold", layer.threshold, dtype="<f8")
    group.attrs.create("inputs", list(layer.inputs), dtype=h5py.string_dtype())
    axes = AXES[: len(layer.shape)]
    for name, text in VALUES.items():
        values = getattr(layer, name)
        if values is None:
            continue
        ds = group.create_dataset(name, data=np.asarray(values, "<f4"), chunks=chunk_of(layer.shape), compression=4,
                                  shuffle=True)
        describe(ds, text, "1")
        label(ds, axes)
    appended = [("mask", layer.mask, MASK_TYPE, False, "Ternary mask of each record: KEEP, HIDE or INVERT each weight")]
    if layer.score is not None:
        appended.append(("score", layer.score, "<f4", True, "Scores of each record"))
    for name, values, dtype, shuffle, text in appended:
        ds = group.create_dataset(name, data=np.asarray(values).astype(dtype), dtype=dtype,
                                  maxshape=(None, *layer.shape), chunks=(1, *chunk_of(layer.shape)), compression=4,
                                  shuffle=shuffle)
        describe(ds, text, "1")
        label(ds, ["record"] + axes)
        for scale in scales:
            ds.dims[0].attach_scale(scale)


def write(path, layers, *, input_shape, status="complete", steps=None, epochs=None, metrics=None, network="test",
          dataset="digits", method="signed-supermask", recipe="name: test\n", recipe_name="test", weight_seed=1,
          score_seed=2, data_seed=3, trained=None, dataset_sha256="0" * 64, created="2026-01-02T03:04:05Z",
          program_version="0.0.0", command_line="runfile.py", host=None, rounds=None):
    """Writes PATH. layers: list of Layer in the order of the forward pass. trained: "scores", "weights" (for
    method="dense") or "nothing". rounds: columns of /rounds, as write_rounds wants them."""
    trained = trained or ("weights" if method == "dense" else "scores")
    n_records = len(layers[0].mask)
    assert all(len(layer.mask) == n_records for layer in layers)
    epoch = np.arange(n_records, dtype=np.float64) if epochs is None else epochs
    step = np.rint(np.asarray(epoch) * 10).astype(np.int64) if steps is None else steps
    metrics = {**default_metrics([layer.mask for layer in layers], epoch), **(metrics or {})}
    rng = np.random.default_rng(weight_seed)
    with h5py.File(path, "w", libver="v110") as file:
        text = {"format": "supermask-run", "status": status, "created": created, "program_version": program_version,
                "command_line": command_line, "recipe": recipe, "recipe_name": recipe_name, "network": network,
                "dataset": dataset, "method": method, "dataset_sha256": dataset_sha256, "trained": trained,
                "description": "One training run of supermask"}
        for name, value in text.items():
            file.attrs[name] = value
        file.attrs.create("format_version", 1, dtype="<i8")
        file.attrs.create("input_shape", input_shape, dtype="<i8")
        for name, value in [("weight_seed", weight_seed), ("score_seed", score_seed), ("data_seed", data_seed)]:
            file.attrs.create(name, value, dtype="<u8")
        group = make_group(file, "host")
        for name, value in (host or {"cpu": "unknown"}).items():
            group.attrs[name] = value
        scales = write_records(file, step, epoch)
        write_metrics(file, metrics)
        if rounds is not None:
            write_rounds(file, rounds)
        group = make_group(file, "layers", ordered=True)
        for index, layer in enumerate(layers):
            fill_defaults(layer, rng, trained != "scores", status == "complete")
            if trained != "weights":
                layer.final_weights = None
            write_layer(group, index, layer, scales)


def read_layer(group, n_records):
    get = lambda name: group[name][()] if name in group else None
    assert h5py.check_enum_dtype(group["mask"].dtype) == MASK_ENUM
    return Layer(name=group.name.split("/")[-1], mask=group["mask"][:n_records],
                 inputs=[str(name) for name in group.attrs["inputs"]], activation=group.attrs["activation"],
                 stride=int(group.attrs["stride"]), threshold=float(group.attrs["threshold"]), kind=group.attrs["kind"],
                 score=group["score"][:n_records] if "score" in group else None, **{name: get(name) for name in VALUES})


def read_rounds(group):
    return {name: group[name][: len(group["round"])] for name in group if name != "round"}


def read(path):
    """The whole run, also one that is being written or was killed."""
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        step = file["records/step"][()]
        n_records, n_rows = len(step), len(file["metrics/epoch"])
        groups = sorted(file["layers"].values(), key=lambda group: group.attrs["index"])
        return Run(attrs=dict(file.attrs), host=dict(file["host"].attrs), step=step,
                   epoch=file["records/epoch"][:n_records],
                   layers={g.name.split("/")[-1]: read_layer(g, n_records) for g in groups},
                   metrics={name: file["metrics"][name][:n_rows] for name in file["metrics"]},
                   rounds=read_rounds(file["rounds"]) if "rounds" in file else None)


def example(path, n_records=5, seed=0):
    """conv1 -> (conv2 + conv1) -> dense1 -> dense2 with masks that lose weights from record to record."""
    rng = np.random.default_rng(seed)

    def masks(*shape):
        first = rng.integers(-1, 2, size=shape).astype(np.int8)
        kept = rng.random((n_records, *shape)) > np.linspace(0, 0.6, n_records).reshape(-1, *[1] * len(shape))
        return first * np.minimum.accumulate(kept, axis=0)

    layers = [
        Layer("conv1", masks(3, 1, 3, 3)),
        Layer("conv2", masks(3, 3, 3, 3), inputs=["conv1"]),
        Layer("dense1", masks(6, 3 * 16), inputs=["conv1", "conv2"]),
        Layer("dense2", masks(4, 6), inputs=["dense1"], activation="linear"),
    ]
    write(path, layers, input_shape=(1, 4, 4))


if __name__ == "__main__":
    example(sys.argv[1])
    print(SimpleNamespace(**{n: l.mask.shape for n, l in read(sys.argv[1]).layers.items()}))
