#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains small networks by edge-popup and by the learned Supermask, and predicts each step with PyTorch as its users
write them: the subnetwork from a sort, straight-through estimators, dynamic weight rescaling left to autograd, and
PyTorch's own optimizers, in float64. supermask-train from SM_BIN; status 1 on a difference, 77 without PyTorch.

    edge-popup   v = w top_k(|m|)                       Ramanujan et al. 2020, GetSubnet of the published code
    supermask    v = w g (n / sum(g)),  g ~ Bernoulli(sigmoid(m)), straight through to sigmoid(m)   Zhou et al. 2019

From the run file come the initial weights, the scores recorded at every step, and the masks, which have to be those of
the scores: of a sort, or of the random numbers that oracle/philox.py has for their places. Each step is predicted from
the scores that the file has for the step before, while the optimizer keeps its own moments. Data, networks and bounds
are those of torch_network.py."""

import pathlib
import sys
import tempfile
from dataclasses import dataclass

import numpy as np

import torch_network as base  # leaves with status 77 where PyTorch is not installed
import torch
from philox import block

SAMPLES = 3  # masks of an evaluation
OPTIMIZERS = {
    "sgd": lambda m, rate, decay, nesterov: torch.optim.SGD(m, rate, momentum=base.MOMENTUM, weight_decay=decay,
                                                            nesterov=nesterov),
    "adam": lambda m, rate, decay, _: torch.optim.Adam(m, rate, betas=(base.MOMENTUM, 0.999), eps=1e-8,
                                                       weight_decay=decay)}

DENSE = """
  - {kind: dense, units: 31}
  - {kind: dense, units: 10}
