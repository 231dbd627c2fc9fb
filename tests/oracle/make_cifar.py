#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make_cifar.py DIRECTORY: CIFAR-10's files with few images, which can be learned a little: a picture a class, noise."""
import pathlib
import sys

import numpy as np

rng = np.random.default_rng(1)
folder = pathlib.Path(sys.argv[1]) / "cifar-10-batches-bin"
folder.mkdir(parents=True)
pictures = rng.integers(0, 160, (10, 3072))
for name, n in [(f"data_batch_{k}.bin", 32) for k in range(1, 6)] + [("test_batch.bin", 75)]:
    labels = rng.integers(0, 10, n)
    images = pictures[labels] + rng.integers(0, 96, (n, 3072))
    (folder / name).write_bytes(np.hstack([labels[:, None], images]).astype(np.uint8).tobytes())
