/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport_unit.c - where a unit's weights stand. */
#include <assert.h>

#include "analyze/passport.h"

size_t sm_unit_n_incoming(const struct sm_passport_unit *unit) {
    return unit->level > 0;
}

struct sm_unit_weights sm_unit_incoming(const struct sm_passport_unit *unit) {
    assert(unit->level > 0);
    size_t fan_in = sm_layer_fan_in(&unit->graph->net->layers[unit->level - 1]);
    return (struct sm_unit_weights){unit->level - 1, unit->unit * fan_in, 1, fan_in, fan_in};
}

/* The layer that is number k among those that read the unit's level; n_layers where there is none. */
static size_t reader(const struct sm_passport_unit *unit, size_t k) {
    const struct sm_network *net = unit->graph->net;
    for (size_t l = 0; l < net->n_layers; l++)
        for (size_t i = 0; i < net->layers[l].n_inputs; i++)
            if (sm_graph_feeding_level(unit->graph, l, i) == unit->level && k-- == 0) return l;
    return net->n_layers;
}

size_t sm_unit_n_outgoing(const struct sm_passport_unit *unit) {
    size_t n = 0;
    while (reader(unit, n) < unit->graph->net->n_layers) n++;
    return n;
}

struct sm_unit_weights sm_unit_outgoing(const struct sm_passport_unit *unit, size_t k) {
    size_t l = reader(unit, k);
    assert(l < unit->graph->net->n_layers);
    const struct sm_layer *layer = &unit->graph->net->layers[l];
    size_t fan_in = sm_layer_fan_in(layer), part = fan_in / sm_graph_level_units(unit->graph, unit->level);
    return (struct sm_unit_weights){l, unit->unit * part, layer->n_out, fan_in, part};
}
