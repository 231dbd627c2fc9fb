# SPDX-License-Identifier: GPL-3.0-or-later
"""check_batches.py DIR: the batches that test_loader.c wrote to DIR/batches, recomputed from the CIFAR files beside
them: order, crops, flips, standardization, labels. Each case is a line of settings, then the batches."""
import sys
from pathlib import Path

import numpy as np

import philox

FOLDERS = {"cifar-10": ("cifar-10-batches-bin", [f"data_batch_{k}.bin" for k in range(1, 6)], "test_batch.bin", 1),
           "cifar-100": ("cifar-100-binary", ["train.bin"], "test.bin", 2)}


def read_files(paths, n_labels):
    records = np.concatenate([np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, n_labels + 3072) for path in paths])
    return records[:, n_labels:].reshape(-1, 3, 32, 32), records[:, n_labels - 1]


def crop_flip(image, seed, number, sample):
    choice = philox.below(seed, "augment", number, sample, 9 * 9 * 2)
    top, left, mirrored = choice // 18, choice // 2 % 9, choice % 2
    crop = np.pad(image, ((0, 0), (4, 4), (4, 4)))[:, top:top + 32, left:left + 32]
    return crop[:, :, ::-1] if mirrored else crop


def standardize(images, kind, train):
    x = images.astype(np.float64)
    if kind == "unit":
        return x / 255
    if kind == "channel":
        by_channel = train.astype(np.float64).transpose(1, 0, 2, 3).reshape(3, -1)
        mean, sd = by_channel.mean(axis=1), by_channel.std(axis=1)
        return (x - mean[:, None, None]) / sd[:, None, None]
    each = x.reshape(len(x), -1)
    sd = np.maximum(each.std(axis=1), 1 / np.sqrt(each.shape[1]))
    return (x - each.mean(axis=1)[:, None, None, None]) / sd[:, None, None, None]


def read_batch(file):
    n = int(np.frombuffer(file.read(8), np.int64)[0])
    labels = np.frombuffer(file.read(n), np.uint8)
    return np.frombuffer(file.read(8 * n * 3072), np.float64).reshape(n, 3, 32, 32), labels


def compare(what, got, want_x, want_labels):
    x, labels = got
    if not np.array_equal(labels, want_labels):
        sys.exit(f"{what}: labels {labels}, expected {want_labels}")
    error = np.abs(x - want_x).max()
    if not error < 2e-6:  # scale and shift are single precision
        sys.exit(f"{what}: inputs differ by {error}")


def expected_batches(settings, images, labels):
    """Samples and images of each batch, pass by pass."""
    order_kind, augmented, batch, seed, n_steps = settings
    steps = -(-len(images) // batch)
    for number in range(n_steps // steps):
        order = list(range(len(images)))
        if order_kind != "file":
            order = philox.permutation(seed, "order", number if order_kind == "shuffled" else 0, len(images))
        for first in range(0, len(images), batch):
            samples = order[first:first + batch]
            chosen = [crop_flip(images[s], seed, number, s) if augmented else images[s] for s in samples]
            yield np.array(chosen), labels[samples]


def check_case(file, directory, line):
    dataset, kind, order, augmented, batch, seed, n_steps = line.split()
    folder, train, test, n_labels = FOLDERS[dataset]
    images, labels = read_files([directory / folder / name for name in train], n_labels)
    settings = order, augmented == "1", int(batch), int(seed), int(n_steps)
    for step, (want, want_labels) in enumerate(expected_batches(settings, images, labels)):
        compare(f"{line}, step {step}", read_batch(file), standardize(want, kind, images), want_labels)
    test_images, test_labels = read_files([directory / folder / test], n_labels)
    compare(f"{line}, test", read_batch(file), standardize(test_images, kind, images), test_labels)


def main(directory):
    n = 0
    with open(directory / "batches", "rb") as file:
        while line := file.readline():
            check_case(file, directory, line.decode().strip())
            n += 1
    if n == 0:
        sys.exit("no batches")


main(Path(sys.argv[1]))
