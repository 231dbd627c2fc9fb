#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the same network a second time, in numpy and float64, and compares it step by step with a run file.

    check_training.py            # supermask-train from SM_BIN, MNIST from SUPERMASK_DATA; status 1 on a difference,
                                 # 77 without data
    check_training.py --long     # also every one of the 469 steps of the published epoch (a file of 0.5 GB)

From the run file come the initial weights and scores, the recipe and the recorded scores; all else (IDX files,
standardization, forward and backward pass, SGDW, schedule, metrics) is written here from the formulas:

    g(m) = +1 if m > tau, -1 if m < -tau, else 0     v = w g     dL/dm = dL/dv w
    m <- m - wd m;   V <- mu V - lr dL/dm;   m <- m + mu V - lr dL/dm   (Nesterov; else m + V)

Two comparisons. `forced`: every step starts from the scores that the file has for the step before, so that a step is
compared with one step. Its tolerance follows from float32 (see TOLERANCE). `free`: the oracle trains on its own scores
to the end of the epoch, in which the two may part, for training is chaotic: a score within rounding of tau takes the
other side and a weight comes or goes. In few steps nothing of that happens; over the 469 steps of the published epoch
two runs of this oracle whose scores differ by 1e-9 end with 1 % of the masks different (`chaotic`)."""

import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import h5py
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TRAIN = pathlib.Path(os.environ.get("SM_BIN", HERE.parent.parent / "build/bin")) / "supermask-train"
DATA = pathlib.Path(os.environ.get("SUPERMASK_DATA", "data"))

# Scores are below 1/2, where half a unit in the last place is 2^-26 = 1.5e-8; a step rounds them a few times (decay,
# velocity, move): 4 * 1.5e-8. Gradients are sums over a batch whose float32 error is about 1e-6 of their largest terms;
# times lr (1 + mu) and |w| they move a score by a few 1e-8 at most. Velocities carry such errors for 1/(1 - mu) steps.
TOLERANCE = 1e-7


@dataclass
class Bounds:
    """What `free` allows after the epoch: masks (share that differs), losses (relative), the others absolute."""

    masks: float
    loss: float
    accuracy: float
    remaining: float


CLOSE = Bounds(masks=2e-4, loss=1e-4, accuracy=2e-4, remaining=1e-4)
CHAOTIC = Bounds(masks=0.05, loss=0.1, accuracy=0.01, remaining=2e-3)


# ---- data: IDX files and per-image standardization ----

def read_idx(name):
    for directory in (DATA / "mnist", DATA):
        for path, opened in ((directory / f"{name}.gz", gzip.open), (directory / name, open)):
            if path.exists():
                with opened(path, "rb") as file:
                    raw = file.read()
                rank = raw[3]
                shape = [int.from_bytes(raw[4 + 4 * k:8 + 4 * k], "big") for k in range(rank)]
                return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)
    return None


def standardize(images, kind):
    x = images.reshape(len(images), -1).astype(np.float64)
    if kind == "unit":
        return x / 255
    deviation = np.maximum(x.std(axis=1), 1 / np.sqrt(x.shape[1]))
    return (x - x.mean(axis=1, keepdims=True)) / deviation[:, None]


def load(kind):
    kinds = ("images-idx3", "labels-idx1")
    parts = [read_idx(f"{split}-{what}-ubyte") for split in ("train", "t10k") for what in kinds]
    if any(part is None for part in parts):
        return None
    return standardize(parts[0], kind), parts[1], standardize(parts[2], kind), parts[3]


# ---- the network ----

ACTIVATION = {"elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), "relu": lambda z: np.maximum(z, 0),
              "linear": lambda z: z}
SLOPE = {"elu": lambda a: np.where(a > 0, 1, a + 1), "relu": lambda a: (a > 0).astype(float), "linear": np.ones_like}
LOWEST, HIGHEST = float(np.float32(1e-7)), float(np.float32(1) - np.float32(1e-7))


def forward(v, activation, x):
    outputs = [x]
    for l, matrix in enumerate(v):
        z = outputs[-1] @ matrix.T
        outputs.append(z if l + 1 == len(v) else ACTIVATION[activation](z))
    return outputs


def loss_of(kind, logits, labels):
    """Loss of every image, d loss / d logits (not yet divided by the batch), hits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    own = p[rows, labels]
    delta = p.copy()
    delta[rows, labels] -= 1
    if kind == "clipped":
        delta[(own < LOWEST) | (own > HIGHEST)] = 0
        own = np.clip(own, LOWEST, HIGHEST)
    return -np.log(own), delta, logits.argmax(axis=1) == labels


