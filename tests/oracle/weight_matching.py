# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight matching and null models of ternary networks in numpy, from their definitions: an independent witness of the
analyzer's. A network is {layer: array of -1, 0, 1 [out, in(, kh, kw)]}.

    spaces = Spaces(run)                       # which levels share an order of their units
    order = align(spaces, a, b, by_sign)       # {level: b's unit that stands where a's stands}
    placed(spaces, b, order)                   # b in a's order
    NULLS["degree"](spaces, b, rng)            # b drawn anew
    draws("degree", spaces, b, rng, n)         # and n times"""

import numpy as np
from scipy.optimize import linear_sum_assignment


class Spaces:
    """Levels ("input" and the layers) with a common order: the branches of a sum; the input's and the output's are
    fixed, and so are summed levels whose units differ in number."""

    def __init__(self, run):
        self.layers = run.layers
        self.units = {name: layer.shape[0] for name, layer in run.layers.items()}
        self.fixed = {"input", list(run.layers)[-1]}
        self.members = {level: {level} for level in ["input", *run.layers]}
        for layer in run.layers.values():
            self._join(layer.inputs)
        self.fixed = {level for level in self.members if self.members[level] & self.fixed}
        self.free = []  # in the order of the network
        for level in run.layers:
            if level not in self.fixed and self.members[level] not in self.free:
                self.free.append(self.members[level])

    def _join(self, levels):
        for other in levels[1:]:
            if self.units.get(levels[0]) != self.units.get(other):
                self.fixed |= {levels[0], other}
                continue
            joined = self.members[levels[0]] | self.members[other]
            for level in joined:
                self.members[level] = joined

    def columns(self, layer, order):
        """b's place in the layer's input axis that stands at each of a's."""
        source = layer.inputs[0]
        if source in self.fixed:
            return np.arange(layer.shape[1])
        block = layer.shape[1] // self.units[source]
        return (order[source][:, None] * block + np.arange(block)).ravel()

    def identity(self):
        return {level: np.arange(n) for level, n in self.units.items()}


def placed(spaces, net, order):
    return {name: net[name][order[name]][:, spaces.columns(layer, order)] for name, layer in spaces.layers.items()}


def profit_of(a, b):
    return sum(int(np.sum(a[name] * b[name])) for name in a)


def _profits(spaces, a, b, order, space, decided):
    """Of each unit of a with each of b; layers whose other side is not decided yet have no say."""
    n = spaces.units[next(iter(space))]
    total = np.zeros((n, n))
    known = lambda level: level in spaces.fixed or level in decided
    for name, layer in spaces.layers.items():
        source, x, y = layer.inputs[0], a[name], b[name]
        if name in space and known(source):
            total += x.reshape(n, -1) @ y[:, spaces.columns(layer, order)].reshape(n, -1).T
        if source in space and known(name):
            by_unit = lambda z: np.moveaxis(z.reshape(len(z), n, -1), 1, 0).reshape(n, -1)
            total += by_unit(x) @ by_unit(y[order[name]]).T
    return total


def align(spaces, a, b, by_sign):
    """Coordinate descent: from the input upwards, then round and round while the whole profit rises."""
    if not by_sign:
        a, b = ({name: np.abs(x) for name, x in net.items()} for net in (a, b))
    order, decided = spaces.identity(), set()
    for space in spaces.free:
        best = linear_sum_assignment(_profits(spaces, a, b, order, space, decided), maximize=True)[1]
        order.update({level: best for level in space})
        decided |= space
    profit, rose = profit_of(a, placed(spaces, b, order)), True
    while rose:
        rose = False
        for space in spaces.free:
            best = linear_sum_assignment(_profits(spaces, a, b, order, space, decided), maximize=True)[1]
            tried = {**order, **{level: best for level in space}}
            new = profit_of(a, placed(spaces, b, tried))
            if new > profit:
                order, profit, rose = tried, new, True
    raw = profit_of(a, b)
    return spaces.identity() if raw > profit else order


# ---- null models ----

def independent(spaces, net, rng):
    return {name: rng.permutation(x.ravel()).reshape(x.shape) for name, x in net.items()}


def unit_permutation(spaces, net, rng):
    order = spaces.identity()
    for space in spaces.free:
        shuffled = rng.permutation(spaces.units[next(iter(space))])
        order.update({level: shuffled for level in space})
    return placed(spaces, net, order)


def sign_shuffle(spaces, net, rng):
    drawn = {}
    for name, x in net.items():
        drawn[name] = x.copy()
        drawn[name][x != 0] = rng.permutation(x[x != 0])
    return drawn


def _trades(x, rng, n, rounds=10):
    """n draws at once, [n, *x.shape]. Curveball trades between rows in pairs: what only one of the two has is dealt
    anew; at last each column's signs."""
    has, every = np.repeat((x != 0)[None], n, axis=0), np.arange(n)[:, None]
    rows = np.flatnonzero((x != 0).any(1))
    for _ in range(rounds):
        shuffled = rng.permuted(np.tile(rows, (n, 1)), axis=1)[:, : len(rows) // 2 * 2]
        u, v = shuffled[:, ::2], shuffled[:, 1::2]
        a, b = has[every, u], has[every, v]  # [n, pairs, columns]
        pool = a != b
        drawn = np.where(pool, rng.random(pool.shape), 2).argsort(2).argsort(2)  # ranks; what both or none have, last
        to_u = drawn < (pool & a).sum(2, keepdims=True)
        has[every, u], has[every, v] = np.where(pool, to_u, a), np.where(pool, ~to_u, b)
    dealt, places = np.zeros(has.shape, x.dtype), np.nonzero(x.T)  # column by column
    for one, had in zip(dealt, has):
        one.T[had.T] = x.T[places][np.lexsort((rng.random(len(places[0])), places[0]))]
    return dealt


def degree(spaces, net, rng):
    return degrees(spaces, net, rng, 1)[0]


def degrees(spaces, net, rng, n):
    """n draws of `degree`, in a fraction of the time."""
    drawn = {name: _trades(x.reshape(len(x), -1), rng, n) for name, x in net.items()}
    return [{name: drawn[name][k].reshape(x.shape) for name, x in net.items()} for k in range(n)]


def draws(null, spaces, net, rng, n):
    """n networks of a null model."""
    return degrees(spaces, net, rng, n) if null == "degree" else [NULLS[null](spaces, net, rng) for _ in range(n)]


NULLS = {"independent": independent, "unit-permutation": unit_permutation, "degree": degree,
         "sign-shuffle": sign_shuffle}
