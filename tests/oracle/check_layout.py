# SPDX-License-Identifier: GPL-3.0-or-later
"""check_layout.py FILE...          is each file laid out exactly as a run file is documented?
check_layout.py --same A B       do two run files hold the same (but for `created` and metrics/seconds)?

Prints one line a deviation; exit status 1 if there is one. Reads with h5py as a user would: no SWMR, no plug-in."""

import re
import sys

import h5py
import numpy as np

TEXTS = {"format", "status", "created", "program_version", "command_line", "recipe", "recipe_name", "network", "dataset",
         "method", "dataset_sha256", "description", "trained"}
SEEDS = {"weight_seed", "score_seed", "data_seed"}
LAYER_ATTRIBUTES = {"index", "kind", "activation", "stride", "threshold", "fan_in", "fan_out", "inputs"}
METRIC_UNITS = {"epoch": "epoch", "train_loss": "nat", "train_accuracy": "1", "test_loss": "nat", "test_accuracy": "1",
                "learning_rate": "1", "weight_decay": "1", "remaining": "1", "seconds": "s"}
ROUND_UNITS = {"test_accuracy": "1", "untrained_accuracy": "1", "untrained_loss": "nat", "trained_accuracy": "1",
               "trained_loss": "nat", "validation_loss": "nat", "early_stop_step": "step", "early_stop_accuracy": "1",
               "round": "round"}
RECORD_UNITS = {"step": "step", "epoch": "epoch"}
MASK_ENUM = {"INVERT": -1, "HIDE": 0, "KEEP": 1}
AXES = ["out", "in", "kernel_height", "kernel_width"]


class Checker:
    def __init__(self, path):
        self.path, self.errors = path, 0

    def expect(self, truth, message):
        if not truth:
            self.errors += 1
            print(f"{self.path}: {message}")

    def equal(self, found, expected, what):
        self.expect(found == expected, f"{what} is {found!r}, expected {expected!r}")

    def described(self, ds, units):
        self.equal(set(ds.attrs) & {"description", "units"}, {"description", "units"}, f"attributes of {ds.name}")
        self.expect(len(ds.attrs.get("description", "")) > 5, f"{ds.name} has no description")
        self.equal(ds.attrs.get("units"), units, f"{ds.name}@units")

    def stamped(self, path, obj):
        """No object carries a time of its own (h5py writes none by default)."""
        self.equal(h5py.h5g.get_objinfo(obj.id).mtime, 0, f"time stamp of {path}")


def check_description(c, file):
    """A text that any YAML reader understands, with the layers of /layers in their order."""
    if "network_description" not in file:
        return
    ds = file["network_description"]
    c.equal(ds.shape, (), "shape of network_description")
    c.expect(len(ds.attrs.get("description", "")) > 5, "network_description has no description")
    text = ds.asstr()[()]
    for part in [f'name: "{file.attrs["network"]}"', f"input: [{', '.join(str(n) for n in file.attrs['input_shape'])}]"]:
        c.expect(part in text.splitlines(), f"network_description has no line '{part}'")
    names = re.findall(r'^  - \{name: "([^"]*)", kind: (?:dense|conv2d),', text, re.MULTILINE)
    groups = sorted(file["layers"].values(), key=lambda group: group.attrs["index"])
    c.equal(names, [group.name.split("/")[-1] for group in groups], "layers of network_description")


def check_root(c, file):
    attrs = file.attrs
    c.equal(set(attrs) - {"rescale", "mask_sampling", "train_images", "test_images"}, TEXTS | SEEDS | {"format_version", "input_shape"}, "root attributes")
    for name in TEXTS & set(attrs):
        c.expect(isinstance(attrs[name], str), f"@{name} does not read as str")
    for name in SEEDS & set(attrs):
        c.equal(attrs[name].dtype, np.dtype("uint64"), f"type of @{name}")
    c.equal(attrs["format"], "supermask-run", "@format")
    c.equal(int(attrs["format_version"]), 1, "@format_version")
    c.expect(attrs["status"] in ("running", "complete"), f"@status {attrs['status']}")
    c.expect(attrs["trained"] in ("scores", "weights", "nothing"), f"@trained {attrs['trained']}")
    c.expect(attrs.get("rescale", "none") in ("none", "dynamic"), f"@rescale {attrs.get('rescale')}")
    c.equal(attrs.get("mask_sampling", "none") == "record", attrs["method"] == "supermask", "@mask_sampling")
    c.expect(np.datetime64(attrs["created"].rstrip("Z")) > np.datetime64("2020-01-01"), "@created is no ISO 8601 time")
    c.expect(attrs["created"].endswith("Z"), "@created is not UTC")
    c.equal(attrs["input_shape"].shape, (3,), "shape of @input_shape")
    c.equal(set(file) - {"network_description", "batch_norm", "rounds"}, {"host", "layers", "records", "metrics"}, "groups")
    check_description(c, file)
    for name, value in file["host"].attrs.items():
        c.expect(isinstance(value, str), f"host@{name} does not read as str")