"""


def dense(o, v, x):
    return torch.nn.functional.linear(o.act(torch.nn.functional.linear(x.flatten(1), v["dense1"])), v["dense2"])


# ---- masks ----

class GetSubnet(torch.autograd.Function):
    """The k largest shares; of equal ones the first are hidden first. The gradient goes straight through."""

    @staticmethod
    def forward(ctx, sizes, k):
        mask, (_, order) = sizes.clone(), sizes.flatten().sort(stable=True)
        n_hidden = int((1 - k) * sizes.numel())
        mask.flatten()[order[:n_hidden]] = 0
        mask.flatten()[order[n_hidden:]] = 1
        return mask

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


def padded(n):
    return (n + 15) // 16 * 16


def uniforms(purpose, layer, draw, shape):
    """The numbers of a layer's weights for mask number `draw`, of seed 1: places count in rows of whole vectors."""
    n_in = int(np.prod(shape[1:]))
    rows, stride = padded(shape[0]), padded(n_in)
    first = draw * rows * stride
    words = [word for k in range(rows * stride // 4) for word in block(1, purpose, layer, first // 4 + k)]
    cells = (np.array(words, dtype=np.uint64) >> np.uint64(9)).astype(np.float64)
    return torch.tensor((cells + 0.5) / 2**23).reshape(rows, stride)[:shape[0], :n_in].reshape(shape)


# ---- a run ----

@dataclass
class Case(base.Case):
    keep: float = None
    rescale: str = "none"
    optimizer: str = "sgd"
    decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self):
        own = f" keep={self.keep}" if self.keep else f" mask_samples={SAMPLES}"
        self.settings += (f" rescale={self.rescale} optimizer={self.optimizer} weight_decay={self.decay}"
                          f" nesterov={str(self.nesterov).lower()}{own}")

    def mask(self, number, m, recorded, purpose, draw):
        """The mask of scores m as autograd sees it, and whether the recorded one is the same. (A number within rounding
        of its probability could tell another mask; it is one weight in a million, and the seeds are fixed.)"""
        if self.keep:
            mask = GetSubnet.apply(m.abs(), self.keep)
            return mask, recorded is None or torch.equal(mask.detach(), recorded)
        p, u = torch.sigmoid(m), uniforms(purpose, number, draw, m.shape)
        mask = (u < p).double()
        agrees = recorded is None or torch.equal(mask, recorded)
        return mask + p - p.detach(), agrees

    def effective(self, weights, mask):
        scale = mask.numel() / mask.sum() if self.rescale == "dynamic" else 1
        return weights * mask * scale


class Oracle:
    def __init__(self, case, layers, x, y):
        self.case, self.layers, self.x, self.y = case, layers, x, y
        self.m = {name: layer.scores[0].clone().requires_grad_() for name, layer in layers.items()}
        self.optimizer = OPTIMIZERS[case.optimizer](list(self.m.values()), case.rate, case.decay, case.nesterov)
        self.loss, self.worst, self.found = 0.0, 0.0, []

    def effective(self, draw, purpose, recorded):
        v = {}
        for number, (name, layer) in enumerate(self.layers.items()):
            mask, agrees = self.case.mask(number, self.m[name], layer.masks[draw] if recorded else None, purpose, draw)
            if not agrees:
                self.found.append(f"step {draw + 1}, {name}: the mask is not that of the recorded scores")
            v[name] = self.case.effective(layer.weights, mask)
        return v

    def put(self, scores):
        with torch.no_grad():
            for name, m in self.m.items():
                m.copy_(scores(self.layers[name]))

    def step(self, k):
        self.put(lambda layer: layer.scores[k])
        batch = slice(k * base.BATCH, min((k + 1) * base.BATCH, base.TRAINING))
        logits = self.case.logits(self.effective(k, "mask", True), self.x[batch])
        loss = base.cross_entropy(self.case.loss, logits, self.y[batch])
        self.loss += loss.item()
        self.optimizer.zero_grad()
        (loss / len(self.y[batch])).backward()
        self.optimizer.step()

    def check_step(self, k):
        for name, layer in self.layers.items():
            before, got, want, push = layer.scores[k], layer.scores[k + 1], self.m[name].detach(), self.m[name].grad
            moved = want - before
            if self.case.optimizer == "adam":  # divides by the gradient's size, and by its error where that is small
                clear = push.abs() > 1e-2 * push.abs().max()
                got, want, moved = got[clear], want[clear], moved[clear]
            self.found += base.compare(self, f"step {k + 1}, {name}", got, want, moved)

    def test(self):
        """Means over the masks of an evaluation."""
        self.put(lambda layer: layer.final)
        loss, hits, n = 0.0, 0.0, 1 if self.case.keep else SAMPLES
        with torch.no_grad():
            for draw in range(n):
                logits = self.case.logits(self.effective(draw, "mask of a test", False), self.x[base.TRAINING:])
                hits += (logits.argmax(1) == self.y[base.TRAINING:]).double().mean().item() / n
                loss += base.cross_entropy(self.case.loss, logits, self.y[base.TRAINING:]).item() / base.TEST / n
        return loss, hits


def check(case, directory, data, x, y):
    layers, metrics = case.train(directory, data)
    oracle = Oracle(case, layers, x, y)
    for k in range(-(-base.TRAINING // base.BATCH)):
        oracle.step(k)
        oracle.check_step(k)
    found = oracle.found + list(base.check_metrics(oracle, metrics))
    kept = sum(int(layer.masks[-1].count_nonzero()) for layer in layers.values())
    print("not ok" if found else "ok", case.name)
    print(f"#   values apart by {oracle.worst:.2g} of what is allowed; "
          f"{kept / sum(layer.weights.numel() for layer in layers.values()):.1%} of the weights remain")
    for sentence in found[:10]:
        print(f"#   {sentence}")
    return bool(found)


EDGE, LEARNED = {"method": "edge-popup", "loss": "logits"}, {"method": "supermask", "loss": "logits"}
# Whole numbers of pixels times weights of one size can be 0 but for rounding, which is a kink of ReLU: not together.
CASES = [
    Case("edge-popup, half kept, signed constants scaled by what is kept", base.PAIRS, base.pairs,
         "weight_init=signed-constant weight_scale=he scale_fan=true score_scale=he score_gain=0.16666666666666666",
         keep=0.5, decay=1e-4, rate=0.1, **EDGE),
    Case("edge-popup, a third kept, Nesterov, ReLU", base.RESIDUAL, base.residual, "weight_init=normal", keep=0.3,
         nesterov=True, decay=1e-3, activation="relu", rate=0.1, **EDGE),
    Case("edge-popup, few kept of a dense network, Adam", DENSE, dense, "weight_init=normal", keep=0.05,
         optimizer="adam", decay=1e-4, rate=0.01, **EDGE),
    Case("Supermask, signed constants, rescaled", base.PAIRS, base.pairs,
         "weight_init=signed-constant weight_scale=xavier", rescale="dynamic", rate=50, **LEARNED),
    Case("Supermask, weights of all sizes, not rescaled, ReLU", base.RESIDUAL, base.residual, "weight_init=normal",
         activation="relu", rate=10, decay=1e-4, **LEARNED),
    Case("Supermask, rescaled, a dense network", DENSE, dense, "weight_init=signed-constant weight_scale=xavier",
         rescale="dynamic", rate=100, **LEARNED),
    Case("Supermask, rescaled, Adam", base.WINDOWS, base.windows, "weight_init=uniform", rescale="dynamic",
         optimizer="adam", rate=0.5, **LEARNED),
]


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        x, y = base.make_data(directory)
        return int(any([check(case, directory, directory, x, y) for case in CASES]))


if __name__ == "__main__":
    sys.exit(main())
