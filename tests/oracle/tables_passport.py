# SPDX-License-Identifier: GPL-3.0-or-later
"""Oracle of `passport`: every table of one unit, from matrices of the whole network. The partners are known because the
second run is the first with its hidden units in another order and some entries changed."""

from math import inf, log10, nan

import numpy as np
import runfile
from run_oracle import SKIP, Case, Close, differences
from tables_units import graph_of


class Unit:
    """The unit that --unit names, in run i of the case."""

    def __init__(self, case, i, unit=None):
        level, number = case.args[case.args.index("--unit") + 1].split(":")
        self.run, self.level, self.u = case.runs[i], level, int(number) if unit is None else unit
        self.graph = graph_of(case, i)
        self.name, self.records = case.names[i], len(self.run.epoch)
        self.v = {name: case.weights(i, name).astype(float) * case.mask(i, name) for name in self.run.layers}
        self.g = {name: case.mask(i, name) for name in self.run.layers}
        self.readers = [name for name, layer in self.run.layers.items() if level in layer.inputs]

    def part(self, array, reader):
        """The columns of a reader's weights that belong to the unit: [..., out, entries]."""
        n = self.graph.units[self.level]
        lead = array.ndim - len(self.run.layers[reader].shape)
        flat = array.reshape(*array.shape[:lead + 1], n, -1)
        return flat[..., self.u, :]

    def between(self, matrices, source, target):
        """Sum over the routes from each unit of source to each of target of the product of matrices[layer]."""
        levels = self.graph.levels
        reach = {source: np.eye(self.graph.units[source], dtype=matrices[levels[1]].dtype)}
        for name in levels[levels.index(source) + 1:levels.index(target) + 1]:
            total = np.zeros((self.graph.units[name], self.graph.units[source]), matrices[name].dtype)
            for feeding in self.run.layers[name].inputs:
                if feeding in reach:
                    m = matrices[name]
                    total = total + m.reshape(m.shape[0], self.graph.units[feeding], -1).sum(2) @ reach[feeding]
            reach[name] = total
        return reach[target]


def rank(values, u):
    greater, equal = sum(x > values[u] for x in values), sum(x == values[u] for x in values)
    return greater + (equal + 1) / 2


def measures(unit):
    graph, level, u = unit.graph, unit.level, unit.u
    n = graph.units[level]
    into, out = graph.incoming(level), graph.outgoing(level)
    through = graph.through(level)
    total = sum(graph.through("input"))
    possible = {"in": nan if level == "input" else int(np.prod(unit.run.layers[level].shape[1:])),
                "out": nan if level == graph.output else sum(unit.part(unit.v[r], r).size for r in unit.readers)}
    whole = lambda x: nan if x != x else int(x)

    def row(measure, value, values=None):
        r = nan if values is None or any(x != x for x in [values[u]]) else rank(values, u)
        return {"measure": measure, "value": value, "rank": r, "of": n,
                "surpassed": (n - r) / (n - 1) if n > 1 else nan, "meaning": SKIP}

    balance = lambda side: [(p - m) / (p + m) if p + m > 0 else nan for p, m in zip(side[4], side[5])]
    yield row("alive", int(through[u] > 0))
    for side, values in (("in", into), ("out", out)):
        yield row(f"possible_{side}", possible[side])
        for name, k in (("kept", 1), ("inverted", 2), ("positive", 4), ("negative", 5)):
            yield row(f"{name}_{side}", whole(values[k][u]))
    yield row("path_share", Close(float(through[u] / total), 1e-11) if total else nan)
    logs = [log10(t) if t else -inf for t in through]
    flow = graph.synflow(level)
    ranked = {"fan_in": into[0], "fan_out": out[0], "strength_in": into[3], "strength_out": out[3],
              "balance_in": balance(into), "balance_out": balance(out), "log10_paths": logs, "log10_synflow": flow}
    for name, values in ranked.items():
        value = values[u]
        if name.startswith("balance"):
            ordered = [-inf if x != x else x for x in values]
            yield {**row(name, value, ordered), **({} if value == value else row(name, value))}
        else:
            # Sums in another order: what is equal there may differ here in the last place.
            rounded = [x if abs(x) == inf or x != x else round(float(x), 9) for x in values]
            yield row(name, Close(float(value), 1e-9), rounded)
    for name in ("activation_mean", "activation_sd", "active_share", "ablation_accuracy_drop", "accuracy"):
        yield row(name, nan)