def check_series(c, group, units, dtypes):
    c.equal(set(group), set(units), f"data sets of {group.name}")
    for name in set(group) & set(units):
        ds = group[name]
        c.described(ds, units[name])
        c.equal(ds.dtype, np.dtype(dtypes.get(name, "<f8")), f"type of {ds.name}")
        c.equal((ds.ndim, ds.maxshape), (1, (None,)), f"rank and limit of {ds.name}")
        c.equal(ds.compression, None, f"compression of {ds.name}")


def check_records(c, file):
    group = file["records"]
    check_series(c, group, RECORD_UNITS, {"step": "<i8"})
    for name in RECORD_UNITS:
        c.expect(h5py.h5ds.is_scale(group[name].id), f"records/{name} is no dimension scale")
        c.equal(h5py.h5ds.get_scale_name(group[name].id), name.encode(), f"name of the scale records/{name}")
    step = group["step"][()]
    rises = np.diff(step) >= 0 if "rounds" in file else np.diff(step) > 0  # rounds may come without training
    c.expect(bool(np.all(step >= 0)) and bool(np.all(rises)), "records/step does not rise")
    c.expect(len(group["epoch"]) >= len(step), "records/epoch is shorter than records/step")
    return len(step)


def check_rows(c, group, axis):
    """Every column is scaled by the one that counts the whole rows."""
    c.expect(h5py.h5ds.is_scale(group[axis].id), f"{group[axis].name} is no dimension scale")
    for name, ds in group.items():
        c.equal(ds.dims[0].label, axis, f"axis label of {ds.name}")
        c.expect(len(ds) >= len(group[axis]), f"{ds.name} is shorter than {group[axis].name}")
        if name != axis:
            c.equal([s.name for s in ds.dims[0].values()], [group[axis].name], f"scale of {ds.name}")


def check_metrics(c, file):
    check_series(c, file["metrics"], METRIC_UNITS, {})
    check_rows(c, file["metrics"], "epoch")


def check_rounds(c, file, n_records):
    if "rounds" not in file:
        return
    group = file["rounds"]
    check_series(c, group, ROUND_UNITS, {"round": "<i8"})
    check_rows(c, group, "round")
    c.equal(list(group["round"]), list(range(len(group["round"]))), "rounds/round")
    c.expect(len(group["round"]) <= n_records, "there are more rounds than records")


