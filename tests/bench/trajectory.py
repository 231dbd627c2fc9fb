#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""trajectory.py RUN.h5 - what decides the speed of a real run's masks, layer by layer, for bench_conv --trajectory:

    tests/bench/trajectory.py runs/conv8-cifar10-seed1.h5 > tests/bench/trajectories/conv8-cifar10.tsv

keep and invert are shares of the weights; units and channels are shares of the layer's units and of the channels that
it reads, those with a weight that is not hidden. Twelve of the run's records stay, the last among them, closer together
at the beginning, where masks change most."""
import sys

import h5py
import numpy

MOMENTS = 12
ABOUT = ("recipe_name", "weight_seed", "score_seed", "data_seed", "program_version", "status")


def chosen(n_records):
    return sorted({round((k / (MOMENTS - 1)) ** 2 * (n_records - 1)) for k in range(MOMENTS)})


def shares(mask, n_channels):
    """mask [out, in(, kernel height, kernel width)]; a dense layer may read several positions of a channel."""
    alive = (mask != 0).reshape(len(mask), n_channels, -1).any(axis=2)
    return [numpy.mean(mask == 1), numpy.mean(mask == -1), numpy.mean(alive.any(axis=1)), numpy.mean(alive.any(axis=0))]


def main(path):
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        layers = file["layers"]
        names = sorted(layers, key=lambda name: layers[name].attrs["index"])
        print("# A run of", *(f"{name} {file.attrs[name]}" for name in ABOUT), "(trajectory.py)")
        print("epoch", "layer", "keep", "invert", "units", "channels", sep="\t")
        for record in chosen(len(file["records/step"])):
            for name in names:
                mask, feeding = layers[name]["mask"][record], layers[name].attrs["inputs"][0]
                flattened = layers[name].attrs["kind"] == "dense" and feeding != "input"
                n_channels = len(layers[feeding]["initial_weights"]) if flattened else mask.shape[1]
                cells = [f"{share:.6g}" for share in shares(mask, n_channels)]
                print(f"{file['records/epoch'][record]:g}", name, *cells, sep="\t")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