def links(unit):
    graph = unit.graph
    log = lambda level, k: log10(graph.through(level)[k]) if graph.through(level)[k] else -inf

    def row(direction, level, k, g, v):
        return {"direction": direction, "layer": level, "unit": k, "kept": int((g > 0).sum()),
                "inverted": int((g < 0).sum()), "weight": Close(v.sum(), 1e-10, 1e-12), "log10_paths": log(level, k)}

    if unit.level != "input":
        for source in unit.run.layers[unit.level].inputs:
            n = graph.units[source]
            for k in range(n):
                g, v = (unit_of(unit, x).reshape(n, -1)[k] for x in (unit.g, unit.v))
                if np.any(g):
                    yield row("in", source, k, g, v)
    for reader in unit.readers:
        g, v = unit.part(unit.g[reader], reader), unit.part(unit.v[reader], reader)
        for k in range(len(g)):
            if np.any(g[k]):
                yield row("out", reader, k, g[k], v[k])


def unit_of(unit, arrays):
    """The unit's row."""
    return arrays[unit.level][unit.u].ravel()


def classes(unit):
    output = unit.graph.output
    objects = {name: (g != 0).astype(object) for name, g in unit.g.items()}
    routes = unit.between(objects, unit.level, output)[:, unit.u]
    weight = unit.between(unit.v, unit.level, output)[:, unit.u]
    for c, (n, w) in enumerate(zip(routes, weight)):
        yield {"class": c, "log10_routes": log10(n) if n else -inf,
               "route_share": n / sum(routes) if sum(routes) else nan, "weight": Close(float(w), 1e-9, 1e-12)}


def settling(unit):
    layers = unit.run.layers
    sides = {}
    if unit.level != "input":
        sides["in"] = layers[unit.level].mask[:, unit.u].reshape(unit.records, -1)
    if unit.readers:
        sides["out"] = np.concatenate([unit.part(layers[r].mask, r).reshape(unit.records, -1) for r in unit.readers], 1)
    for side, masks in sides.items():
        changed = masks[1:] != masks[:-1]
        last = np.array([np.flatnonzero(c)[-1] + 1 if c.any() else 0 for c in changed.T])
        remaining = last[masks[-1] != 0]
        for r in range(unit.records):
            yield {"direction": side, "record": r, "step": int(unit.run.step[r]), "epoch": unit.run.epoch[r],
                   "kept": int((masks[r] == 1).sum()), "inverted": int((masks[r] == -1).sum()),
                   "changed": int(changed[r - 1].sum()) if r else nan, "settled": np.mean(last <= r),
                   "remaining_settled": np.mean(remaining <= r) if remaining.size else nan}


def field(unit):
    layers, graph = unit.run.layers, unit.graph
    shape = tuple(unit.run.attrs["input_shape"])
    pixels = graph.units["input"] == np.prod(shape)
    if unit.level == "input":
        if not pixels:
            return
        view, values, mask = "place", np.eye(1, np.prod(shape), unit.u), None
    elif pixels and "input" not in layers[unit.level].inputs:
        view, mask = "paths", None
        values, shape = unit.between(unit.v, "input", unit.level)[unit.u], shape
    else:
        view, mask, values = "weights", unit_of(unit, unit.g), unit_of(unit, unit.v)
        layer = layers[unit.level]
        block = layer.shape[1] // graph.units[layer.inputs[0]]
        side = int(round(block**0.5))
        if len(layer.shape) == 4:
            shape = layer.shape[1:]
        elif "input" not in layer.inputs:
            shape = (graph.units[layer.inputs[0]], side, side) if block > 1 else (1, 1, layer.shape[1])
    for k, value in enumerate(np.ravel(values)):
        plane, row, column = np.unravel_index(k, shape)
        yield {"run": unit.name, "unit": unit.u, "view": view, "plane": plane, "row": row, "column": column,
               "mask": nan if mask is None else int(mask[k]), "value": Close(float(value), 1e-9, 1e-12)}


