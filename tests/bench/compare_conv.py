#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""compare_conv.py BUILD - training steps of convolutional networks beside PyTorch's: images per second and ratios,
medians over the rounds with their range, beside what the engine is meant to reach. The two take turns, so that a busy
moment hits both.

Environment: BENCH_NETWORKS (default "conv2 conv4 conv6 conv8 resnet20"), BENCH_PRECISIONS (fp32, and bf16 where the CPU
has AVX-512), BENCH_ROUNDS (2), BENCH_STEPS (4, of each measurement), BENCH_RUNS: a directory of run files,
NETWORK-cifar10*.h5, whose masks are replayed instead of random ones with the densities in trajectories/."""
import math
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CPUS = len(os.sched_getaffinity(0))
MEASURES = {"early": "signed", "late": "signed", "average": "signed", "dense": "dense"}  # the rival's method
# Ratios to PyTorch in the same precision; (precision, kind of network, measure).
TARGETS = {("fp32", "conv", "early"): 1, ("fp32", "conv", "late"): 3, ("fp32", "conv", "average"): 2.5,
           ("fp32", "conv", "dense"): 1, ("fp32", "resnet", "early"): 1, ("fp32", "resnet", "late"): 2,
           ("fp32", "resnet", "dense"): 1, ("bf16", "conv", "late"): 2, ("bf16", "resnet", "late"): 2}


def words(name, default):
    return os.environ.get(name, default).split()


def has_fast_bf16():
    """PyTorch's oneDNN wants AVX-512 for it, and ours only imitates it without."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        return "avx512bw" in file.read()


def rows_of(command, environment):
    """The rows that a benchmark printed, cut into cells; what it said on standard error goes on to ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}  # see Makefile
    done = subprocess.run(command, env={**inherited, **environment}, stdout=subprocess.PIPE, text=True, check=False)
    return [line.split("\t") for line in done.stdout.splitlines()]


def masks(network):
    directory = os.environ.get("BENCH_RUNS")
    runs = sorted(pathlib.Path(directory).glob(f"{network}-cifar10*.h5")) if directory else []
    return ["--run", str(runs[0])] if runs else ["--trajectory", str(HERE / "trajectories" / f"{network}-cifar10.tsv")]


def ours(build, network, precision):
    command = [build / "bench/bench_conv", "--precision", precision, "--steps", STEPS, *masks(network),
               f"{network}-cifar10"]
    environment = {"SUPERMASK_SHARE": str(build / "share/supermask")}
    return {measure: (float(value), float(remaining))
            for _, _, measure, value, remaining in rows_of(command, environment)}


def rival(network, precision):
    command = ["/usr/bin/python3", HERE / "rival_torch_conv.py", "--precision", precision, "--steps", STEPS, network]
    pages = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)}  # malloc keeps its pages
    return {method: float(rate) for _, _, method, rate, _ in rows_of(command, pages)}


def has_rival():
    return subprocess.run(["/usr/bin/python3", "-c", "import torch"], capture_output=True, check=False).returncode == 0


def report(network, precision, rounds):
    """rounds: [(ours, rival)]"""
    if not any(mine for mine, _ in rounds):
        print(f"{network:9} {precision:5} not measured", flush=True)
    kind = network.rstrip("0123456789")
    for measure, method in MEASURES.items():
        found = [(mine[measure], other.get(method, math.nan)) for mine, other in rounds if measure in mine]
        if not found:
            continue
        ratios = [rate / other for (rate, _), other in found]
        target = TARGETS.get((precision, kind, measure))
        spread = f"({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"{network:9} {precision:5} {measure:8} {100 * found[0][0][1]:7.2f} %"
              f" {statistics.median(rate for (rate, _), _ in found):9.0f}"
              f" {statistics.median(other for _, other in found):9.0f}"
              f" {statistics.median(ratios):7.2f} {spread:13} {'-' if target is None else target}", flush=True)
    memory = [mine["memory"][0] for mine, _ in rounds if "memory" in mine]
    if memory:
        print(f"{network:9} {precision:5} memory   {max(memory):.0f} MiB at most, data and both methods included",
              flush=True)


def main(build):
    precisions = words("BENCH_PRECISIONS", "fp32 bf16" if has_fast_bf16() else "fp32")
    print(f"convolutional networks, batch 128, {CPUS} threads (PyTorch: the better of 1 and {CPUS}); images/s")
    if "bf16" not in precisions and "BENCH_PRECISIONS" not in os.environ:
        print("without bf16: neither has it on this CPU")
    compares = has_rival()
    if not compares:
        print("rival    PyTorch is not installed (Debian: python3-torch): no comparison")
    print(f"{'network':15} {'measure':8} {'remaining':>9} {'supermask':>9} {'PyTorch':>9} {'ratio':>7} {'(range)':13}",
          "target")
    for network in words("BENCH_NETWORKS", "conv2 conv4 conv6 conv8 resnet20"):
        for precision in precisions:
            rounds = []
            for _ in range(int(os.environ.get("BENCH_ROUNDS", "2"))):
                mine = ours(build, network, precision)
                rounds.append((mine, rival(network, precision) if mine and compares else {}))
            report(network, precision, rounds)


STEPS = os.environ.get("BENCH_STEPS", "4")
if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