def chunk_of(shape):
    return (min(shape[0], max(1, 65536 // int(np.prod(shape[1:])))), *shape[1:])


def check_values(c, ds, shape):
    c.described(ds, "1")
    c.equal((ds.dtype, ds.shape), (np.dtype("<f4"), shape), f"type and shape of {ds.name}")
    c.equal([d.label for d in ds.dims], AXES[: ds.ndim], f"axis labels of {ds.name}")
    c.expect(bool(np.all(np.isfinite(ds[()]))), f"{ds.name} holds values that are not finite")


def check_history(c, ds, shape, n_records):
    c.described(ds, "1")
    c.equal(ds.shape[1:], shape, f"shape of {ds.name}")
    c.expect(ds.shape[0] >= n_records, f"{ds.name} has {ds.shape[0]} records, records/step {n_records}")
    c.equal(ds.maxshape, (None, *shape), f"limit of {ds.name}")
    c.equal(ds.chunks, (1, *chunk_of(shape)), f"chunks of {ds.name}")
    c.equal((ds.compression, ds.compression_opts), ("gzip", 4), f"compression of {ds.name}")
    c.equal([d.label for d in ds.dims], (["record"] + AXES)[: ds.ndim], f"axis labels of {ds.name}")
    c.equal(sorted(s.name for s in ds.dims[0].values()), ["/records/epoch", "/records/step"], f"scales of {ds.name}")


def check_mask(c, ds, shape, n_records):
    check_history(c, ds, shape, n_records)
    c.equal(h5py.check_enum_dtype(ds.dtype), MASK_ENUM, f"enum of {ds.name}")
    c.equal(ds.dtype.itemsize, 1, f"size of {ds.name}'s elements")
    c.equal(ds.shuffle, False, f"shuffle of {ds.name}")
    c.equal(int(ds.fillvalue), 0, f"fill value of {ds.name}")
    for record in range(n_records):
        c.expect(set(np.unique(ds[record])) <= {-1, 0, 1}, f"{ds.name}[{record}] holds a value that is no mask")


def check_layer(c, file, group, index, before, n_records):
    a = group.attrs
    padding = {"padding"} if a["kind"] == "conv2d" else set()
    c.equal(set(a), LAYER_ATTRIBUTES | padding, f"attributes of {group.name}")
    c.expect(a.get("padding", "same") in ("same", "valid"), f"{group.name}@padding")
    shape = group["initial_weights"].shape
    c.equal(int(a["index"]), index, f"{group.name}@index in the order of creation")
    c.expect(a["kind"] == {2: "dense", 4: "conv2d"}.get(len(shape)), f"{group.name}@kind {a['kind']} with shape {shape}")
    c.expect(a["activation"] in ("linear", "elu", "relu"), f"{group.name}@activation {a['activation']}")
    c.equal(int(a["fan_in"]), int(np.prod(shape[1:])), f"{group.name}@fan_in")
    c.equal(int(a["fan_out"]), int(shape[0] * np.prod(shape[2:])), f"{group.name}@fan_out")
    c.expect(int(a["stride"]) >= 1, f"{group.name}@stride")
    c.expect(isinstance(float(a["threshold"]), float), f"{group.name}@threshold")
    c.expect(all(isinstance(n, str) and n in before + ["input"] for n in a["inputs"]), f"{group.name}@inputs {a['inputs']}")
    trained, complete = file.attrs["trained"], file.attrs["status"] == "complete"
    needed = {"initial_weights", "mask"} | ({"initial_scores"} if trained == "scores" else set())
    if complete and trained != "nothing":
        needed.add({"scores": "final_scores", "weights": "final_weights"}[trained])
    c.expect(needed <= set(group) <= needed | {"initial_scores", "score"} | ({"mask_weights"} if complete else set()), f"{group.name} holds {sorted(group)}")
    for name in set(group) - {"mask", "score"}:
        check_values(c, group[name], shape)
    check_mask(c, group["mask"], shape, n_records)
    if "score" in group:
        check_history(c, group["score"], shape, n_records)
        c.equal(group["score"].dtype, np.dtype("<f4"), f"type of {group.name}/score")


def check_layers(c, file, n_records):
    layers = file["layers"]
    plist = layers.id.get_create_plist()
    c.equal(plist.get_link_creation_order(), h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED, "order of layers")
    names = []
    layers.id.links.iterate(lambda name: names.append(name.decode()), idx_type=h5py.h5.INDEX_CRT_ORDER)
    for index, name in enumerate(names):
        check_layer(c, file, layers[name], index, names[:index], n_records)


def check_batch_norm(c, file):
    """Complete runs hold it for exactly the layers whose description says so."""
    text = file["network_description"].asstr()[()] if "network_description" in file else ""
    normed = set(re.findall(r'name: "([^"]*)", kind: conv2d,[^}]* batch_norm: true', text))
    expected = normed if file.attrs["status"] == "complete" else set()
    c.equal(set(file.get("batch_norm", ())), expected, "layers of batch_norm")
    for name, group in file.get("batch_norm", {}).items():
        c.equal(set(group), {"gamma", "beta", "moving_mean", "moving_variance"}, f"data sets of {group.name}")
        for ds in group.values():
            c.described(ds, "1")
            c.equal((ds.dtype, ds.shape), (np.dtype("<f4"), file[f"layers/{name}/mask"].shape[1:2]), f"shape of {ds.name}")
            c.equal(ds.dims[0].label, "out", f"axis label of {ds.name}")
            c.expect(bool(np.all(np.isfinite(ds[()]))), f"{ds.name} holds values that are not finite")
        c.expect(bool(np.all(group["moving_variance"][()] >= 0)), f"{group.name}/moving_variance is negative")


def check(path):
    c = Checker(path)
    with h5py.File(path, "r") as file:
        check_root(c, file)
        check_metrics(c, file)
        n_records = check_records(c, file)
        check_layers(c, file, n_records)
        check_rounds(c, file, n_records)
        check_batch_norm(c, file)
        file.visititems(c.stamped)
    return c.errors


def contents(path):
    """Every value of the file under a name. Object references (the scales' lists) are no values."""
    found = {}

    def keep(name, obj):
        for key, value in obj.attrs.items():
            if key not in ("REFERENCE_LIST", "DIMENSION_LIST"):
                found[f"{name}@{key}"] = np.asarray(value)
        if isinstance(obj, h5py.Dataset):
            found[name] = np.asarray(obj[()])

    with h5py.File(path, "r") as file:
        keep("", file)
        file.visititems(keep)
    return found


def same(a, b):
    left, right = contents(a), contents(b)
    differing = sorted(set(left) ^ set(right))
    for name in set(left) & set(right) - {"@created", "metrics/seconds"}:
        equal = left[name].dtype == right[name].dtype and left[name].shape == right[name].shape
        if not equal or left[name].tobytes() != right[name].tobytes() and left[name].tolist() != right[name].tolist():
            differing.append(name)
    for name in differing:
        print(f"{a} and {b} differ in {name}")
    return len(differing)


if __name__ == "__main__":
    if sys.argv[1] == "--same":
        sys.exit(same(*sys.argv[2:4]) > 0)
    sys.exit(sum([check(path) for path in sys.argv[1:]]) > 0)