# ---- partners ----

def aligned(unit, other, orders):
    """The other run's effective signs with every hidden unit in the place of its partner."""
    result = {}
    for name, layer in unit.run.layers.items():
        t = np.sign(other.v[name])
        rows = orders.get(name, np.arange(t.shape[0]))
        source = layer.inputs[0]
        n = unit.graph.units[source]
        columns = orders.get(source, np.arange(n))
        result[name] = t[rows].reshape(t.shape[0], n, -1)[:, columns].reshape(t.shape)
    return result


def common(a, b, prefix):
    both, either = int(np.sum((a != 0) & (b != 0))), int(np.sum((a != 0) | (b != 0)))
    equal = int(np.sum((a == b) & (a != 0)))
    return {f"both_{prefix}": both, f"either_{prefix}": either, f"jaccard_{prefix}": both / either if either else nan,
            f"sign_agreement_{prefix}": equal / both if both else nan}, equal / either if either else nan


def partners(case, unit):
    for i in range(1, len(case.runs)):
        orders = case.orders
        u = orders[unit.level][unit.u] if unit.level in orders else unit.u
        other = Unit(case, i, int(u))
        theirs, ours = aligned(unit, other, orders), {name: np.sign(v) for name, v in unit.v.items()}
        has_in, has_out = unit.level != "input", unit.level != unit.graph.output
        into, alike = common(ours[unit.level][unit.u], theirs[unit.level][unit.u], "in") if has_in else ({}, nan)
        out, _ = common(*(np.concatenate([unit.part(t[r], r).ravel() for r in unit.readers]) for t in (ours, theirs)),
                        "out") if has_out else ({}, nan)
        all_alike = [common(ours[unit.level][unit.u], t, "")[1] for t in theirs[unit.level] if np.any(t)] if has_in else []
        through = [log10(t) if t else -inf for t in other.graph.through(unit.level)]
        yield {"run": other.name, "alignment": "aligned" if has_in and has_out else "identity", "unit": other.u,
               "counterpart": int(into.get("both_in", 0) + out.get("both_out", 0) > 0),
               "alive": int(through[other.u] > -inf),
               "fan_in": other.graph.incoming(unit.level)[0][other.u], "fan_out": other.graph.outgoing(unit.level)[0][other.u],
               "log10_paths": through[other.u], "rank": rank(through, other.u),
               **{f"{key}_in": nan for key in ("both", "either", "jaccard", "sign_agreement")},
               **{f"{key}_out": nan for key in ("both", "either", "jaccard", "sign_agreement")}, **into, **out,
               "alike_in": alike, "median_alike_in": float(np.median(all_alike)) if has_in else nan,
               "better_in": int(sum(x > alike for x in all_alike)) if has_in else nan}


def passport(case):
    return measures(Unit(case, 0))


def check(case, out):
    """The other tables."""
    unit = Unit(case, 0)
    fields = list(field(unit))
    for row in partners(case, unit):
        fields += list(field(Unit(case, case.names.index(row["run"]), row["unit"])))
    tables = {"links": links(unit), "classes": classes(unit), "settling": settling(unit),
              "partners": partners(case, unit), "fields": fields}
    found = [f"passport-{name}: {line}" for name, rows in tables.items()
             for line in differences(out / f"passport-{name}.tsv", rows)]
    assert not found, "; ".join(found[:5])
    assert (out / "passport.html").stat().st_size > 0


# ---- cases ----

