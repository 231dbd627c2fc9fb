#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rival_torch_conv.py [--precision fp32|bf16] [--steps N] NETWORK [signed|dense]... - the training step of a
convolutional network in PyTorch at its best, images per second.

Signed: effective weights from scores in three passes over them, forward, backward, and SGDW with Nesterov momentum
on the scores (straight-through: dL/dm = dL/dv w), in place, with operations on whole lists. Dense: the same on the
weights; batch norm behind every convolution of a ResNet. Channels last, but for ResNets; oneDNN; bf16 under autocast;
on a batch that already lies in memory as floats; the better of one thread and all.
Run it with MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184, else its time goes to page faults.

Prints a row "network precision method images/s threads" for each."""
import argparse
import os
import statistics
import time

import torch
import torch.nn.functional as F

BATCH, CLASSES, TAU = 128, 10, 0.4
LR, DECAY, MOMENTUM = 1e-6, 1e-7, 0.9  # small, so that nothing moves far in any number of steps


def elu(x):
    return F.elu(x, inplace=True)


# ---- networks: weights' shapes, and the forward pass that takes the weights in that order ----

class Stack:
    """Conv2 to Conv8: pairs of convolutions 3x3 with a max pool behind each pair, then three dense layers."""

    channels_last, batch_norm = True, False

    def __init__(self, pairs):
        self.pairs = pairs
        widths = [width for width in pairs for _ in range(2)]
        size = 32 // 2 ** len(pairs)
        self.shapes = [(out, n_in, 3, 3) for n_in, out in zip([3] + widths, widths)]
        self.shapes += [(256, widths[-1] * size * size), (256, 256), (CLASSES, 256)]

    def forward(self, v, norm, x):
        v = iter(v)
        for _ in self.pairs:
            x = elu(F.conv2d(x, next(v), padding=1))
            x = F.max_pool2d(elu(F.conv2d(x, next(v), padding=1)), 2)
        x = elu(F.linear(x.flatten(1), next(v)))
        x = elu(F.linear(x, next(v)))
        return F.linear(x, next(v))


class ResNet:
    """Three stages of n blocks; the first of each begins with a convolution 1x1 and has one as its shortcut."""

    channels_last, batch_norm = False, True

    def __init__(self, n):
        self.n, self.shapes, before = n, [(16, 3, 3, 3)], 16
        for width in (16, 32, 64):
            self.shapes += [(width, before, 1, 1), (width, width, 3, 3), (width, before, 1, 1)]
            self.shapes += 2 * (n - 1) * [(width, width, 3, 3)]
            before = width
        self.shapes.append((CLASSES, 64))

    def forward(self, v, norm, x):
        layers = zip(v, norm)

        def conv(x, stride=1):
            weight, normalize = next(layers)
            return normalize(F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2))

        x = F.max_pool2d(elu(conv(x)), 3, stride=1, padding=1)
        for stride in (1, 2, 2):
            branch = conv(elu(conv(x, stride)))
            x = elu(elu(branch) + conv(x, stride))
            for _ in range(self.n - 1):
                x = elu(conv(elu(conv(x))) + x)
        return F.linear(x.mean((2, 3)), v[-1])


NETWORKS = {"conv2": Stack([64]), "conv4": Stack([64, 128]), "conv6": Stack([64, 128, 256]),
            "conv8": Stack([64, 128, 256, 512]), "resnet20": ResNet(3)}


# ---- a step ----

def sgdw(values, velocity, gradients, factors=None):
    """m <- m - wd m;  V <- mu V - lr g;  m <- m + mu V - lr g  with g = gradient, or gradient * factor."""
    torch._foreach_mul_(velocity, MOMENTUM)
    torch._foreach_mul_(values, 1 - DECAY)
    if factors is None:
        torch._foreach_add_(velocity, gradients, alpha=-LR)
    else:
        torch._foreach_addcmul_(velocity, gradients, factors, value=-LR)
    torch._foreach_add_(values, velocity, alpha=MOMENTUM)
    if factors is None:
        torch._foreach_add_(values, gradients, alpha=-LR)
    else:
        torch._foreach_addcmul_(values, gradients, factors, value=-LR)


class Trainer:
    def __init__(self, network, signed, precision):
        torch.manual_seed(0)
        self.network, self.signed, self.bf16 = network, signed, precision == "bf16"
        self.x = self.laid_out(torch.randn(BATCH, 3, 32, 32))
        self.y = torch.randint(CLASSES, (BATCH,))
        self.w = [self.laid_out(self.constant(shape)) for shape in network.shapes]
        self.m = [self.laid_out(torch.rand_like(w) * 2 - 1) for w in self.w] if signed else None
        self.velocity = [torch.zeros_like(w) for w in self.w]
        convolutions = [shape for shape in network.shapes if len(shape) == 4]
        normalized = network.batch_norm and not signed
        self.norm = [torch.nn.BatchNorm2d(s[0]) if normalized else torch.nn.Identity() for s in convolutions]
        self.norm_parameters = [p for norm in self.norm for p in norm.parameters()]
        self.norm_velocity = [torch.zeros_like(p) for p in self.norm_parameters]

    def laid_out(self, tensor):
        last = self.network.channels_last and tensor.dim() == 4
        return tensor.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    @staticmethod
    def constant(shape):
        fan_in = torch.Size(shape[1:]).numel()
        return torch.randn(shape).sign() * (1.5 / fan_in) ** 0.5

    def effective(self):
        """w g(m): hardshrink leaves what is strictly beyond +-tau, its sign is the mask."""
        if not self.signed:
            return self.w
        return [F.hardshrink(m, TAU).sign_().mul_(w) for m, w in zip(self.m, self.w)]

    def step(self):
        v = [one.detach().requires_grad_() for one in self.effective()]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.network.forward(v, self.norm, self.x)
        F.cross_entropy(logits.float(), self.y).backward()
        with torch.no_grad():
            gradients = [one.grad for one in v]
            if self.signed:
                sgdw(self.m, self.velocity, gradients, self.w)
            else:
                sgdw(self.w, self.velocity, gradients)
            if self.norm_parameters:
                sgdw(self.norm_parameters, self.norm_velocity, [p.grad for p in self.norm_parameters])
                for p in self.norm_parameters:
                    p.grad = None


def seconds(trainer, steps):
    trainer.step()
    times = []
    for _ in range(steps):
        begin = time.perf_counter()
        trainer.step()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(" - ")[1].split("\n\n")[0])
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("method", nargs="*", metavar="signed|dense")
    options = parser.parse_args()
    for method in options.method or ("signed", "dense"):
        trainer = Trainer(NETWORKS[options.network], method == "signed", options.precision)
        best = {}
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            torch.set_num_threads(threads)
            best[threads] = BATCH / seconds(trainer, options.steps)
        threads = max(best, key=best.get)
        print(options.network, options.precision, method, f"{best[threads]:.6g}", threads, sep="\t", flush=True)


main()
