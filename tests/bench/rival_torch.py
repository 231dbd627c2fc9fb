#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rival_torch.py TRAINER - the training step of fcn-mnist in PyTorch (fp32), and the trainer itself, in turn.

The rival's step is the method's: mask from scores, effective weights, forward, backward to the scores (straight-through),
SGDW with Nesterov momentum in place, on batches that already lie in memory as floats. The trainer's figure is of whole
epochs as a user sees them, records, test evaluation and all: `seconds` of its run file. Both with the same threads; the
two take turns, so that a busy moment hits both; medians."""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy
import torch

SIZES, BATCH, ROUNDS, STEPS = (784, 300, 100, 10), 128, 5, 150
EARLY, LATE = (1, 2), (26, 35)  # epochs
THREADS = len(os.sched_getaffinity(0))


class Mask(torch.autograd.Function):
    """g(m) in {-1, 0, 1}; the gradient passes straight through."""

    @staticmethod
    def forward(ctx, m, tau):
        return (m > tau).float() - (m < -tau).float()

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def make():
    torch.manual_seed(0)
    w = [((torch.rand(o, i) < 0.5).float() * 2 - 1) * (6 / i) ** 0.5 for i, o in zip(SIZES, SIZES[1:])]
    m = [((torch.rand(o, i) * 2 - 1) * (6 / (i + o)) ** 0.5).requires_grad_() for i, o in zip(SIZES, SIZES[1:])]
    return w, m, [torch.zeros_like(x) for x in m]


def step(w, m, velocity, x, y, lr=0.05, wd=5e-4, mu=0.9, tau=0.01):
    h = x
    for k, (wk, mk) in enumerate(zip(w, m)):
        h = torch.nn.functional.linear(h, wk * Mask.apply(mk, tau))
        if k < len(w) - 1:
            h = torch.nn.functional.elu(h)
    torch.nn.functional.cross_entropy(h, y).backward()
    with torch.no_grad():
        for mk, vk in zip(m, velocity):
            mk.mul_(1 - wd)
            vk.mul_(mu).add_(mk.grad, alpha=-lr)
            mk.add_(vk, alpha=mu).add_(mk.grad, alpha=-lr)
            mk.grad = None


def rival(state, batches):
    """Images/s at the better of one thread and all: on small machines more threads can be slower."""
    rates = []
    for threads in {1, THREADS}:
        torch.set_num_threads(threads)
        begin = time.perf_counter()
        for k in range(STEPS):
            step(*state, *batches[k % len(batches)])
        rates.append(STEPS * BATCH / (time.perf_counter() - begin))
    return max(rates)


def train(trainer, path, epochs):
    subprocess.run([trainer, "fcn-mnist", "--quiet", "--epochs", str(epochs), "--threads", str(THREADS), "-o", path],
                   check=True, stdout=subprocess.DEVNULL)
    with h5py.File(path) as f:
        return numpy.diff(f["metrics/seconds"][:], prepend=0), f["metrics/remaining"][:]


def main():
    trainer = sys.argv[1]
    state = make()
    batches = [(torch.randn(BATCH, 784), torch.randint(10, (BATCH,))) for _ in range(64)]
    rival(state, batches)
    rates, early, late, average = [], [], [], []
    with tempfile.TemporaryDirectory() as directory:
        for k in range(ROUNDS):
            rates.append(rival(state, batches))
            try:
                seconds, remaining = train(trainer, os.path.join(directory, f"{k}.h5"), LATE[1])
            except subprocess.CalledProcessError:
                sys.exit("rival_torch: the trainer did not run (is MNIST in $SUPERMASK_DATA or ./data?)")
            images = 60000 / seconds
            early.append(statistics.median(images[EARLY[0] - 1:EARLY[1]]))
            late.append(statistics.median(images[LATE[0] - 1:LATE[1]]))
            average.append(60000 * len(seconds) / seconds.sum())
    r = statistics.median(rates)
    print(f"rival    PyTorch {torch.__version__} fp32, the better of 1 and {THREADS} threads: {r:.0f} images/s (steps alone)")
    for name, values, share in (("early", early, remaining[EARLY[1] - 1]), ("late", late, remaining[LATE[1] - 1]),
                                ("average", average, remaining[-1])):
        ratios = [a / b for a, b in zip(values, rates)]
        print(f"{name:8} remaining {100 * share:5.1f} %  {statistics.median(values):8.0f} images/s in whole epochs  "
              f"{statistics.median(ratios):.2f} x PyTorch ({min(ratios):.2f}-{max(ratios):.2f})")


main()
