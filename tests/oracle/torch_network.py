#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains small convolutional networks with supermask-train and predicts each of its steps with PyTorch's autograd in
float64; supermask-train from SM_BIN; status 1 on a difference, 77 without PyTorch.

From the run file come the initial weights, the thresholds and the scores recorded at every step. All else is written
here: the data set's files (made up), standardization, the networks as PyTorch has them beside their descriptions, loss
and optimizer:

    v = w g(m)     dL/dm = dL/dv w     m <- m - wd m;   V <- mu V - lr dL/dm;   m <- m + mu V - lr dL/dm

Each step is predicted from the scores that the file has for the step before: a step is compared with a step, and no
score within rounding of its threshold parts the two. What one step moves by gradients agrees to CLOSE of the layer's
largest such movement; losses, which are those of the logits, to 1e-5. A dense baseline, whose weights are not recorded,
is predicted over all steps at once."""

import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import h5py
import numpy as np

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("skipped: PyTorch is not installed (Debian: python3-torch)")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
TRAIN = pathlib.Path(os.environ.get("SM_BIN", HERE.parent.parent / "build/bin")) / "supermask-train"
# Of bfloat16: operands as near to a tie as float32 is exact go the other way by 2^-9 of themselves.
CLOSE = {"fp32": 1e-4, "bf16": 3e-4}
ROUNDING = 4 * 2.0**-24  # a step rounds a score a few times, by half a unit in the last place
MOMENTUM, DECAY, BATCH, TRAINING, TEST = 0.9, 5e-4, 24, 60, 30  # 3 steps, the last of half a batch


# ---- data: CIFAR-10's files, a random picture of each class under noise ----

def make_data(directory):
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 160, size=(10, 3 * 32 * 32))
    labels = rng.integers(0, 10, size=TRAINING + TEST)
    images = pictures[labels] + rng.integers(0, 96, size=(TRAINING + TEST, 3 * 32 * 32))
    records = np.concatenate([labels[:, None], images], axis=1).astype(np.uint8)
    folder = directory / "cifar-10-batches-bin"
    folder.mkdir()
    for k, part in enumerate(np.split(records[:TRAINING], 5)):
        (folder / f"data_batch_{k + 1}.bin").write_bytes(part.tobytes())
    (folder / "test_batch.bin").write_bytes(records[TRAINING:].tobytes())
    x = images.astype(np.float64)
    x = (x - x.mean(axis=1, keepdims=True)) / np.maximum(x.std(axis=1, keepdims=True), 1 / np.sqrt(x.shape[1]))
    return torch.tensor(x).reshape(-1, 3, 32, 32), torch.tensor(labels)


# ---- networks: the description, and the same in PyTorch ----

def same(x, window, stride, value=0.0):
    """TensorFlow's 'same': what is missing is added half before (rounded down) and half behind."""
    sides = []
    for n, w in zip(x.shape[:1:-1], window[::-1]):  # the last axis first, as F.pad has it
        missing = max((-(-n // stride) - 1) * stride + w - n, 0)
        sides += [missing // 2, missing - missing // 2]
    return F.pad(x, sides, value=value)


def rounded(t):
    return t.float().bfloat16().double()


class RoundedGradient(torch.autograd.Function):
    """A convolution whose weight gradient comes from operands rounded to bfloat16 (precision: bf16)."""

    @staticmethod
    def forward(ctx, x, v, stride):
        ctx.save_for_backward(x, v)
        ctx.stride = stride
        return F.conv2d(x, v, stride=stride)

    @staticmethod
    def backward(ctx, delta):
        x, v = ctx.saved_tensors
        return (torch.nn.grad.conv2d_input(x.shape, v, delta, stride=ctx.stride),
                torch.nn.grad.conv2d_weight(rounded(x), v.shape, rounded(delta), stride=ctx.stride), None)


class Operators:
    """What depends on the recipe: the activation, and convolutions 'same' and 'valid'."""

    def __init__(self, activation, precision):
        self.act = {"elu": F.elu, "relu": F.relu}[activation]
        self.valid = {"fp32": lambda x, v, stride=1: F.conv2d(x, v, stride=stride),
                      "bf16": lambda x, v, stride=1: RoundedGradient.apply(x, v, stride)}[precision]

    def conv(self, x, v, stride=1):
        return self.valid(same(x, v.shape[2:], stride), v, stride)


PAIRS = """
  - {kind: conv2d, filters: 9, kernel: 3}
  - {kind: conv2d, filters: 16, kernel: 3}
  - {kind: max-pool, size: 2}
  - {kind: conv2d, filters: 20, kernel: 3}
  - {kind: conv2d, filters: 17, kernel: 3}
  - {kind: max-pool, size: 2}
  - {kind: dense, units: 21}
  - {kind: dense, units: 10}
"""


def pairs(o, v, x):
    x = F.max_pool2d(o.act(o.conv(o.act(o.conv(x, v["conv1"])), v["conv2"])), 2)
    x = F.max_pool2d(o.act(o.conv(o.act(o.conv(x, v["conv3"])), v["conv4"])), 2)
    return F.linear(o.act(F.linear(x.flatten(1), v["dense5"])), v["dense6"])


RESIDUAL = """
  - {kind: conv2d, filters: 12, kernel: 3}
  - {kind: max-pool, size: 3, stride: 1, padding: same}
  - kind: residual
    branch: [{kind: conv2d, filters: 16, kernel: 1, stride: 2}, {kind: conv2d, filters: 16, kernel: 3}]
    shortcut: [{kind: conv2d, filters: 16, kernel: 1, stride: 2, activation: linear}]
  - kind: residual
    branch: [{kind: conv2d, filters: 16, kernel: 3}, {kind: conv2d, filters: 16, kernel: 3, activation: linear}]
  - kind: residual
    branch: [{kind: conv2d, filters: 19, kernel: 3, stride: 2}, {kind: conv2d, filters: 19, kernel: 3}]
    shortcut: [{kind: conv2d, filters: 19, kernel: 1, stride: 2, activation: linear}]
  - {kind: global-average-pool}
  - {kind: dense, units: 10}
"""


def residual(o, v, x):
    x = F.max_pool2d(same(o.act(o.conv(x, v["conv1"])), (3, 3), 1, value=-np.inf), 3, stride=1)
    x = o.act(o.act(o.conv(o.act(o.conv(x, v["conv2"], 2)), v["conv3"])) + o.conv(x, v["conv4"], 2))
    x = o.act(o.conv(o.act(o.conv(x, v["conv5"])), v["conv6"]) + x)
    x = o.act(o.act(o.conv(o.act(o.conv(x, v["conv7"], 2)), v["conv8"])) + o.conv(x, v["conv9"], 2))
    return F.linear(x.mean((2, 3)), v["dense10"])


WINDOWS = """
  - {kind: conv2d, filters: 8, kernel: [5, 3], padding: valid}
  - {kind: max-pool, size: 3, stride: 2}
  - {kind: conv2d, filters: 18, kernel: 3, stride: 2}
  - {kind: conv2d, filters: 11, kernel: [1, 3], name: row}
  - {kind: max-pool, size: 2, stride: 1}
  - {kind: dense, units: 10}
"""


def windows(o, v, x):
    x = F.max_pool2d(o.act(o.valid(x, v["conv1"])), 3, stride=2)
    x = F.max_pool2d(o.act(o.conv(o.act(o.conv(x, v["conv2"], 2)), v["row"])), 2, stride=1)
    return F.linear(x.flatten(1), v["dense4"])


# ---- a run ----

@dataclass
class Layer:
    weights: torch.Tensor
    final: torch.Tensor
    threshold: float
    scores: torch.Tensor = None  # [record, ...], of a masked run, as are
    masks: torch.Tensor = None


def read(path):
    def tensor(values):
        return torch.tensor(values[:].astype(np.float64))

    with h5py.File(path) as f:
        layers = {}
        for group in sorted(f["layers"].values(), key=lambda g: g.attrs["index"]):
            masked = "score" in group
            layers[group.name.split("/")[-1]] = Layer(
                weights=tensor(group["initial_weights"]), threshold=float(np.float32(group.attrs["threshold"])),
                final=tensor(group["final_scores" if masked else "final_weights"]),
                **({"scores": tensor(group["score"]), "masks": tensor(group["mask"])} if masked else {}))
        return layers, {name: float(values[0]) for name, values in f["metrics"].items()}


def cross_entropy(kind, logits, labels):
    if kind == "logits":
        return F.cross_entropy(logits, labels, reduction="sum")
    own = F.softmax(logits, 1).gather(1, labels[:, None])
    return -own.clamp(float(np.float32(1e-7)), float(np.float32(1) - np.float32(1e-7))).log().sum()


@dataclass
class Case:
    name: str
    description: str
    forward: object
    settings: str
    method: str = "signed-supermask"
    loss: str = "clipped"
    activation: str = "elu"
    rate: float = 0.05
    precision: str = "fp32"

    def logits(self, v, x):
        return self.forward(Operators(self.activation, self.precision), v, x)

    def train(self, directory, data):
        path = directory / "run.h5"
        path.unlink(missing_ok=True)
        (directory / "net.yaml").write_text(f"name: net\ninput: [3, 32, 32]\nlayers:{self.description}")
        (directory / "case.yaml").write_text(
            f"dataset: cifar-10\nnetwork: net.yaml\norder: file\nepochs: 1\nbatch: {BATCH}\n"
            f"method: {self.method}\nloss: {self.loss}\nactivation: {self.activation}\nprecision: {self.precision}\n"
            f"standardize: image\naugment: none\noptimizer: sgdw\nlearning_rate: {self.rate}\n"
            f"weight_decay: {DECAY}\nmomentum: {MOMENTUM}\nnesterov: true\nschedule: constant\n")
        arguments = [word for setting in self.settings.split() for word in ("--set", setting)]
        if self.method != "dense":
            arguments += ["--record", "1", "--set", "record_scores=true"]
        subprocess.run([TRAIN, directory / "case.yaml", *arguments, "--data", data, "--quiet", "-o", path], check=True,
                       stdout=subprocess.DEVNULL)
        return read(path)


# ---- the prediction ----

def mask_of(m, tau):
    return (m > tau).double() - (m < -tau).double()


class Oracle:
    """The trained values and their velocities."""

    def __init__(self, case, layers, x, y):
        self.case, self.layers, self.x, self.y = case, layers, x, y
        self.values = {name: (l.weights if l.scores is None else l.scores[0]).clone() for name, l in layers.items()}
        self.velocity = {name: torch.zeros_like(m) for name, m in self.values.items()}
        self.loss = 0.0
        self.worst = 0.0  # difference of two values, as a share of what is allowed

    def effective(self):
        return {name: m if self.layers[name].scores is None
                else self.layers[name].weights * mask_of(m, self.layers[name].threshold)
                for name, m in self.values.items()}

    def step(self, k):
        """One step; returns what moved by gradients alone."""
        batch = slice(k * BATCH, min((k + 1) * BATCH, TRAINING))
        v = {name: one.clone().requires_grad_() for name, one in self.effective().items()}
        loss = cross_entropy(self.case.loss, self.case.logits(v, self.x[batch]), self.y[batch])
        self.loss += loss.item()
        (loss / len(self.y[batch])).backward()
        moved = {}
        for name, m in self.values.items():
            masked = self.layers[name].scores is not None
            push = self.case.rate * v[name].grad * (self.layers[name].weights if masked else 1)
            self.velocity[name] = MOMENTUM * self.velocity[name] - push
            moved[name] = MOMENTUM * self.velocity[name] - push
            self.values[name] = m - DECAY * m + moved[name]
        return moved

    def test(self):
        with torch.no_grad():
            logits = self.case.logits(self.effective(), self.x[TRAINING:])
            hits = (logits.argmax(1) == self.y[TRAINING:]).double().mean()
            return cross_entropy(self.case.loss, logits, self.y[TRAINING:]).item() / TEST, hits.item()


def compare(oracle, what, got, want, moved):
    """A sentence for each thing that is wrong with a layer's values, whose largest movement by gradients is `moved`."""
    off, largest = (got - want).abs().max().item(), moved.abs().max().item()
    bound = CLOSE[oracle.case.precision] * largest + ROUNDING * want.abs().max().item()
    oracle.worst = max(oracle.worst, off / bound)
    if not bound <= 1e-3 * largest:
        yield f"{what}: moves by {largest:.2g} at most: too little to tell anything"
    if not off <= bound:
        yield f"{what}: a value is {off:.2g} off, the largest movement is {largest:.2g}"


def check_steps(oracle, layers, n_steps):
    """Of a masked run, step by step."""
    for k in range(n_steps):
        oracle.values = {name: layer.scores[k].clone() for name, layer in layers.items()}
        moved = oracle.step(k)
        for name, layer in layers.items():
            what = f"step {k + 1}, {name}"
            yield from compare(oracle, what, layer.scores[k + 1], oracle.values[name], moved[name])
            if not torch.equal(layer.masks[k + 1], mask_of(layer.scores[k + 1], layer.threshold)):
                yield f"{what}: the mask is not that of the recorded scores"
    oracle.values = {name: layer.final for name, layer in layers.items()}


def check_whole(oracle, layers, n_steps):
    """Of a dense run, over all steps."""
    for k in range(n_steps):
        oracle.step(k)
    for name, layer in layers.items():
        yield from compare(oracle, name, layer.final, oracle.values[name], oracle.values[name] - layer.weights)


def check_metrics(oracle, metrics):
    loss, accuracy = oracle.test()
    for name, want in {"train_loss": oracle.loss / TRAINING, "test_loss": loss, "test_accuracy": accuracy}.items():
        if not abs(metrics[name] - want) <= 1e-5 * abs(want):
            yield f"{name} is {metrics[name]:.9g}, expected {want:.9g}"


def check(case, directory, data, x, y):
    layers, metrics = case.train(directory, data)
    oracle, n_steps = Oracle(case, layers, x, y), -(-TRAINING // BATCH)
    found = list((check_whole if case.method == "dense" else check_steps)(oracle, layers, n_steps))
    found += check_metrics(oracle, metrics)
    v = oracle.effective().values()
    print("not ok" if found else "ok", case.name)
    print(f"#   values apart by {oracle.worst:.2g} of what is allowed; "
          f"{sum(int(one.count_nonzero()) for one in v) / sum(one.numel() for one in v):.1%} of the weights remain")
    for sentence in found[:10]:
        print(f"#   {sentence}")
    return bool(found)


RELATIVE = "threshold_kind=relative threshold="
CASES = [
    Case("pairs of convolutions and pools, most weights kept", PAIRS, pairs, RELATIVE + "0.3"),
    Case("the same with few weights kept", PAIRS, pairs, RELATIVE + "0.85 weight_gain=6 threads=1"),
    Case("the same with weights of all sizes, ReLU and a plain loss", PAIRS, pairs,
         RELATIVE + "0.6 weight_init=normal weight_gain=3", loss="logits", activation="relu"),
    # Weights of one size give equal sums of pixels, of which rounding chooses the pool's winner: not here.
    Case("residual blocks with strides", RESIDUAL, residual, RELATIVE + "0.25 weight_init=normal"),
    Case("the same with few weights kept", RESIDUAL, residual, RELATIVE + "0.75 weight_init=normal weight_gain=5"),
    Case("windows of other sizes, steps and margins", WINDOWS, windows, RELATIVE + "0.5 weight_init=uniform"),
    Case("pairs of convolutions in bfloat16", PAIRS, pairs, RELATIVE + "0.5", precision="bf16"),
    Case("residual blocks in bfloat16", RESIDUAL, residual, RELATIVE + "0.5 weight_init=normal", precision="bf16"),
    Case("pairs of convolutions, all weights trained", PAIRS, pairs, "", method="dense"),
    Case("residual blocks, all weights trained", RESIDUAL, residual, "weight_init=uniform weight_scale=elu",
         method="dense", loss="logits", rate=0.002),
]


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        x, y = make_data(directory)
        return int(any([check(case, directory, directory, x, y) for case in CASES]))


if __name__ == "__main__":
    sys.exit(main())
