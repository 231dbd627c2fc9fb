# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks at work in numpy, in double precision: an independent forward pass, and small data sets in the form of MNIST
that tests make, so that what needs test images is compared without a download.

    sha = evaluation.write_mnist(directory, images, labels)    # directory/mnist/...; images uint8 [n, 784]
    data = evaluation.read_mnist(directory)                    # or the real one
    scores = evaluation.score(run, masks, weights, data)       # accuracy, loss; masks, weights: {layer: array}
    case = evaluation.trained_case(directory)                  # runs whose masks fit the images, with --data
"""

import gzip
import hashlib
import pathlib
from types import SimpleNamespace

import numpy as np
import runfile
from run_oracle import Case

FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


# ---- data ----


def idx(values):
    """IDX bytes of a uint8 array: magic 0 0 8 rank, big-endian sizes, values."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.astype(np.uint8).tobytes()


def write_mnist(directory, images, labels):
    """The images are the test set; the training set is the first ten of them. Returns the data set's SHA-256."""
    folder = pathlib.Path(directory) / "mnist"
    folder.mkdir(parents=True)
    pictures = images.reshape(-1, 28, 28)
    digest = hashlib.sha256()
    for name, values in zip(FILES, [pictures[:10], labels[:10], pictures, labels]):
        (folder / name).write_bytes(idx(values))
        digest.update(idx(values))
    return digest.hexdigest()


def read_mnist(directory):
    """The test split: images float64 [n, 784] of bytes, labels [n]; inputs: see inputs_of."""
    def values(name):
        for path in [pathlib.Path(directory) / "mnist" / (name + ".gz"), pathlib.Path(directory) / "mnist" / name]:
            if path.exists():
                data = path.read_bytes()
                data = gzip.decompress(data) if path.suffix == ".gz" else data
                return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
        raise FileNotFoundError(name)

    return SimpleNamespace(images=values(FILES[2]).reshape(-1, 784).astype(float), labels=values(FILES[3]), inputs={})


# ---- the forward pass ----


def setting(run, key, default):
    """A value of the run's recipe, which is flat YAML."""
    lines = [line.split(":", 1) for line in str(run.attrs["recipe"]).splitlines() if ":" in line]
    return {key.strip(): value.strip() for key, value in lines}.get(key, default)


def preprocess(run, images):
    if setting(run, "standardize", "image") == "unit":
        return images / 255
    mean, sd = images.mean(1, keepdims=True), images.std(1, keepdims=True)
    return (images - mean) / np.maximum(sd, 1 / np.sqrt(images.shape[1]))


def inputs_of(run, data):
    """The preprocessed images, computed once for each kind of preprocessing."""
    kind = setting(run, "standardize", "image")
    if kind not in data.inputs:
        data.inputs[kind] = preprocess(run, data.images)
    return data.inputs[kind]


ACTIVATIONS = {"linear": lambda z: z, "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
               "relu": lambda z: np.maximum(z, 0)}


def activations(run, masks, weights, data, removed=None):
    """[n, units] of each level: the input, then each layer. removed: {level name: unit numbers} put out 0."""
    removed = removed or {}
    levels = [inputs_of(run, data)]
    names = ["input", *run.layers]
    for name, below in zip(run.layers, names):
        reads = levels[-1].copy()
        reads[:, removed.get(below, [])] = 0
        v = masks[name].astype(float) * weights[name].astype(float)
        levels.append(ACTIVATIONS[run.layers[name].activation](reads @ v.T))
    return levels


def score(run, masks, weights, data, removed=None):
    logits = activations(run, masks, weights, data, removed)[-1]
    shifted = logits - logits.max(1, keepdims=True)
    log_p = (shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))[np.arange(len(logits)), data.labels]
    if setting(run, "loss", "clipped") == "clipped":
        log_p = np.log(np.clip(np.exp(log_p), float(np.float32(1e-7)), float(np.float32(1) - np.float32(1e-7))))
    return SimpleNamespace(accuracy=float(np.mean(logits.argmax(1) == data.labels)), loss=float(-log_p.mean()))


