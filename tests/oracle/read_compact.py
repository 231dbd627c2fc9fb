#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a compact file by include/supermask/compact.h alone, and computes a stack of dense layers from it.

read_compact.py FILE.smc LOGITS.npy RUN.h5 TEST_BATCH.bin: the logits of CIFAR-10's test images, each standardized by
itself, from the file and from the run's last record, are those in LOGITS.npy.
"""
import re
import struct
import sys
import zlib

import h5py
import numpy as np


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values[0] if len(values) == 1 else values

    def text(self):
        n = self.take("I")
        self.at += n
        return self.data[self.at - n : self.at].decode()


def bits_of(code):
    return np.unpackbits(np.frombuffer(code, np.uint8), bitorder="little")


def decode(code, n, k, signs):
    """Numbers of the kept weights and their signs."""
    bits, at, number, numbers, negative = bits_of(code), 0, -1, [], []
    for _ in range(n):
        ones = 0
        while bits[at]:
            ones, at = ones + 1, at + 1
        low = sum(int(b) << j for j, b in enumerate(bits[at + 1 : at + 1 + k]))
        at += 1 + k
        number += 1 + (ones << k) + low
        numbers.append(number)
        if signs:
            negative.append(bits[at])
            at += 1
    assert len(bits) - at < 8 and not bits[at:].any()
    return np.array(numbers, int), np.array(negative, int)


def layer(reader, n_weights):
    form, coding, k, size, n, n_bytes = reader.take("BBBfQQ")
    assert form in (1, 2) and coding in (0, 1, 2, 3)
    code = reader.data[reader.at : reader.at + n_bytes]
    reader.at += n_bytes
    v = np.zeros(n_weights)
    numbers, negative = (np.arange(n), None) if coding == 0 else decode(code, n, k, coding in (1, 3))
    if coding in (1, 3):
        v[numbers] = np.where(negative, -size, size)
    else:
        v[numbers] = np.frombuffer(reader.data, "<f4", n, reader.at)
        reader.at += 4 * n
    return v


def read(path):
    data = open(path, "rb").read()
    assert struct.unpack("<I", data[-4:])[0] == zlib.crc32(data[:-4])
    reader = Reader(data[:-4])
    assert reader.take("8s") == b"\x89SMC\r\n\x1a\n" and reader.take("I") == 1
    run, recipe, sha256, network = (reader.text() for _ in range(4))
    record, weights, remaining, step, epoch = reader.take("QQQqd")
    widths = [int(u) for u in re.findall(r"units: (\d+)", network)]
    inputs = np.prod([int(x) for x in re.search(r"input: \[(.*)\]", network)[1].split(",")])
    layers = []
    for n_in, n_out in zip([inputs] + widths, widths):
        layers.append(layer(reader, n_in * n_out).reshape(n_out, n_in))
    assert reader.at == len(data) - 4
    return dict(run=run, recipe=recipe, sha256=sha256, record=record, weights=weights, remaining=remaining), layers


def logits(layers, x):
    for v in layers[:-1]:
        z = x @ v.T
        x = np.where(z > 0, z, np.expm1(np.minimum(z, 0)))
    return x @ layers[-1].T


def main(compact, wanted, run, images):
    head, layers = read(compact)
    x = np.fromfile(images, np.uint8).reshape(-1, 3073)[:, 1:].astype(float)
    x = (x - x.mean(1, keepdims=True)) / np.maximum(x.std(1, keepdims=True), 3072**-0.5)
    wanted = np.load(wanted)
    assert wanted.dtype == np.float32 and wanted.shape == (len(x), layers[-1].shape[0]), wanted.shape
    with h5py.File(run) as f:
        order = sorted(f["layers"].values(), key=lambda l: l.attrs["index"])
        masks = [l["mask"][-1] for l in order]
        whole = [l["initial_weights"][:].astype(float) * m for l, m in zip(order, masks)]
        assert head["record"] == len(f["records/step"]) - 1
        assert head["sha256"] == f.attrs["dataset_sha256"] and 'dataset: "cifar-10"\n' in head["recipe"]
    assert head["weights"] == sum(m.size for m in masks)
    assert head["remaining"] == sum(np.count_nonzero(m) for m in masks)
    for name, got in (("file", logits(layers, x)), ("run", logits(whole, x))):
        difference = np.abs(got - wanted).max()
        assert difference < 1e-4 * np.abs(wanted).max(), (name, difference)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
