#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of scipy, numpy and exact arithmetic for tests/test_statistics.c, test_hypergeometric.c and test_assignment.c.

Standard input: one question a line, NAME|numbers|numbers...; standard output: the answers, one line each."""

import sys
import warnings
from decimal import Decimal, getcontext
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
from scipy import optimize, stats
from scipy.spatial.distance import jensenshannon

getcontext().prec = 60
warnings.simplefilter("ignore")  # undefined cases are asked on purpose
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
STIRLING = [Fraction(1, 12), -Fraction(1, 360), Fraction(1, 1260), -Fraction(1, 1680), Fraction(1, 1188),
            -Fraction(691, 360360), Fraction(1, 156), -Fraction(3617, 122400)]


def wilson(x):
    interval = stats.binomtest(int(x[0]), int(x[1])).proportion_ci(0.95, method="wilson")
    return interval.low, interval.high


def kolmogorov(x):
    return (stats.kstwobign.sf(x[0]),)


def ks(a, b):
    d = stats.ks_2samp(a, b, method="asymp").statistic
    return d, stats.kstwobign.sf(d * np.sqrt(len(a) * len(b) / (len(a) + len(b))))


def ranks(x):
    return stats.rankdata(x)


def spearman(x, y):
    return stats.spearmanr(x, y)


def kendall(x, y):
    return stats.kendalltau(x, y, method="asymptotic")


def gini(x):
    return (np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) ** 2 * x.mean()),)


def js(p, q):
    return (jensenshannon(p, q, base=2),)


def holm(p):
    known = p[~np.isnan(p)]
    # By definition: the largest, over all p-values that are not larger, of p times the number of p-values not smaller
    # (ties in order of appearance give the same maximum).
    candidates = [(other, other * (len(known) - np.count_nonzero(known < other))) for other in known]
    return [np.nan if np.isnan(value) else min(1.0, max(adjusted for other, adjusted in candidates if other <= value))
            for value in p]


def kappa(table):
    share = table.reshape(3, 3) / table.sum()
    chance = share.sum(0) @ share.sum(1)
    return ((np.trace(share) - chance) / (1 - chance),)


def poisson_binomial(p):
    """Coefficients of the product of (1 - p) + p x, exactly."""
    polynomial = [Fraction(1)]
    for q in map(Fraction, p.tolist()):
        polynomial = [a * (1 - q) + b * q for a, b in zip([*polynomial, 0], [0, *polynomial])]
    return polynomial


def top_overlap(x, y, k):
    """A value belongs to the k largest with the share of its ties that find a place."""
    k, total = int(k[0]), Fraction(0)
    chance = lambda values, v: min(max(Fraction(k - int((values > v).sum()), int((values == v).sum())), 0), 1)
    for a, b in zip(x, y):
        total += chance(x, a) * chance(y, b)
    return (total / k,)


def assignment(profit):
    profit = profit.reshape(int(np.sqrt(len(profit))), -1)
    return (profit[optimize.linear_sum_assignment(profit, maximize=True)].sum(),)


def coincidence(strata, both):
    """Whole distribution of a sum of hypergeometric variables in integers: mean, variance, P(S >= both), E[Jaccard]."""
    layers = strata.astype(int).reshape(-1, 3).tolist()
    weight, total = {0: 1}, 1
    for n, a, b in layers:
        layer = {k: comb(a, k) * comb(n - a, b - k) for k in range(max(0, a + b - n), min(a, b) + 1)}
        total *= comb(n, b)
        summed = {}
        for i, p in weight.items():
            for k, q in layer.items():
                summed[i + k] = summed.get(i + k, 0) + p * q
        weight = summed
    mean = Fraction(sum(k * w for k, w in weight.items()), total)
    variance = Fraction(sum(k * k * w for k, w in weight.items()), total) - mean * mean
    tail = Fraction(sum(w for k, w in weight.items() if k >= both[0]), total)
    marks = sum(a + b for _, a, b in layers)
    jaccard = sum(Fraction(w * k, marks - k) for k, w in weight.items()) / total if marks else float("nan")
    return mean, variance, tail, jaccard


@lru_cache(maxsize=None)
def log_factorial(n):
    """To 40 digits: Stirling's series at n + 40, then down by division."""
    x, product = Decimal(n + 40), Decimal(1)
    for i in range(n + 1, n + 40):
        product *= i
    series = sum(Decimal(c.numerator) / c.denominator / x ** (2 * i + 1) for i, c in enumerate(STIRLING))
    return (x - Decimal("0.5")) * x.ln() - x + (2 * PI).ln() / 2 + series - product.ln()


def hypergeometric(x):
    """P(X = k) and P(X >= k) at sizes for which integers would be too long, k at or above the mean."""
    n, a, b, k = map(int, x)
    choose = lambda n, k: log_factorial(n) - log_factorial(k) - log_factorial(n - k)
    pmf = (choose(a, k) + choose(n - a, b - k) - choose(n, b)).exp()
    term, tail = pmf, pmf
    while k < min(a, b) and term > tail * Decimal(10) ** -30:
        term = term * (a - k) * (b - k) / ((k + 1) * (n - a - b + k + 1))
        tail += term
        k += 1
    return pmf, tail


for line in sys.stdin:
    name, *arguments = line.rstrip("\n").split("|")
    answer = globals()[name](*[np.array(argument.split(), float) for argument in arguments])
    print(*[repr(float(value)) for value in answer])