def weights_of(run):
    """Those that act: initial ones under a mask, trained ones of a dense run."""
    trained = run.attrs["trained"] == "weights"
    return {name: layer.final_weights if trained else layer.initial_weights for name, layer in run.layers.items()}


# ---- runs whose masks fit their images ----


TRAINS_WEIGHTS = ("dense", "lottery-ticket")


def trained_weights(rng, w, g):
    """Of all magnitudes."""
    return (w * g * rng.uniform(0.2, 2, w.shape)).astype(np.float32)


def layers_of(rng, widths, density, activation, method):
    layers = []
    for l, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        last = l + 2 == len(widths)
        w = rng.normal(scale=0.5, size=(n_out, n_in)).astype(np.float32)
        threshold = 0.01 * (l + 1)
        scores = rng.laplace(scale=threshold / -np.log(density), size=(n_out, n_in)).astype(np.float32)
        t = np.float32(threshold)
        g = (scores > t).astype(np.int8) - (scores < -t)
        if method == "dense":
            g = np.ones_like(g)
        if method == "lottery-ticket":  # trained under a mask without -1: 0 where it hides
            g = abs(g)
        mask = np.stack([np.ones_like(g), g])
        layers.append(runfile.Layer(f"dense{l + 1}", mask, inputs=[f"dense{l}" if l else "input"], initial_weights=w,
                                    final_scores=None if method in TRAINS_WEIGHTS else scores, threshold=threshold,
                                    final_weights=trained_weights(rng, w, g) if method in TRAINS_WEIGHTS else None,
                                    activation="linear" if last else activation))
    return layers


SETTINGS = [  # seed, density of the masks, recipe, activation, method
    (1, 0.10, "batch: 50\n", "elu", "signed-supermask"),
    (2, 0.45, "batch: 48\nstandardize: unit\nloss: logits\n", "relu", "signed-supermask"),
    (3, 0.50, "batch: 64\n", "elu", "dense"),
    (4, 0.30, "batch: 32\n", "relu", "lottery-ticket"),
]


def draw_images(rng, n):
    """Blobs of ink: a few pixels are never inked."""
    y, x = np.mgrid[0:28, 0:28]
    centre, width = rng.uniform(6, 22, (n, 3, 2, 1, 1)), rng.uniform(2, 5, (n, 3, 1, 1))
    ink = np.exp(-(((y - centre[:, :, 0]) ** 2 + (x - centre[:, :, 1]) ** 2) / width**2)).sum(1)
    return np.minimum(255, 255 * ink).astype(np.uint8).reshape(n, 784)


def label(rng, run, data):
    """What the run's network says, one of seven at random: it is right more often than not, and not always."""
    masks = {name: layer.mask[-1] for name, layer in run.layers.items()}
    said = activations(run, masks, weights_of(run), data)[-1].argmax(1)
    return np.where(rng.random(len(said)) < 1 / 7, rng.integers(0, 10, len(said)), said).astype(np.uint8)


def trained_case(directory, name="networks that fit their images", tables=None, settings=SETTINGS, n_images=333):
    """One run for each setting on one data set, whose labels are what the first run's network says."""
    rng = np.random.default_rng(17)
    images = draw_images(rng, n_images)
    data = SimpleNamespace(images=images.astype(float), labels=None, inputs={})
    paths = [directory / f"fit{seed}.h5" for seed, *_ in settings]

    def write(sha):
        for path, (seed, density, recipe, activation, method) in zip(paths, settings):
            layers = layers_of(np.random.default_rng(seed), (784, 14, 12, 10), density, activation, method)
            runfile.write(path, layers, input_shape=(1, 28, 28), dataset="mnist", dataset_sha256=sha, method=method,
                          trained="weights" if method in TRAINS_WEIGHTS else "scores",
                          recipe=f"name: test\n{recipe}", weight_seed=seed)

    write("0" * 64)
    sha = write_mnist(directory / "data", images, label(rng, runfile.read(paths[0]), data))
    write(sha)
    return Case(name, paths, ["--data", str(directory / "data")], tables=tables)


def data_of(case):
    """The test split that a case names with --data, or None."""
    return read_mnist(case.args[case.args.index("--data") + 1]) if "--data" in case.args else None