def _masks(rng, shape, density, n_records):
    """Records that lose weights from the first, dense one to the last."""
    g, u = rng.choice([-1, 1], size=shape), rng.random(shape)
    return np.array([g * (u < 1 + (density - 1) * r / max(n_records - 1, 1)) for r in range(n_records)], np.int8)


def _network(rng, shapes, density, n_records):
    layers = []
    for name, shape, inputs in shapes:
        layers.append(runfile.Layer(name, _masks(rng, shape, density, n_records), inputs=inputs,
                                    initial_weights=rng.normal(size=shape).astype(np.float32),
                                    activation="linear" if name == shapes[-1][0] else "elu"))
    return layers


def _reordered(layers, orders, rng, flips):
    """The same network with its hidden units elsewhere: unit u of a stands at orders[level][u] in b. A share of the
    masks' entries changes sign."""
    made = []
    units = {layer.name: layer.shape[0] for layer in layers}
    for layer in layers:
        def move(x):
            rows = orders.get(layer.name, np.arange(layer.shape[0]))
            source = layer.inputs[0]
            lead = x.ndim - len(layer.shape)
            n = units.get(source, x.shape[lead + 1])
            columns = orders.get(source, np.arange(n))
            y = x.reshape(*x.shape[:lead + 1], n, -1)
            z = np.empty_like(y)
            z[..., rows, :, :] = y
            result = np.empty_like(z)
            result[..., columns, :] = z
            return result.reshape(x.shape)
        mask = move(layer.mask) * np.where(rng.random(layer.mask.shape) < flips, -1, 1)
        made.append(runfile.Layer(layer.name, mask, inputs=layer.inputs, initial_weights=move(layer.initial_weights),
                                  activation=layer.activation))
    return made


DENSE = [("dense1", (24, 30), ["input"]), ("dense2", (14, 24), ["dense1"]), ("dense3", (4, 14), ["dense2"])]
CONV = [("conv1", (6, 3, 3, 3), ["input"]), ("conv2", (6, 6, 3, 3), ["conv1"]), ("conv3", (6, 6, 3, 3), ["conv2", "conv1"]),
        ("dense1", (9, 6 * 16), ["conv3"]), ("dense2", (5, 9), ["dense1"])]


def _case(name, shapes, spaces, input_shape, unit, density=0.3, flips=0.05, seed=1, at=None, status="complete"):
    def make(directory):
        rng = np.random.default_rng(seed)
        layers = _network(rng, shapes, density, 5)
        orders = {}
        for space in spaces:
            n = dict((s[0], s[1][0]) for s in shapes)[space[0]]
            order = rng.permutation(n)
            orders.update({level: order for level in space})
        paths = [directory / "a.h5", directory / "b.h5"]
        runfile.write(paths[0], layers, input_shape=input_shape, status=status)
        runfile.write(paths[1], _reordered(layers, orders, rng, flips), input_shape=input_shape, weight_seed=2)
        case = Case(f"passport of {unit}, {name}", paths, ["--unit", unit], at=at, tables=["passport"])
        case.orders = orders
        return case
    return make


_dense = [["dense1"], ["dense2"]]
_conv = [["conv1", "conv2"], ["conv3"], ["dense1"]]
TABLES = {"passport": passport}
CHECKS = {"passport": check}
ONLY_OWN_CASES = ["passport"]
CASES = [_case("dense", DENSE, _dense, (1, 5, 6), unit) for unit in ("dense1:7", "dense2:3", "dense3:2", "input:11")] + \
    [_case("residual convolutions", CONV, _conv, (3, 8, 8), unit) for unit in
     ("conv1:2", "conv2:5", "conv3:0", "dense1:4", "dense2:1", "input:2")] + \
    [_case("dense, --at", DENSE, _dense, (1, 5, 6), "dense1:3", density=0.02, at=2.0),
     _case("sparse, not complete", DENSE, _dense, (1, 5, 6), "dense1:5", density=0.04, status="running", flips=0)]