def gradients(v, activation, outputs, delta):
    """dL/dv of every layer."""
    result = [None] * len(v)
    for l in reversed(range(len(v))):
        result[l] = delta.T @ outputs[l]
        if l:
            delta = (delta @ v[l]) * SLOPE[activation](outputs[l])
    return result


def mask_of(m, tau):
    return (m > tau).astype(float) - (m < -tau)


# ---- a run ----

class Run:
    def __init__(self, path):
        with h5py.File(path) as f:
            self.recipe = dict(line.split(": ", 1) for line in f.attrs["recipe"].splitlines() if ": " in line)
            layers = sorted(f["layers"].values(), key=lambda g: g.attrs["index"])
            self.w = [g["initial_weights"][:].astype(np.float64) for g in layers]
            self.tau = [float(np.float32(g.attrs["threshold"])) for g in layers]
            self.masks = [g["mask"][:] for g in layers]
            self.dense = "initial_scores" not in layers[0]
            self.scores = [g["score"][:] for g in layers] if "score" in layers[0] else None
            self.initial = self.w if self.dense else [g["initial_scores"][:].astype(np.float64) for g in layers]
            self.final = [g["final_weights" if self.dense else "final_scores"][:] for g in layers]
            self.step = f["records/step"][:]
            self.metrics = {name: values[:] for name, values in f["metrics"].items()}

    def number(self, key):
        return float(self.recipe[key])


