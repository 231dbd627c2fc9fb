#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rival_torch_methods.py [METHOD...] - the training steps of the methods on 784-300-100-10 in PyTorch, as their users
write them: Supermask with torch.bernoulli of the sigmoid and dynamic weight rescaling left to autograd, edge-popup with
the GetSubnet of its published code (a sort), lottery tickets as weights times a mask under Adam. With PyTorch's best
settings: batches that already lie in memory as floats, the better of one thread and all and of the optimizer's two
implementations, numbers below 2^-126 flushed to 0.
Run it with MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184, else its time goes to page faults.

Prints a row "method images/s threads" for each."""
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F

SIZES, REPEATS, STRETCH = (784, 300, 100, 10), 5, 0.1
SHAPES = list(zip(SIZES[1:], SIZES))


def constants(gain):
    """Signed constants: the deviation of the initialization, with a random sign."""
    return [torch.randn(out, n_in).sign() * gain(out, n_in) ** 0.5 for out, n_in in SHAPES]


class Sampled(torch.autograd.Function):
    """g ~ Bernoulli(p), straight through."""

    @staticmethod
    def forward(ctx, p):
        return torch.bernoulli(p)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class GetSubnet(torch.autograd.Function):
    """Of the published code of edge-popup: the k largest shares."""

    @staticmethod
    def forward(ctx, scores, k):
        out = scores.clone()
        _, idx = scores.flatten().sort()
        j = int((1 - k) * scores.numel())
        flat_out = out.flatten()
        flat_out[idx[:j]] = 0
        flat_out[idx[j:]] = 1
        return out

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


class Supermask:
    batch = 250

    def __init__(self):
        self.w = constants(lambda out, n_in: 2 / (out + n_in))
        self.parameters = [torch.zeros_like(w).requires_grad_() for w in self.w]

    def effective(self):
        for w, m in zip(self.w, self.parameters):
            g = Sampled.apply(torch.sigmoid(m))
            yield w * g * (g.numel() / g.sum())

    def optimizer(self, foreach):
        return torch.optim.SGD(self.parameters, 100, momentum=0.9, foreach=foreach)


class EdgePopup:
    batch = 128

    def __init__(self):
        self.w = constants(lambda out, n_in: 2 / (n_in * 0.5))
        self.parameters = [((torch.rand_like(w) * 2 - 1) / w.shape[1] ** 0.5).requires_grad_() for w in self.w]

    def effective(self):
        for w, m in zip(self.w, self.parameters):
            yield w * GetSubnet.apply(m.abs(), 0.5)

    def optimizer(self, foreach):
        return torch.optim.SGD(self.parameters, 0.1, momentum=0.9, weight_decay=1e-4, foreach=foreach)


class Ticket:
    batch, kept = 60, 1

    def __init__(self):
        self.parameters = [(torch.randn(out, n_in) * (2 / (out + n_in)) ** 0.5).requires_grad_() for out, n_in in SHAPES]
        self.mask = [(torch.rand(shape) < self.kept).float() for shape in SHAPES]

    def effective(self):
        return self.parameters

    def optimizer(self, foreach):
        return torch.optim.Adam(self.parameters, 1.2e-3, foreach=foreach)


class LateTicket(Ticket):
    kept = 0.035

    def effective(self):
        return (w * g for w, g in zip(self.parameters, self.mask))


METHODS = {"supermask": Supermask, "edge-popup": EdgePopup, "lottery-ticket": Ticket, "lottery-ticket-late": LateTicket}


def images_per_second(method, foreach):
    optimizer = method.optimizer(foreach)
    batches = [(torch.rand(method.batch, SIZES[0]), torch.randint(SIZES[-1], (method.batch,))) for _ in range(16)]

    def steps(n):
        begin = time.perf_counter()
        for k in range(n):
            h, y = batches[k % len(batches)]
            for layer, v in enumerate(method.effective()):
                h = F.linear(F.relu(h) if layer else h, v)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(h, y).backward()
            optimizer.step()
        return time.perf_counter() - begin

    n = 4
    while steps(n) < STRETCH:
        n *= 2
    return n * method.batch / statistics.median(steps(n) for _ in range(REPEATS))


def main():
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    for name in sys.argv[1:] or METHODS:
        best = (0, 0)
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            torch.set_num_threads(threads)
            for foreach in (False, True):
                best = max(best, (images_per_second(METHODS[name](), foreach), threads))
        print(name, f"{best[0]:.6g}", best[1], sep="\t", flush=True)


main()