class Trainer:
    """The state m, V and one step of it."""

    def __init__(self, run, data):
        self.run, self.m = run, [m.copy() for m in run.initial]
        self.velocity = [np.zeros_like(m) for m in self.m]
        self.x, self.y, self.test_x, self.test_y = data
        self.batch = int(run.number("batch"))
        self.steps_per_epoch = -(-len(self.y) // self.batch)
        self.sums = np.zeros(2)

    def factor(self, step):
        rate, epochs = self.run.number("schedule_rate"), self.run.number("decay_epochs")
        falls = {"constant": 0, "exponential": step / (self.steps_per_epoch * epochs),
                 "staircase": np.floor(step / (self.run.number("staircase_steps") * epochs))}
        return rate ** falls[self.run.recipe["schedule"]]

    def effective(self):
        run = self.run
        return self.m if run.dense else [w * mask_of(m, tau) for w, m, tau in zip(run.w, self.m, run.tau)]

    def do(self, step):
        run, rows = self.run, slice(step * self.batch, (step + 1) * self.batch)
        v, activation = self.effective(), run.recipe["activation"]
        outputs = forward(v, activation, self.x[rows])
        losses, delta, hits = loss_of(run.recipe["loss"], outputs[-1], self.y[rows])
        self.sums += losses.sum(), hits.sum()
        lr, wd = (run.number(key) * self.factor(step) for key in ("learning_rate", "weight_decay"))
        mu = run.number("momentum")
        for l, gradient in enumerate(gradients(v, activation, outputs, delta / len(losses))):
            move = lr * gradient * (1 if run.dense else run.w[l])
            self.m[l] -= wd * self.m[l]
            self.velocity[l] = mu * self.velocity[l] - move
            self.m[l] += mu * self.velocity[l] - move if run.recipe["nesterov"] == "true" else self.velocity[l]

    def metrics(self):
        v = self.effective()
        logits = forward(v, self.run.recipe["activation"], self.test_x)[-1]
        losses, _, hits = loss_of(self.run.recipe["loss"], logits, self.test_y)
        last = self.factor(self.steps_per_epoch - 1)
        return {"train_loss": self.sums[0] / len(self.y), "train_accuracy": self.sums[1] / len(self.y),
                "test_loss": losses.mean(), "test_accuracy": hits.mean(),
                "learning_rate": self.run.number("learning_rate") * last,
                "weight_decay": self.run.number("weight_decay") * last, "epoch": 1.0,
                "remaining": 1.0 if self.run.dense else sum(np.count_nonzero(m) for m in v) / sum(m.size for m in v)}


# ---- comparisons: each yields sentences about what differs ----

def compare_step(run, trainer, record):
    for l, m in enumerate(trainer.m):
        scores, mask = run.scores[l][record], run.masks[l][record]
        worst = np.abs(m - scores).max()
        if not worst <= TOLERANCE:
            yield f"step {record}, layer {l + 1}: a score is {worst:.3g} off"
        if not np.array_equal(mask, mask_of(scores, np.float32(run.tau[l]))):
            yield f"step {record}, layer {l + 1}: the mask is not that of the recorded scores"
        wrong = (mask != mask_of(m, run.tau[l])) & (np.abs(np.abs(m) - run.tau[l]) > TOLERANCE)
        if wrong.any():
            yield f"step {record}, layer {l + 1}: {wrong.sum()} mask entries differ"


def forced(run, data):
    trainer, worst = Trainer(run, data), 0.0
    assert np.array_equal(run.step, np.arange(trainer.steps_per_epoch + 1)), "a record for every step of one epoch"
    yield from compare_step(run, trainer, 0)
    for step in range(trainer.steps_per_epoch):
        trainer.m = [scores[step].astype(np.float64) for scores in run.scores]
        trainer.do(step)
        worst = max(worst, *(np.abs(m - s[step + 1]).max() for m, s in zip(trainer.m, run.scores)))
        yield from compare_step(run, trainer, step + 1)
    print(f"#   {trainer.steps_per_epoch} steps; largest difference of a score after one step: {worst:.2g}")


def compare_metrics(run, trainer, allowed):
    bounds = {"train_accuracy": allowed.accuracy, "test_accuracy": allowed.accuracy, "remaining": allowed.remaining}
    for name, want in trainer.metrics().items():
        got = run.metrics[name][0]
        bound = bounds.get(name, (allowed.loss if name.endswith("loss") else 1e-12) * abs(want))
        if not abs(got - want) <= bound:
            yield f"{name} of the epoch is {got:.8g}, expected {want:.8g}"


def free(run, data, allowed=CLOSE):
    trainer = Trainer(run, data)
    for step in range(trainer.steps_per_epoch):
        trainer.do(step)
    yield from compare_metrics(run, trainer, allowed)
    n = sum(m.size for m in trainer.m)
    off = max(np.abs(m - f).max() for m, f in zip(trainer.m, run.final))
    other = 0
    if not run.dense:
        other = sum(np.count_nonzero(mask_of(m, t) != g[-1]) for m, t, g in zip(trainer.m, run.tau, run.masks))
    print(f"#   after the epoch: {other} of {n} masks differ, values by at most {off:.2g}")
    if other > allowed.masks * n:
        yield f"{other} of {n} mask entries differ after the epoch"
    if run.dense and not off <= 1e-4:
        yield f"a trained weight is {off:.3g} off"
    if run.dense and any((mask != 1).any() for mask in run.masks):
        yield "a dense run recorded a mask that is not all keep"


def chaotic(run, data):
    yield from free(run, data, CHAOTIC)


def settings(text):
    return [word for assignment in text.split() for word in ("--set", assignment)]


EACH_STEP = ["--record", "1", *settings("record_scores=true")]
CASES = [  # name, arguments, comparisons
    ("the published FCN, 30 large batches", ["fcn-mnist", *EACH_STEP, "--set", "batch=2000"], [forced, free]),
    ("logits, ReLU, normal weights, relative threshold, partial last batch",
     ["fcn-mnist", *EACH_STEP, "--seed", "7", *settings(
         "batch=7000 loss=logits activation=relu weight_init=normal weight_scale=he threshold_kind=relative "
         "threshold=0.3 nesterov=false standardize=unit schedule=exponential decay_epochs=0.5")],
     [forced, free]),
    ("few weights kept (lists instead of dense products)",
     ["fcn-mnist", *EACH_STEP, *settings(
         "batch=4000 threshold_kind=relative threshold=0.9 weight_decay=0.02 weight_init=uniform")], [forced, free]),
    ("the published FCN, its first epoch", ["fcn-mnist", "--seed", "3"], [chaotic]),
    ("its dense baseline, the first epoch", ["fcn-mnist-dense"], [free]),
]
LONG = [("the published FCN, every step of its first epoch", ["fcn-mnist", *EACH_STEP, "--seed", "3"], [forced])]


def check(name, arguments, comparisons, directory):
    path = pathlib.Path(directory) / "run.h5"
    path.unlink(missing_ok=True)
    always = ["--epochs", "1", *settings("order=file"), "--data", str(DATA), "--quiet", "-o", str(path)]
    command = [str(TRAIN), *arguments, *always]
    done = subprocess.run(command, capture_output=True, text=True)
    found = [f"status {done.returncode}: {done.stderr.strip()}"] if done.returncode else []
    if not found:
        run = Run(path)
        data = load(run.recipe["standardize"])
        found = [sentence for compare in comparisons for sentence in compare(run, data)]
    print("not ok" if found else "ok", name)
    for sentence in found[:10]:
        print(f"#   {sentence}")
    return bool(found)


def main(arguments):
    if read_idx("train-images-idx3-ubyte") is None:
        print(f"skipped: no MNIST in {DATA}: set SUPERMASK_DATA")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        return int(any([check(*case, directory) for case in CASES + (LONG if arguments == ["--long"] else [])]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
